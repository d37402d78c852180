"""A look changes nothing, since scanners of mail follow links: a person presses the button."""

from uuid import UUID

from flask import render_template, request

from appliance.core.errors import DomainError
from appliance.core.web import PUBLIC, Call, Pages
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.types import Question
from webui import branding

pages = Pages("confirming", __name__)
ADDRESS = "/confirm/<uuid:awaited_id>/<string(length=40):confirmation>"


@pages.get(ADDRESS, access=PUBLIC, unit=False)
def ask(call: Call, awaited_id: UUID, confirmation: str) -> str | tuple[str, int]:
    try:
        question = queries.find_question(call.box, awaited_id, confirmation)
    except DomainError as err:
        return _refused(err)
    return _page(question, awaited_id, confirmation)


@pages.post(f"{ADDRESS}/yes", access=PUBLIC, unit=False)
def confirm(call: Call, awaited_id: UUID, confirmation: str) -> str | tuple[str, int]:
    how = {"confirmed_ip": request.remote_addr or "", "confirmed_with": request.user_agent.string[:200]}
    try:
        question = actions.confirm_by_link(call.box, awaited_id, confirmation, how)
    except DomainError as err:
        return _refused(err)
    return _page(question, awaited_id, confirmation, is_done=True)


def _page(question: Question, awaited_id: UUID, confirmation: str, *, is_done: bool = False) -> str:
    return render_template(
        "confirming/confirm.html", brand=branding.brand_of(question.tenant_id), question=question, awaited_id=awaited_id,
        confirmation=confirmation, is_done=is_done,
    )  # fmt: skip


def _refused(err: DomainError) -> tuple[str, int]:
    return render_template("confirming/refused.html", why=str(err)), err.status
