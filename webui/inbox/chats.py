"""A WhatsApp message that begins something, written on a page of its own."""

from collections.abc import Mapping
from http import HTTPStatus
from itertools import zip_longest
from uuid import UUID

from flask import redirect, render_template, url_for
from pydantic import Field, ValidationError
from werkzeug import Response

from appliance.core.errors import DomainError, Refused
from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Call, Schema, read_form
from appliance.domains.channels import actions
from appliance.domains.channels import queries as channels
from appliance.domains.channels.queries import MessageTemplate, Offer
from appliance.domains.channels.schemas import WhatsappIn
from appliance.domains.channels.types import TemplateCategory
from appliance.domains.contacts import queries as contacts
from appliance.domains.conversations.queries import Conversation
from webui import costs
from webui.inbox.pages import WRITE, pages
from webui.studio.template_words import LANGUAGES, PLACES, SOURCES, gap

LINK = "header.link"


class ChatQuery(Schema):
    channel: UUID | None = None
    template: UUID | None = None


class ChatForm(Schema):
    """`value` of each `place`, as they are typed."""

    channel_id: UUID
    template_id: UUID | None = None
    text: str = ""
    place: list[str] = Field(default_factory=list, max_length=40)
    value: list[str] = Field(default_factory=list, max_length=40)

    @property
    def values(self) -> dict[str, str]:
        return dict(zip_longest(self.place, self.value[: len(self.place)], fillvalue=""))


@pages.get("/inbox/whatsapp/<uuid:contact_id>", permission=WRITE, query=ChatQuery)
def new_chat(uow: UnitOfWork, contact_id: UUID, query: ChatQuery) -> str:
    return _page(uow, contact_id, query)


@pages.post("/inbox/whatsapp/<uuid:contact_id>", permission=WRITE, unit=False)
def begin_chat(call: Call, contact_id: UUID) -> Response | tuple[str, int]:
    form = read_form(ChatForm)
    if form.value is None:
        with call.unit(read_only=True) as uow:
            return _page(uow, contact_id, ChatQuery(), form.errors), HTTPStatus.UNPROCESSABLE_ENTITY
    typed = form.value
    try:
        given = WhatsappIn(
            channel_id=typed.channel_id, contact_id=contact_id, template_id=typed.template_id, values=typed.values, text=typed.text
        )
        with call.unit() as uow:
            said = actions.begin_whatsapp(uow, given, user_id=uow.actor.writer_id)
    except (DomainError, ValidationError) as err:
        status = err.status if isinstance(err, DomainError) else HTTPStatus.UNPROCESSABLE_ENTITY
        with call.unit(read_only=True) as uow:
            wanted = ChatQuery(channel=typed.channel_id, template=typed.template_id)
            return _page(uow, contact_id, wanted, form.refused(err).errors, typed), status
    return redirect(url_for("inbox.conversation", conversation_id=said.conversation_id))


def _page(
    uow: UnitOfWork, contact_id: UUID, query: ChatQuery, errors: Mapping[str, str] | None = None, typed: ChatForm | None = None
) -> str:
    """Without a number, or for somebody whom none reaches, the page says so in place of the form."""
    contact = contacts.get_contact(uow, contact_id)
    numbers = channels.list_numbers(uow)
    shown: dict[str, object] = {"talk": None, "wall": ""}
    if numbers:
        try:
            talk = channels.imagine_talk(uow, channels.pick_number(uow, query.channel, contact.id), contact.id)
        except Refused as err:
            shown["wall"] = str(err)
        else:
            shown = {"wall": "", **_said(uow, talk, query.template, typed)}
    return render_template(
        "inbox/whatsapp.html", contact=contact, numbers=[(one.id, one.name) for one in numbers], errors=errors or {}, **shown
    )


def _said(uow: UnitOfWork, talk: Conversation, template_id: UUID | None, typed: ChatForm | None) -> dict[str, object]:
    """What can be said there, and of what is chosen how it reads, what it costs, and why it may not be sent."""
    offered = channels.list_offered(uow, talk)
    chosen = next((one for one in offered if one.id == template_id), None)
    offer = channels.offer(uow, talk, chosen, typed.values if typed else {}) if chosen else None
    cost = offer.cost if offer else channels.cost_in(uow, talk, None)
    return {
        "talk": talk, "offer": offer, "text": typed.text if typed else "", "speaks_freely": not channels.refusal_to_begin(uow, talk, None),
        "refusal": channels.refusal_to_begin(uow, talk, chosen), "cost": costs.told(cost), "cost_source": costs.source_of(cost),
        "choices": [(one.id, _name_of(one)) for one in offered], "places": _places(chosen, offer) if chosen and offer else [],
        "reads": _with_gaps(uow, chosen, offer) if chosen and offer else "", "sample": channels.sample_of(chosen) if chosen else None,
    }  # fmt: skip


def _name_of(template: MessageTemplate) -> str:
    return template.name if template.language == "pt_BR" else f"{template.name} ({LANGUAGES.get(template.language, template.language)})"


def _with_gaps(uow: UnitOfWork, chosen: MessageTemplate, offer: Offer) -> str:
    gaps = {name: str(gap(name)) for name in offer.filled.missing}
    return channels.fill(uow, chosen.kind, channels.parts_of(chosen), offer.values | gaps).text


def _places(chosen: MessageTemplate, offer: Offer) -> list[tuple[str, str, str]]:
    """(name, label, value) of each; a file of the header is named by its address, where the template brings none."""
    parts = channels.parts_of(chosen)
    sources = {variable.name: variable.source for variable in parts.variables}
    asked = [(name, _label(chosen, name, sources), value) for name, value in offer.values.items() if name != LINK]
    takes_file = parts.media in channels.FILE_HEADERS
    return asked + ([(LINK, gettext("File of the header"), offer.values.get(LINK, ""))] if takes_file else [])


def _label(chosen: MessageTemplate, name: str, sources: Mapping[str, str]) -> str:
    source = sources.get(name) or name
    if name in PLACES:
        return str(PLACES[name])
    if source in SOURCES:
        return str(SOURCES[source][0])
    if name.startswith("url."):
        return gettext("End of the link")
    if name.startswith("code."):
        return gettext("Voucher to copy")
    if chosen.category is TemplateCategory.AUTHENTICATION:
        return gettext("Code")
    return gettext("Variable %(name)s", name=name.removeprefix("header.").replace("_", " "))
