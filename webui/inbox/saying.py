"""A template in the composer: which fit here, what stands in its places, how it reads and what it costs."""

import re
from itertools import zip_longest
from uuid import UUID

from flask import render_template
from pydantic import Field

from appliance.core.uow import UnitOfWork
from appliance.core.web import Schema, read_form
from appliance.domains.channels import queries as channels
from appliance.domains.channels.queries import Filled, MessageTemplate, Offer
from appliance.domains.channels.types import TemplateKind
from appliance.domains.conversations import queries
from appliance.domains.conversations.queries import Conversation
from webui import costs
from webui.inbox.pages import READ, pages
from webui.studio.template_words import LANGUAGES, PLACES, SOURCES, gap

_PLACE = re.compile(r"\{\{[^}]*\}\}")
_MOST_OF_LINE = 160


class PickForm(Schema):
    """`template` is chosen; `value` of each `place`, as they are typed."""

    template: str = Field("", max_length=36)
    place: list[str] = Field(default_factory=list, max_length=40)
    value: list[str] = Field(default_factory=list, max_length=40)


@pages.post("/inbox/<uuid:conversation_id>/templates", permission=READ)
def pick_template(uow: UnitOfWork, conversation_id: UUID) -> str:
    form = read_form(PickForm).value or PickForm()
    conversation = queries.get_conversation(uow, conversation_id)
    found = channels.list_offered(uow, conversation)
    chosen = next((one for one in found if str(one.id) == form.template), None)
    offer = _offer(uow, conversation, chosen, form) if chosen else None
    filled = _with_gaps(uow, chosen, offer) if chosen and offer else None
    variables = channels.parts_of(chosen).variables if chosen else ()
    return render_template(
        "inbox/_templates.html", found=found, offer=offer, filled=filled, languages=LANGUAGES,
        cost=costs.told(offer.cost) if offer else "", cost_source=costs.source_of(offer.cost) if offer else "",
        names=SOURCES, places=PLACES, sources={one.name: one.source for one in variables},
        examples={one.name: one.example for one in variables}, takes=_takes(chosen) if chosen else "",
        lines={one.id: _line(one) for one in found},
        sample=channels.sample_of(chosen) if chosen else None, refusals=channels.find_refusals(uow, conversation, found),
    )  # fmt: skip


def _line(template: MessageTemplate) -> str:
    """How it begins, to be told from the others."""
    parts = channels.parts_of(template)
    return " ".join(_PLACE.sub("…", f"{parts.header} {parts.body}").split())[:_MOST_OF_LINE]


def _takes(chosen: MessageTemplate) -> str:
    """Kinds of file that it can be sent with, as a browser's file field says it; empty for none."""
    if chosen.kind is TemplateKind.EMAIL:
        return "*/*"
    header = channels.FILE_HEADERS.get(channels.parts_of(chosen).media)
    return ",".join(header.mime_types) if header else ""


def _offer(uow: UnitOfWork, conversation: Conversation, chosen: MessageTemplate, form: PickForm) -> Offer:
    typed = dict(zip_longest(form.place, form.value[: len(form.place)], fillvalue=""))
    return channels.offer(uow, conversation, chosen, typed)


def _with_gaps(uow: UnitOfWork, chosen: MessageTemplate, offer: Offer) -> Filled:
    """As the customer gets it; where something is still missing one sees that it is."""
    gaps = {name: gap(name) for name in offer.filled.missing}
    return channels.fill(uow, chosen.kind, channels.parts_of(chosen), offer.values | gaps)
