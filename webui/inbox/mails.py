"""A mail that begins something, written on a page of its own."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from flask import redirect, render_template, request, url_for
from pydantic import BeforeValidator
from werkzeug import Response

from appliance.core.errors import DomainError
from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Call, Form, Schema, read_form
from appliance.domains.channels import actions
from appliance.domains.channels import queries as channels
from appliance.domains.channels.schemas import MailIn
from appliance.domains.contacts import queries as contacts
from appliance.domains.conversations.schemas import MediaIn
from webui.chosen_files import chosen_file
from webui.inbox.pages import WRITE, pages

COPIES = "cc"


class ToQuery(Schema):
    """`template`: what the mail begins with."""

    contact: UUID | None = None
    template: Annotated[UUID | None, BeforeValidator(lambda said: said or None)] = None


@pages.get("/inbox/mail", permission=WRITE, query=ToQuery)
def new_mail(uow: UnitOfWork, query: ToQuery) -> str:
    person = contacts.find_contacts(uow, [query.contact]).get(query.contact) if query.contact else None
    typed = {"to": (person.email if person else "") or ""}
    if query.template:
        filled = channels.fill_for(uow, channels.get_template(uow, query.template), query.contact)
        typed |= {"subject": filled.header, "text": filled.body}
    return _page(uow, typed, {}, query)


@pages.post("/inbox/mail", permission=WRITE, unit=False)
def begin_mail(call: Call) -> Response | tuple[str, int]:
    form = read_form(MailIn)
    if form.value is None:
        return _again(call, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    with chosen_file(call) as chosen:
        if chosen.problem:
            return _again(call, Form(None, {"file": chosen.problem}, form.raw), HTTPStatus.UNPROCESSABLE_ENTITY)
        file = chosen.upload
        media = MediaIn(blob_id=file.blob_id, mime_type=file.mime_type, filename=file.filename) if file else None
        try:
            with call.unit() as uow:
                said = actions.begin_mail(uow, form.value.model_copy(update={"media": media}), user_id=uow.actor.writer_id)
        except DomainError as err:
            return _again(call, form.refused(err), err.status)
    return redirect(url_for("inbox.conversation", conversation_id=said.conversation_id))


def _again(call: Call, form: Form[MailIn], status: int) -> tuple[str, int]:
    """With what was typed. No browser keeps a file that was chosen."""
    given = request.files.get("file")
    lost = {"file": gettext("Choose the file again.")} if given and given.filename else {}
    with call.unit(read_only=True) as uow:
        return _page(uow, {**form.raw, COPIES: request.form.get(COPIES, "")}, {**lost, **form.errors}), status


def _page(uow: UnitOfWork, typed: Mapping[str, str], errors: Mapping[str, str], query: ToQuery | None = None) -> str:
    """An error of one copy stands at the field that holds them all."""
    by_field = {name.partition(".")[0]: sentence for name, sentence in errors.items()}
    mailboxes = [(str(one.id), f"{one.name} ({one.external_id})") for one in channels.list_mailboxes(uow)]
    return render_template(
        "inbox/mail.html", most_mb=uow.box.settings.channels.max_media_mb, raw=typed, errors=by_field, mailboxes=mailboxes, query=query,
        template_choices=[(row.id, row.name) for row in channels.list_for_mails(uow)],
    )  # fmt: skip
