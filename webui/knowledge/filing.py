"""Where a document belongs: who may answer from it, its labels, how long it stays; and whether an answer was right."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import Field, ValidationError
from werkzeug import Response

from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Schema, read_form
from appliance.domains.agents import queries as agents
from appliance.domains.knowledge import actions, queries
from appliance.domains.knowledge.actions import Filing
from appliance.domains.knowledge.errors import UnknownAgent
from appliance.domains.knowledge.schemas import FeedbackIn, FilingIn
from webui.knowledge.pages import ASK, WRITE, pages


class FilingForm(Schema):
    """`tags` are separated by commas; `keep_until` is the last day the document is kept."""

    agents: list[UUID] = Field(default_factory=list, max_length=100)
    tags: str = Field("", max_length=3100)
    keep_until: date | None = None

    def wanted(self) -> FilingIn:
        """Raises pydantic.ValidationError."""
        tags = [tag.strip() for tag in self.tags.split(",") if tag.strip()]
        kept = datetime.combine(self.keep_until + timedelta(days=1), time(), UTC) if self.keep_until else None
        return FilingIn.model_validate({"agents": self.agents, "tags": tags, "keep_until": kept})


@pages.get("/knowledge/<uuid:document_id>/filing", permission=WRITE)
def filing(uow: UnitOfWork, document_id: UUID) -> str:
    return _page(uow, document_id, {})


@pages.post("/knowledge/<uuid:document_id>/filing", permission=WRITE)
def file_document(uow: UnitOfWork, document_id: UUID) -> Response | tuple[str, int]:
    form = read_form(FilingForm)
    if form.value is None:
        return _page(uow, document_id, form.errors), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        wanted = form.value.wanted()
    except ValidationError as err:
        return _page(uow, document_id, form.refused(err).errors), HTTPStatus.UNPROCESSABLE_ENTITY
    details = queries.view_document(uow, document_id).metadata
    try:
        actions.file_document(uow, document_id, Filing(tuple(wanted.agents), tuple(wanted.tags), details, wanted.keep_until))
    except UnknownAgent as err:
        return _page(uow, document_id, form.refused(err).errors), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(gettext("Saved. It counts from the next question on."))
    return redirect(url_for("knowledge.document", document_id=document_id))


@pages.post("/knowledge/questions/<uuid:query_id>/feedback", permission=ASK)
def give_feedback(uow: UnitOfWork, query_id: UUID) -> str:
    form = read_form(FeedbackIn)
    said = form.value.feedback if form.value is not None else ""
    if said:
        actions.give_feedback(uow, query_id, said)
    else:
        queries.get_query(uow, query_id)
    return render_template("knowledge/_thanks.html", wrong=said == "wrong")


def _page(uow: UnitOfWork, document_id: UUID, errors: Mapping[str, str]) -> str:
    chosen = queries.view_document(uow, document_id)
    kept = (chosen.keep_until - timedelta(days=1)).date() if chosen.keep_until else None
    return render_template(
        "knowledge/filing.html", chosen=chosen, agents=agents.list_agents(uow), tags=", ".join(chosen.tags), kept=kept, errors=errors,
    )  # fmt: skip
