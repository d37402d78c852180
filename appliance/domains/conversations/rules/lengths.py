"""How long the text of a message may be."""

from collections.abc import Mapping, Sequence
from typing import Any

from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.conversations.types import CAPTIONED, MAX_CAPTION, MessageKind

_WITHOUT_WORDS = frozenset({MessageKind.AUDIO, MessageKind.STICKER})


def room_for_text(medium: Medium, max_text: int, kind: MessageKind, content: Mapping[str, Any]) -> int:
    """Where a channel cannot carry choices they stand beneath the text, numbered. 0: words go by themselves."""
    if medium is Medium.WHATSAPP and kind in _WITHOUT_WORDS:
        return 0
    if medium is Medium.WHATSAPP and kind in CAPTIONED:
        return MAX_CAPTION
    choices: Sequence[Mapping[str, Any]] = content.get("buttons") or content.get("list", {}).get("rows", ())
    return max_text - sum(len(f"\n{number}. {choice['title']}") for number, choice in enumerate(choices, 1))
