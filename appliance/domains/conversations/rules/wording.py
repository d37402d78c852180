"""The line that stands for a message in a list, and what an agent reads of it."""

import re
from collections.abc import Mapping
from typing import Any

from appliance.domains.conversations.types import MessageKind

PREVIEW_LENGTH = 140
_CITATION = re.compile(r"[ \t]*\[\d{1,2}\]")


def text_of(content: Mapping[str, Any]) -> str:
    """What was written: the text, a caption, the title of a chosen button, a transcript."""
    for name in ("text", "caption", "transcript"):
        if content.get(name):
            return str(content[name])
    chosen = content.get("choice")
    return str(chosen.get("title", "")) if isinstance(chosen, Mapping) else ""


def without_citations(text: str) -> str:
    """`[1]` means something to the team, who see the sources; the contact does not."""
    return _CITATION.sub("", text)


def preview_of(kind: MessageKind, content: Mapping[str, Any]) -> str:
    text = " ".join(text_of(content).split())
    return text[:PREVIEW_LENGTH] if text else f"[{kind.value}]"
