"""The line that stands for a message in a list, and what an agent reads of it."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from appliance.core.shortening import shortened
from appliance.domains.conversations.types import DELETED, MISSED_CALL, Hearing, MessageKind

PREVIEW_LENGTH = 140
_SAID = frozenset(MessageKind) - {MessageKind.REACTION, MessageKind.NOTE, MessageKind.TEMPLATE}
_SAYS_NOTHING = frozenset({  # as the Cloud API names them, then the fields of the QR link's protocol
    "call", "missed_call", "system", "request_welcome",
    "acp2SettingMessage", "bcallMessage", "encReactionMessage", "groupRootKeyShare", "keepInChatMessage", "limitSharingMessage",
    "messageHistoryBundle", "messageHistoryNotice", "pinInChatMessage", "pollCreationMessageV4", "pollResultSnapshotMessage",
    "pollResultSnapshotMessageV3", "rootSecretDistributeMessage", "scheduledCallCreationMessage", "scheduledCallEditMessage",
    "stickerSyncRmrMessage",
})  # fmt: skip
_CITATION = re.compile(r"[ \t]*\[\d{1,2}\]")


def text_of(content: Mapping[str, Any]) -> str:
    """What was said: written, or spoken and written down."""
    return written_in(content) or str((content.get("transcript") or {}).get("text", ""))


def written_in(content: Mapping[str, Any]) -> str:
    """By whoever sent it: the text, a caption, the title of a chosen button."""
    for name in ("text", "caption"):
        if content.get(name):
            return str(content[name])
    chosen = content.get("choice")
    return str(chosen.get("title", "")) if isinstance(chosen, Mapping) else ""


def is_word(kind: MessageKind, content: Mapping[str, Any]) -> bool:
    """Its writer said something, also what the box cannot show, as an order: no reaction, call or poll, nor what a program answers."""
    if kind is MessageKind.UNSUPPORTED:
        return content.get("type") not in _SAYS_NOTHING
    return kind in _SAID and "poll" not in content and not (content.get("mail") or {}).get("automatic")


def awaits_words(content: Mapping[str, Any]) -> bool:
    """What is spoken in it is being written down."""
    return bool((content.get("transcript") or {}).get("state") == Hearing.WAITING)


def is_heard(content: Mapping[str, Any]) -> bool:
    """Also where nobody speaks."""
    return bool((content.get("transcript") or {}).get("state") == Hearing.WRITTEN)


def takes_words(content: Mapping[str, Any], state: Hearing) -> bool:
    """Words come late rather than never, and once."""
    now = (content.get("transcript") or {}).get("state")
    return now == Hearing.WAITING or (now == Hearing.FAILED and state is Hearing.WRITTEN)


def files_of(content: Mapping[str, Any]) -> list[UUID]:
    """The file that goes with the message, the whole mail that it was."""
    named = (content.get("media") or {}).get("blob_id"), (content.get("mail") or {}).get("original")
    return [UUID(str(file_id)) for file_id in named if file_id]


def without_citations(text: str) -> str:
    """`[1]` means something to the team, who see the sources; the contact does not."""
    return _CITATION.sub("", text)


def preview_of(kind: MessageKind, content: Mapping[str, Any], *, is_deleted: bool = False) -> str:
    if is_deleted:
        return DELETED
    text = " ".join(text_of(content).split())
    if text:
        return shortened(text, PREVIEW_LENGTH)
    if kind is MessageKind.DOCUMENT and (name := str((content.get("media") or {}).get("filename") or "").strip()):
        return shortened(name, PREVIEW_LENGTH)
    is_missed = kind is MessageKind.UNSUPPORTED and content.get("type") == "missed_call"
    return MISSED_CALL if is_missed else f"[{kind.value}]"
