"""A template said in a conversation: filled in, then on its way like every other reply."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.rules import codes, headers, wording
from appliance.domains.channels.rules.templates import said_of
from appliance.domains.channels.rules.wording import Filled
from appliance.domains.channels.tables import MessageTemplate
from appliance.domains.channels.types import Parts, TemplateKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.queries import Conversation, Message
from appliance.domains.conversations.schemas import MediaIn, media_kind
from appliance.domains.conversations.types import MessageKind


def send_template(
    uow: UnitOfWork, conversation_id: UUID, template_id: UUID, values: Mapping[str, str], *, user_id: UUID, media: MediaIn | None = None
) -> Message:
    """Through the gate of every reply; advertising only to who agreed to it.

    `values` go before what the contact's fields say, `media` before the template's own file.
    """
    template, conversation = queries.get_template(uow, template_id), threads.get_conversation(uow, conversation_id)
    _check_fits(template, conversation)
    parts = queries.whole_parts(uow, template.kind, queries.parts_of(template))
    known = queries.values_to(uow, conversation.contact_id, template.kind, parts)
    said = {**known, **{name: value for name, value in values.items() if value}}
    filled = queries.fill(uow, template.kind, parts, said)
    if filled.missing:
        empty = _("Fill in what stands here.")
        sentence = _("Something is missing: %(names)s.", names=", ".join(filled.missing))
        raise Refused(sentence, fields={f"values.{name}": empty for name in filled.missing})
    if unfit := {**headers.problems_of_values(parts, said), **codes.problems_of_values(parts, said)}:
        raise Refused(said_of(unfit), fields={f"values.{name}": sentence for name, sentence in unfit.items()})
    kind, content = _message(template, parts, said, filled)
    if file := _file(uow, template, parts, said, media):
        content["media"] = file
        kind = media_kind(str(file["mime_type"])) if template.kind is TemplateKind.EMAIL else kind
    return conversations.reply(uow, conversation_id, user_id=user_id, content=content, kind=kind, purpose=queries.purpose_of(template))


def _check_fits(template: MessageTemplate, conversation: Conversation) -> None:
    if template.kind is not queries.template_kind(conversation.channel_kind):
        raise Refused(_("This template is made for another kind of channel."))
    if template.kind is TemplateKind.WHATSAPP and template.channel_id != conversation.channel_id:
        raise Refused(_("This template belongs to another number."))
    if not template.is_sendable or not wording.is_sendable_by_us(queries.parts_of(template)):
        raise Refused(_("This template cannot be sent: WhatsApp has not approved it, or it needs more than texts."))


def _file(
    uow: UnitOfWork, template: MessageTemplate, parts: Parts, said: Mapping[str, str], chosen: MediaIn | None
) -> dict[str, Any] | None:
    """What goes along: the file that was chosen, a link, or the template's own. Raises Refused."""
    takes_file = template.kind is TemplateKind.EMAIL or parts.media in headers.FILES
    if chosen is not None:
        media = conversations.chosen_media(uow, chosen)
        size = int(media["size"])
        problem = headers.problem_of_file(parts.media, chosen.mime_type, size) if takes_file else _("This template takes no file.")
        if problem:
            raise Refused(problem, fields={"media": problem})
        return media
    sample = queries.sample_of(template)
    if headers.needs_file(parts, said, sample):
        sentence = _("Choose the file for the header, or give its address.")
        raise Refused(sentence, fields={"media": sentence})
    if parts.media in headers.FILES and said.get(headers.LINK):
        return {"link": said[headers.LINK]}
    return {**asdict(sample), "blob_id": str(sample.blob_id)} if sample and takes_file else None


def _message(template: MessageTemplate, parts: Parts, said: Mapping[str, str], filled: Filled) -> tuple[MessageKind, dict[str, Any]]:
    if template.kind is TemplateKind.EMAIL:
        return MessageKind.TEXT, {"text": filled.body, "html": filled.html}
    titles = [{"id": f"choice-{number}", "title": title} for number, title in enumerate(filled.buttons, 1) if title]
    content: dict[str, Any] = {"text": filled.text, **({"buttons": titles} if titles else {})}
    if template.kind is TemplateKind.WHATSAPP:
        named: dict[str, Any] = {"name": template.name, "language": template.language, "components": wording.components_of(parts, said)}
        if parts.media in headers.FILES:
            named["header"] = parts.media
        return MessageKind.TEMPLATE, {**content, "template": named}
    return (MessageKind.BUTTONS if titles else MessageKind.TEXT), content
