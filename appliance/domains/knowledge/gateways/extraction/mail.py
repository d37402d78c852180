"""EML: the newest message first; what it quotes is older and marked superseded; attachments are read like any file."""

import re
from email import policy
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser

from appliance.domains.knowledge.gateways.extraction import encodings, plain, reader, web
from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import BlockKind, ExtractionFailure, ExtractionWarning

HEADERS = ("From", "To", "Cc", "Date", "Subject")
_QUOTE = re.compile(r"^\s*((?:>\s?)+)")
_ATTRIBUTION = re.compile(
    r"^\s*(?:(?:Em|No dia|On|Am|El|Le)\b.{4,200}?(?:escreveu|wrote|schrieb|escribió|a écrit)\s*:|"
    r"-{2,}\s*(?:Mensagem original|Original message|Mensaje original)\s*-{2,})\s*$", re.IGNORECASE)
_OUTLOOK = re.compile(r"^\s*\*?(?:De|From)\*?:\s?.+$", re.IGNORECASE)
_OUTLOOK_NEXT = re.compile(r"^\s*\*?(?:Enviad[oa](?: em)?|Sent|Data|Date|Para|To)\*?:\s?.+$", re.IGNORECASE)
_FORWARDED = re.compile(r"^\s*-{2,}\s*(?:Forwarded message|Mensagem encaminhada)\s*-{2,}\s*$", re.IGNORECASE)
SMALL_IMAGE = 15_000
MESSAGE_LEVEL = 2


def read(content: bytes, composer: Composer, limits: Limits, depth: int) -> None:
    try:
        message = BytesParser(policy=policy.default).parsebytes(content.lstrip(b"\xef\xbb\xbf\r\n"))
    except (MessageError, ValueError, IndexError, LookupError) as problem:
        raise Unreadable(ExtractionFailure.CORRUPT, str(problem)) from problem
    _read_message(message, composer)
    for part in _attachments(message):
        _read_attachment(part, composer, limits, depth + 1)


def _read_message(message: EmailMessage, composer: Composer) -> None:
    composer.title = _field(message, "Subject") or None
    composer.author = _field(message, "From") or None
    if composer.title:
        composer.heading(composer.title, 1)
    for name in HEADERS:
        if value := _field(message, name):
            composer.block(BlockKind.NOTE, f"{name}: {value}", joined=name != HEADERS[0])
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return
    text = _text(body)
    if body.get_content_type() == "text/html":
        web.compose(text, composer, boilerplate=False)
    else:
        compose(text, composer)


def _field(message: EmailMessage, name: str) -> str:
    """Broken headers are kept as they stand."""
    try:
        return str(message.get(name, ""))
    except (ValueError, IndexError, AttributeError, LookupError, TypeError):
        return next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")


def _text(part: MIMEPart) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return str(part.get_payload())
    return encodings.decode(raw, part.get_content_charset())[0]


def compose(text: str, composer: Composer) -> None:
    """Runs of equally deep quotes, each message under its own attribution."""
    older = 0
    run: list[str] = []
    depth_before = 0
    rows = text.replace("\r\n", "\n").split("\n")
    for index, row in enumerate(rows):
        quote = _QUOTE.match(row)
        depth = quote.group(1).count(">") if quote else 0
        bare = row[quote.end():] if quote else row
        attributed = bool(_ATTRIBUTION.match(bare)) or _is_outlook_start(rows, index, bare)
        if (depth != depth_before or attributed) and bare.strip():
            _passage(run, composer, superseded=bool(older or depth_before))
            run = []
            depth_before = depth
        if attributed:
            older += 0 if depth else 1
            composer.superseded = True
            composer.heading(bare.strip(" -*:"), MESSAGE_LEVEL)
        elif not _FORWARDED.match(bare):
            run.append(bare)
    _passage(run, composer, superseded=bool(older or depth_before))
    composer.superseded = False
    composer.leave(MESSAGE_LEVEL)


def _is_outlook_start(rows: list[str], index: int, bare: str) -> bool:
    """`De:` … `Enviada em:` on the next lines, after some text of the newer message."""
    following = "\n".join(rows[index + 1:index + 3])
    return index > 0 and bool(_OUTLOOK.match(bare)) and any(_OUTLOOK_NEXT.match(_QUOTE.sub("", row)) for row in following.split("\n"))


def _passage(rows: list[str], composer: Composer, *, superseded: bool) -> None:
    if any(row.strip() for row in rows):
        if not superseded:
            composer.leave(MESSAGE_LEVEL)
        composer.superseded = superseded
        plain.compose("\n".join(rows), composer)


def _attachments(message: EmailMessage) -> list[EmailMessage]:
    body = message.get_body(preferencelist=("plain", "html"))
    return [part for part in message.walk() if isinstance(part, EmailMessage) and part is not body and not part.is_multipart()
            and (part.get_filename() or part.get_content_disposition() == "attachment")]


def _read_attachment(part: EmailMessage, composer: Composer, limits: Limits, depth: int) -> None:
    name = part.get_filename() or "attachment"
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes) or (part.get_content_maintype() == "image" and len(content) < SMALL_IMAGE):
        return
    if depth > limits.attachment_depth:
        composer.warn(ExtractionWarning.ATTACHMENT_SKIPPED)
        return
    try:
        found = reader.extract(content, name, limits, depth=depth)
    except Unreadable:
        composer.warn(ExtractionWarning.ATTACHMENT_SKIPPED)
        return
    for warning in found.warnings:
        composer.warn(warning)
    composer.leave()
    composer.heading(name, 1)
    composer.adopt(found.blocks, source=name)
