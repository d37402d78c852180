"""A mail that came, as what was written and what came with it. Whatever a sender does to its headers, it is read."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes, message_from_string, policy
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses

from appliance.domains.channels.gateways.email import complaints, text
from appliance.domains.channels.gateways.email.mail import Bounce, Complaint, File, Mail

MAX_FILES = 20
MAX_REFERENCES = 20
MAX_COPIES = 20
LONGEST_HEADER = 10_000  # parameters and encoded words cost their length squared to read
LONGEST_TEXT = 2**20  # bytes of a part; the whole is in the original
_NOT_SAID = frozenset({"", "ascii"})  # letters beyond it came all the same
_NO_CHARSETS = frozenset({"punycode", "idna", "undefined"})  # of domain names: slow by design, and strict whatever one asks
_ID = re.compile(r"<([^<>\s]{1,250})>")
_ROBOTS = re.compile(r"^(mailer-daemon|postmaster|no-?reply|do-?not-?reply|nao-?responda)@", re.IGNORECASE)
_UNREADABLE = (LookupError, ValueError, TypeError, RecursionError)  # of headers made to break their reader
_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"\b(dmarc|spf|dkim)\s*=\s*([a-z]+)")
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


class _Bounded(policy.Compat32):
    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, _guessed(value[:LONGEST_HEADER].encode("utf-8", "surrogateescape"))


def read(raw: bytes, *, is_whole: bool = True) -> Mail:
    """`is_whole` False: only the beginning is there, so nothing that came with it."""
    message = message_from_bytes(raw, policy=_Bounded())
    name, address = _sender(message)
    written, is_shortened = _text(message)
    return Mail(
        message_id=(_ids(message, "Message-ID") or ("",))[0],
        sender=address,
        name=name,
        subject=_header(message, "Subject")[:300],
        text=written,
        copies=tuple(_copies(message, address)),
        references=tuple(dict.fromkeys([*_ids(message, "References"), *_ids(message, "In-Reply-To")]))[-MAX_REFERENCES:],
        files=tuple(_files(message)) if is_whole else (),
        bounces=tuple(_bounces(message)),
        complaint=_complaint(message),
        is_automatic=_is_automatic(message, address),
        is_forged=_is_forged(message),
        is_shortened=is_shortened or not is_whole,
        is_too_large=not is_whole,
    )


def sender_of(head: bytes) -> str:
    """Of a mail that is not read yet."""
    return _sender(message_from_bytes(head, policy=_Bounded()))[1]


def _header(message: Message, name: str) -> str:
    raw = " ".join(str(message.get(name, "")).split())
    try:
        said = str(make_header(decode_header(raw)))
    except _UNREADABLE:  # a charset nobody knows, or not what it says
        said = raw
    return " ".join(said.replace("\x00", "").encode("utf-8", "replace").decode().split())


def _sender(message: Message) -> tuple[str, str]:
    name = address = ""
    with suppress(*_UNREADABLE):
        name, address = next(iter(getaddresses([str(message.get("From", ""))])), ("", ""))
    try:
        name = str(make_header(decode_header(name)))
    except _UNREADABLE:
        name = ""
    name = " ".join(name.replace("\x00", "").encode("utf-8", "replace").decode().split())[:200]
    address = address.strip().lower()
    return name, address if _ADDRESS.fullmatch(address) else ""


def _copies(message: Message, sender: str) -> list[str]:
    found: list[str] = []
    with suppress(*_UNREADABLE):
        named = getaddresses([str(one) for name in ("To", "Cc") for one in message.get_all(name, [])])
        found = [address.strip().lower() for _name, address in named]
    return [one for one in dict.fromkeys(found) if one != sender and _ADDRESS.fullmatch(one)][:MAX_COPIES]


def _ids(message: Message, name: str) -> tuple[str, ...]:
    return tuple(_ID.findall(str(message.get(name, ""))))


def _leaves(message: Message) -> Iterator[Message]:
    """Parts that hold something, not looking into mails inside the mail."""
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _leaves(part)
    else:
        yield message


def _text(message: Message) -> tuple[str, bool]:
    plain = html = ""
    for part in _leaves(message):
        kind = part.get_content_type()
        if part.get_content_disposition() == "attachment" or part.is_multipart():
            continue
        if kind == "text/plain" and not plain:
            plain = _decoded(part)
        if kind == "text/html" and not html:
            html = _decoded(part)
    if not plain.strip():
        return text.of_html(html) if html else "", bool(html)
    new = text.without_history(plain)
    return new, bool(html) or len(new) < len(plain.strip()) - 2


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    content = content[:LONGEST_TEXT]
    try:
        said = part.get_content_charset()
        charset = codecs.lookup(said).name if said else ""
        if charset in _NOT_SAID:
            return _guessed(content)
        return content.decode("latin-1" if charset in _NO_CHARSETS else charset, "replace")
    except (LookupError, ValueError):  # ValueError: a null character in its name
        return content.decode("latin-1")


def _guessed(content: bytes) -> str:
    """Where no charset is named: UTF-8, perhaps cut in a letter, else what Windows and old programs write."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(content)
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _files(message: Message) -> Iterator[File]:
    """What a person attached. Pictures that the HTML shows stay in the original."""
    count = 0
    for part in _leaves(message):
        disposition, named = part.get_content_disposition(), _filename(part)
        is_shown = part.get("Content-ID") and disposition != "attachment"
        is_text = part.get_content_type() in {"text/plain", "text/html"} and disposition != "attachment" and not named
        if is_text or is_shown or not (named or disposition == "attachment") or count == MAX_FILES:
            continue
        content = part.as_bytes() if part.is_multipart() else part.get_payload(decode=True)
        if isinstance(content, bytes) and content:
            count += 1
            yield File(content, part.get_content_type()[:120], named)


