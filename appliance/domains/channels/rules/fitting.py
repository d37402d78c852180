"""What a channel cannot carry as it is, it carries as text; what no text can stand for is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.types import Kind
from appliance.domains.conversations.types import CAPTIONED, MessageKind, Outgoing

_CHOICES = frozenset({MessageKind.BUTTONS, MessageKind.LIST})


def fit(message: Outgoing, kind: Kind) -> Outgoing:
    """Nothing is cut off. Raises Refused."""
    text = str(message.content.get("text", ""))
    if message.kind in _CHOICES and not _carries_choices(message, text, kind):
        written = "\n".join([text, *(f"{number}. {title}" for number, title in enumerate(_titles(message), 1))])
        return fit(replace(message, kind=MessageKind.TEXT, content={"text": written}), kind)
    if message.kind not in kind.carries:
        raise Refused(_("A channel of the kind %(kind)s cannot send this kind of message.", kind=kind.title))
    most = kind.max_caption if message.kind in CAPTIONED else kind.max_text
    if len(text) > most:
        raise Refused(_("A message may have %(most)d characters here; this one has %(has)d.", most=most, has=len(text)))
    return message


def _carries_choices(message: Outgoing, text: str, kind: Kind) -> bool:
    if message.kind not in kind.carries or len(text) > kind.max_text_of_choices:
        return False
    return message.kind is not MessageKind.BUTTONS or all(len(title) <= kind.max_button for title in _titles(message))


def _titles(message: Outgoing) -> list[str]:
    choices: Sequence[Mapping[str, Any]] = (
        message.content["buttons"] if message.kind is MessageKind.BUTTONS else message.content["list"]["rows"]
    )
    return [str(choice["title"]) for choice in choices]
