"""Our message as a mail (RFC 5322). Its Message-ID is made of the client id, so that a repeat is the same mail."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from appliance.domains.conversations.types import Outgoing

MAX_REFERENCES = 20
_REPLY = re.compile(r"^\s*(?:re|res|aw|sv|antw)\s*(?:\[\d+\])?:\s*", re.IGNORECASE)
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


@dataclass(frozen=True)
class Thread:
    """Where a mail belongs. Ids are without their brackets. `is_automatic`: no person wrote it."""

    subject: str = ""
    parent: str = ""
    references: tuple[str, ...] = ()
    is_automatic: bool = False


@dataclass(frozen=True)
class Attached:
    content: bytes
    mime_type: str
    filename: str


@dataclass(frozen=True)
class Letterhead:
    address: str
    from_name: str
    signature: str
    extra: Mapping[str, str] = field(default_factory=dict)


def message_id(client_id: str, address: str) -> str:
    return f"{client_id}@{address.rpartition('@')[2]}"


def compose(message: Outgoing, head: Letterhead, thread: Thread, *, now: datetime, attached: Attached | None = None) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(head.from_name, addr_spec=head.address)
    mail["To"] = message.to
    mail["Subject"] = _one_line(thread.subject)
    mail["Date"] = now
    mail["Message-ID"] = f"<{message_id(message.client_id, head.address)}>"
    if thread.parent:
        mail["In-Reply-To"] = f"<{thread.parent}>"
        chain = [*(one for one in thread.references if one != thread.parent), thread.parent][-MAX_REFERENCES:]
        mail["References"] = " ".join(f"<{one}>" for one in chain)
    if thread.is_automatic:
        mail["Auto-Submitted"] = "auto-replied"  # RFC 3834: other automata stay silent
    for name, value in head.extra.items():
        mail[name] = value
    text = _with_signature(str(message.content.get("text", "")), head.signature)
    mail.set_content(text)
    mail.add_alternative(_as_html(text), subtype="html")
    if attached is not None:
        maintype, _, subtype = attached.mime_type.partition("/")
        mail.add_attachment(
            attached.content, maintype=maintype or "application", subtype=subtype or "octet-stream", filename=attached.filename
        )
    return mail


def answer_subject(subject: str) -> str:
    """`Re:` once, whatever the other's program calls it."""
    bare = subject
    while (shorter := _REPLY.sub("", bare)) != bare:
        bare = shorter
    return f"Re: {bare.strip()}".strip()


def thread_of(content: Mapping[str, Any], provider_id: str) -> Thread:
    """The thread of an answer to a mail that came."""
    mail = content.get("mail") or {}
    references = tuple(str(one) for one in mail.get("references", ()))
    return Thread(answer_subject(str(mail.get("subject", ""))), provider_id if is_message_id(provider_id) else "", references)


def is_message_id(said: str) -> bool:
    return bool(re.fullmatch(r"[^\s<>@\x00-\x1f]+@[^\s<>@\x00-\x1f]+", said))


def _with_signature(text: str, signature: str) -> str:
    return f"{text}\n\n-- \n{signature}\n" if signature else f"{text}\n"


def _one_line(subject: str) -> str:
    return " ".join(subject.split())[:200]


def _as_html(text: str) -> str:
    paragraphs = (_linked(part).replace("\n", "<br>\n") for part in text.strip().split("\n\n"))
    return "<!DOCTYPE html>\n<html><body>\n" + "\n".join(f"<p>{part}</p>" for part in paragraphs) + "\n</body></html>\n"


def _linked(text: str) -> str:
    pieces, end = [], 0
    for found in _LINK.finditer(text):
        address = html.escape(found[0])
        pieces += [html.escape(text[end : found.start()]), f'<a href="{address}">{address}</a>']
        end = found.end()
    return "".join([*pieces, html.escape(text[end:])])