def _filename(part: Message) -> str:
    said = ""
    with suppress(*_UNREADABLE):
        said = part.get_filename() or ""
        said = str(make_header(decode_header(said)))
    bare = re.split(r"[/\\]", said)[-1]
    return "".join(letter for letter in bare if letter.isprintable()).encode("utf-8", "replace").decode()[:240]


def _bounces(message: Message) -> Iterator[Bounce]:
    report = next((part for part in message.walk() if part.get_content_type() == "message/delivery-status"), None)
    about = _original(message)
    original = next(iter(_ids(about, "Message-ID")), "") if about else ""
    if report is None or not original:
        return
    for block in report.get_payload() if report.is_multipart() else ():
        if isinstance(block, Message) and block.get("Action"):
            said = " ".join(str(block.get("Diagnostic-Code") or block.get("Status") or "").split())
            yield Bounce(original, str(block["Action"]).strip().lower(), re.sub(r"^[\w-]+;\s*", "", said)[:200])


def _complaint(message: Message) -> Complaint | None:
    report = next((part for part in message.walk() if part.get_content_type() == "message/feedback-report"), None)
    if report is None:
        return None
    inner = report.get_payload()
    fields = inner[0] if isinstance(inner, list) and isinstance(inner[0], Message) else message_from_string(_decoded(report))
    original = _original(message)
    proof = "".join(_header(original, complaints.HEADER).split()) if original else ""
    return Complaint(str(fields.get("Feedback-Type", "")).strip().lower()[:40], proof)


def _original(message: Message) -> Message | None:
    """The mail that a report is about, or its head."""
    for part in message.walk():
        kind, inner = part.get_content_type(), part.get_payload()
        if kind == "message/rfc822" and isinstance(inner, list) and isinstance(inner[0], Message):
            return inner[0]
        if kind in {"text/rfc822-headers", "message/rfc822-headers"}:
            return message_from_string(_decoded(part))
    return None


def _is_automatic(message: Message, sender: str) -> bool:
    submitted = str(message.get("Auto-Submitted", "no")).partition(";")[0].strip().lower()
    precedence = str(message.get("Precedence", "")).strip().lower()
    suppressed = str(message.get("X-Auto-Response-Suppress", "")).lower()
    return (
        submitted not in {"", "no"}
        or precedence in {"bulk", "junk", "list", "auto_reply"}
        or any(word in suppressed for word in ("all", "autoreply"))
        or any(name.lower().startswith("list-") or name.lower() == "x-autoreply" for name in message)
        or str(message.get("Return-Path", "")).strip() == "<>"
        or message.get_content_type() == "multipart/report"
        or _ROBOTS.match(sender) is not None
    )


def _is_forged(message: Message) -> bool:
    """By what the server that took it wrote above the rest (RFC 8601). What stands there of other servers anybody may have written."""
    said = [str(one).lower().partition(";") for one in message.get_all("Authentication-Results", [])]
    own = " ".join(results for server, _, results in said if server.split()[:1] == said[0][0].split()[:1])
    found = set(_RESULT.findall(_COMMENT.sub(" ", own)))
    is_proven = ("dmarc", "pass") in found or ("dkim", "pass") in found
    return ("dmarc", "fail") in found or (("spf", "fail") in found and not is_proven)
