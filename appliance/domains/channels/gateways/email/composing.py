"""Our message as a mail (RFC 5322). Its Message-ID is made of the client id, so that a repeat is the same mail."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.gateways.email import complaints
from appliance.domains.conversations.types import Outgoing

MAX_REFERENCES = 20
ENCODED = "=?"  # begins a word that the email module would read, and write out decoded with its line breaks (RFC 2047)
_REPLY = re.compile(r"^\s*(?:re|res|aw|sv|antw)\s*(?:\[\d+\])?:\s*", re.IGNORECASE)
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+", re.ASCII)
_MIME_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


class _Wire(policy.EmailPolicy):
    """What no server on the way has to write anew, which would break a signature.

    Ids and addresses for programs stay as they are however long: the library makes encoded words of them, which none reads (RFC 2047, 5).
    """

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in _FOR_PROGRAMS and value.isascii():
            return f"{name}: {_FOLD.join(value.split())}\r\n".encode()
        return super().fold_binary(name, value)


_FOR_PROGRAMS = frozenset({
    "message-id", "in-reply-to", "references", "list-unsubscribe", "list-unsubscribe-post", complaints.HEADER.lower(),
})  # fmt: skip
_FOLD = "\r\n "
ON_THE_WIRE = _Wire(linesep="\r\n", cte_type="7bit")


@dataclass(frozen=True)
class Thread:
    """Where a mail belongs and who else gets it. Ids are without their brackets. `is_automatic`: no person wrote it."""

    subject: str = ""
    parent: str = ""
    references: tuple[str, ...] = ()
    is_automatic: bool = False
    copies: tuple[str, ...] = ()


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
    mark: Callable[[str], str] = str  # done to the HTML
    above: str = ""  # the brand's lines around what is written
    below: str = ""


def message_id(client_id: str, address: str) -> str:
    return f"{client_id}@{address.rpartition('@')[2]}"


def compose(message: Outgoing, head: Letterhead, thread: Thread, *, now: datetime, attached: Attached | None = None) -> EmailMessage:
    """Raises Refused for an address or a name that no mail can carry."""
    mail = EmailMessage(policy=ON_THE_WIRE)
    _address(mail, head, message.to, thread.copies)
    mail["Subject"] = _as_it_stands(_one_line(thread.subject))
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
    mail.set_content("\n\n".join(part for part in (head.above, text.rstrip("\n"), head.below) if part) + "\n")
    written = _of_template(message, head) or _paragraphs(text)
    mail.add_alternative(_page(head.mark(_letterhead(head.above) + written + _letterhead(head.below))), subtype="html")
    if attached is not None:
        kind = attached.mime_type if _MIME_TYPE.fullmatch(attached.mime_type) else "application/octet-stream"
        maintype, _slash, subtype = kind.partition("/")
        named = _CONTROL.sub(" ", attached.filename).replace(ENCODED, "= ?")
        mail.add_attachment(attached.content, maintype=maintype, subtype=subtype, filename=named)
    if any(_CONTROL.search(str(value)) for part in mail.walk() for value in part.values()):
        raise Refused(_("A header stands on one line."))
    return mail


def _address(mail: EmailMessage, head: Letterhead, to: str, copies: tuple[str, ...]) -> None:
    mail["From"] = Address(_as_it_stands(head.from_name), addr_spec=head.address)
    if not is_writable(to):
        raise Refused(_("Enter an e-mail address, as in ana@example.com."))
    mail["To"] = to
    if copies:
        mail["Cc"] = ", ".join(copies)


def is_writable(address: str) -> bool:
    """A mail can carry it as it stands. Senders name what they like."""
    return ENCODED not in address and bool(_ADDRESS.fullmatch(address))


def _as_it_stands(said: str) -> str:
    return Header(said, "utf-8", maxlinelen=10_000).encode() if ENCODED in said else said


def answer_subject(subject: str) -> str:
    """`Re:` once, whatever the other's program calls it."""
    bare = subject
    while (shorter := _REPLY.sub("", bare)) != bare:
        bare = shorter
    return f"Re: {bare.strip()}".strip()


def thread_of(content: Mapping[str, Any], provider_id: str) -> Thread:
    """The thread of an answer to a mail that came."""
    mail = content.get("mail") or {}
    references = tuple(str(one) for one in mail.get("references", ()) if is_message_id(str(one)))
    copies = tuple(str(one) for one in (mail.get("from"), *mail.get("cc", ())) if one and is_writable(str(one)))
    return Thread(
        answer_subject(str(mail.get("subject", ""))), provider_id if is_message_id(provider_id) else "", references, copies=copies
    )


def is_message_id(said: str) -> bool:
    return ENCODED not in said and bool(re.fullmatch(r"[^\s<>@\x00-\x1f]+@[^\s<>@\x00-\x1f]+", said))


def _with_signature(text: str, signature: str) -> str:
    return f"{text}\n\n-- \n{signature}\n" if signature else f"{text}\n"


def _one_line(subject: str) -> str:
    return " ".join(subject.split())[:200]


def _of_template(message: Outgoing, head: Letterhead) -> str:
    """A template brings its own markup, cleaned when it was filled in."""
    written = str(message.content.get("html", ""))
    return f"{written}\n{_paragraphs(head.signature)}" if written and head.signature else written


def _letterhead(text: str) -> str:
    return f'\n<div style="color:#545b69;font-size:12px">{_paragraphs(text)}</div>\n' if text else ""


def _page(body: str) -> str:
    return f"<!DOCTYPE html>\n<html><body>\n{body}\n</body></html>\n"


def _paragraphs(text: str) -> str:
    paragraphs = (_linked(part).replace("\n", "<br>\n") for part in text.strip().split("\n\n"))
    return "\n".join(f"<p>{part}</p>" for part in paragraphs)


def _linked(text: str) -> str:
    pieces, end = [], 0
    for found in _LINK.finditer(text):
        address = html.escape(found[0])
        pieces += [html.escape(text[end : found.start()]), f'<a href="{address}">{address}</a>']
        end = found.end()
    return "".join([*pieces, html.escape(text[end:])])
