"""What customers said of how it was, and on which channels they are asked."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from werkzeug import Response

from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Form, read_form
from appliance.domains.channels import queries as channels
from appliance.domains.contacts import queries as contacts
from appliance.domains.conversations import actions, queries, schemas
from appliance.domains.identity import queries as identity
from webui.inbox.pages import MANAGE, pages
from webui.naming import person_name


class AskForm(schemas.SurveySettingIn):
    """A box that is not ticked is not sent."""

    active: bool = False


@pages.get("/inbox/settings/satisfaction", permission=MANAGE)
def satisfaction(uow: UnitOfWork) -> str:
    return _page(uow)


@pages.post("/inbox/settings/satisfaction/<uuid:channel_id>", permission=MANAGE)
def set_survey(uow: UnitOfWork, channel_id: UUID) -> Response | tuple[str, int]:
    channels.get_channel(uow, channel_id)
    form = read_form(AskForm)
    if form.value is None:
        return _page(uow, channel_id, form), HTTPStatus.UNPROCESSABLE_ENTITY
    actions.set_survey(uow, channel_id, form.value)
    flash(gettext("Saved."))
    return redirect(url_for("inbox.satisfaction"))


def _page(uow: UnitOfWork, refused: UUID | None = None, form: Form[AskForm] | None = None) -> str:
    kept = {key: schemas.SurveySettingIn.model_validate(row).model_dump() for key, row in queries.list_settings(uow).items()}
    usual = AskForm().model_dump()
    rows = []
    for channel in channels.list_channels(uow):
        is_refused = form is not None and channel.id == refused
        shown = {**kept.get(channel.id, usual), **(form.raw if form and is_refused else {})}
        rows.append({"id": channel.id, "name": channel.name, "shown": shown, "errors": form.errors if form and is_refused else {}})
    return render_template(
        "inbox/satisfaction.html", tab="satisfaction", rows=rows, figures=queries.measure_satisfaction(uow), said=_said(uow)
    )


def _said(uow: UnitOfWork) -> list[dict[str, Any]]:
    """The newest answers, with whose and about whom."""
    surveys = [schemas.SurveyOut.model_validate(row) for row in queries.list_answered(uow)]
    talks = {row.id: row for row in queries.list_by_id(uow, {one.conversation_id for one in surveys})}
    people = contacts.find_contacts(uow, {row.contact_id for row in talks.values()})
    names = identity.names_of(uow, {one.user_id for one in surveys if one.user_id})
    return [
        {
            "conversation_id": one.conversation_id, "score": one.score or 0, "comment": one.comment, "at": one.answered_at,
            "name": person_name(people.get(talks[one.conversation_id].contact_id)),
            "by": names.get(one.user_id, "") if one.user_id else "",
        }
        for one in surveys
    ]  # fmt: skip
