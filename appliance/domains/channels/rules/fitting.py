"""What a channel cannot carry as it is, it carries as text; what no text can stand for is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.types import Kind
from appliance.domains.conversations.types import MessageKind, Outgoing

_CHOICES = frozenset({MessageKind.BUTTONS, MessageKind.LIST})


def fit(message: Outgoing, kind: Kind) -> Outgoing:
    """Raises Refused."""
    text = str(message.content.get("text", ""))
    if message.kind in _CHOICES and (message.kind not in kind.carries or len(text) > kind.max_text_of_choices):
        written = "\n".join([text, *(f"{number}. {title}" for number, title in enumerate(_titles(message), 1))])
        return fit(replace(message, kind=MessageKind.TEXT, content={"text": written}), kind)
    if message.kind not in kind.carries:
        raise Refused(_("A channel of the kind %(kind)s cannot send this kind of message.", kind=kind.title))
    return replace(message, content={**message.content, "text": text[: kind.max_text]}) if text else message


def _titles(message: Outgoing) -> list[str]:
    choices: Sequence[Mapping[str, Any]] = (
        message.content["buttons"] if message.kind is MessageKind.BUTTONS else message.content["list"]["rows"]
    )
    return [str(choice["title"]) for choice in choices]
