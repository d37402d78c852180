"""What a file is, by its content. The name only decides between kinds of plain text."""

import re
import zipfile
from enum import StrEnum
from io import BytesIO
from pathlib import PurePosixPath

import puremagic

from appliance.domains.knowledge.gateways.extraction import delimited, encodings
from appliance.domains.knowledge.gateways.extraction.limits import MIB, Limits
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import ExtractionFailure

HEAD = 8192


class MediaType(StrEnum):
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    HTML = "text/html"
    MARKDOWN = "text/markdown"
    TEXT = "text/plain"
    CSV = "text/csv"
    MAIL = "message/rfc822"
    JSON = "application/json"
    PNG = "image/png"
    JPEG = "image/jpeg"
    TIFF = "image/tiff"
    WEBP = "image/webp"
    GIF = "image/gif"
    BMP = "image/bmp"


IMAGES = frozenset({MediaType.PNG, MediaType.JPEG, MediaType.TIFF, MediaType.WEBP, MediaType.GIF, MediaType.BMP})
NEVER_TEXT = IMAGES | {MediaType.PDF, MediaType.DOCX, MediaType.XLSX, MediaType.PPTX}
EXTENSIONS = {
    MediaType.PDF: {"pdf"}, MediaType.DOCX: {"docx", "docm", "dotx"}, MediaType.XLSX: {"xlsx", "xlsm", "xltx"},
    MediaType.PPTX: {"pptx", "pptm", "ppsx", "potx"}, MediaType.HTML: {"html", "htm", "xhtml", "asp", "aspx", "php"},
    MediaType.MARKDOWN: {"md", "markdown", "mdown", "txt"}, MediaType.CSV: {"csv", "tsv", "txt", "tab"},
    MediaType.MAIL: {"eml", "txt", "mht"}, MediaType.JSON: {"json", "jsonl", "ndjson", "txt", "geojson"},
    MediaType.PNG: {"png"}, MediaType.JPEG: {"jpg", "jpeg", "jfif"},
    MediaType.TIFF: {"tif", "tiff"}, MediaType.WEBP: {"webp"}, MediaType.GIF: {"gif"}, MediaType.BMP: {"bmp"},
}
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", MediaType.PNG), (b"\xff\xd8\xff", MediaType.JPEG), (b"II*\x00", MediaType.TIFF), (b"MM\x00*", MediaType.TIFF),
    (b"GIF8", MediaType.GIF), (b"BM", MediaType.BMP),
)
_OFFICE_PARTS = (("word/", MediaType.DOCX), ("xl/", MediaType.XLSX), ("ppt/", MediaType.PPTX))
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_BEFORE_HTML = (("<?xml", ">"), ("<!--", "-->"))
_TAG = re.compile(r"</?(?:div|p|table|tr|td|span|ul|li|h[1-6]|a|br|title|meta|details|dl)\b[^>]*>", re.IGNORECASE)
_MAIL_FIELD = re.compile(
    r"^(?:from|to|subject|date|received|message-id|mime-version|return-path|delivered-to|content-type|x-[\w-]+):", re.IGNORECASE)
_MARKDOWN = re.compile(r"^(?:#{1,6} \S|\|?[ :]*-{3,}[ :]*\|[-| :]*$|```|[-*] \[[ x]\] )", re.MULTILINE)
MANY_TAGS = 4
MAIL_FIELDS = 3


def extension(filename: str) -> str:
    return PurePosixPath(filename.replace("\\", "/")).suffix.lower().lstrip(".")


def media_type(content: bytes, filename: str, limits: Limits) -> MediaType:
    head = content[:HEAD]
    if not content.strip(b"\x00 \t\r\n"):
        raise Unreadable(ExtractionFailure.EMPTY)
    if b"%PDF-" in head[:1024]:
        return MediaType.PDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _office(content, limits)
    if head.startswith(_OLE):
        raise Unreadable(ExtractionFailure.ENCRYPTED if _is_encrypted_office(content) else ExtractionFailure.LEGACY_OFFICE)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return MediaType.WEBP
    for signature, found in _SIGNATURES:
        if head.startswith(signature):
            return found
    return _textual(content, filename)


def _is_encrypted_office(content: bytes) -> bool:
    return "EncryptedPackage".encode("utf-16-le") in content


def _office(content: bytes, limits: Limits) -> MediaType:
    try:
        with zipfile.ZipFile(BytesIO(content)) as package:
            members = package.infolist()
            check_expansion(members, len(content), limits)
            if any(member.flag_bits & 1 for member in members):
                raise Unreadable(ExtractionFailure.ENCRYPTED, "zip")
            names = [member.filename for member in members]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as problem:  # the third: a zip newer than Python's
        raise Unreadable(ExtractionFailure.CORRUPT, str(problem)) from problem
    for part, found in _OFFICE_PARTS:
        if "[Content_Types].xml" in names and any(name.startswith(part) for name in names):
            return found
    raise Unreadable(ExtractionFailure.UNSUPPORTED, "zip")


def check_expansion(members: list[zipfile.ZipInfo], size: int, limits: Limits) -> None:
    """By the sizes a package declares: Python's zipfile reads no deflated member past them. Of the rarer kinds it unpacks all at once."""
    if any(member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for member in members):
        raise Unreadable(ExtractionFailure.CORRUPT, "packed in a way that office files do not have")
    total = sum(member.file_size for member in members)
    if total > limits.expanded_bytes or (total > 10 * MIB and total > limits.expansion_ratio * size):
        raise Unreadable(ExtractionFailure.ZIP_BOMB, f"{size} bytes hold {total}")


def is_page(text: str) -> bool:
    """Found by hand: Python 3.11.2, Debian 12's own, loses matches of possessive groups, and others take too long on hostile texts."""
    place = 0
    while True:
        while text[place:place + 1].isspace():
            place += 1
        ends = next((end for begin, end in _BEFORE_HTML if text.startswith(begin, place)), None)
        if ends is None:
            return _HTML.match(text, place) is not None
        found = text.find(ends, place)
        if found < 0:
            return False
        place = found + len(ends)


def _textual(content: bytes, filename: str) -> MediaType:
    text = encodings.decode_head(content)
    if text is None:
        raise Unreadable(ExtractionFailure.UNSUPPORTED, _guess(content))
    ending = extension(filename)
    if is_page(text) or (len(_TAG.findall(text)) >= MANY_TAGS and ending not in {"md", "csv", "eml"}):
        return MediaType.HTML
    if is_mail(text):
        return MediaType.MAIL
    if ending in {"json", "jsonl", "ndjson", "geojson"} or (text.lstrip()[:1] in "{[" and re.search(r'"\s*:', text)):
        return MediaType.JSON
    if ending in {"md", "markdown", "mdown"} or (ending != "csv" and len(_MARKDOWN.findall(text)) > 1):
        return MediaType.MARKDOWN
    if ending in {"csv", "tsv", "tab"} or delimited.looks_delimited(text):
        return MediaType.CSV
    return MediaType.TEXT


def is_mail(text: str) -> bool:
    """The first block of lines is header fields, and at least three of them are known."""
    header = re.split(r"\r?\n\r?\n", text.lstrip("\ufeff\r\n"), maxsplit=1)[0]
    rows = [row for row in header.splitlines() if not row[:1].isspace()]
    return len({row.split(":")[0].lower() for row in rows if _MAIL_FIELD.match(row)}) >= MAIL_FIELDS \
        and all(re.match(r"^[\x21-\x39\x3b-\x7e]+:", row) or row.startswith("From ") for row in rows)


def _guess(content: bytes) -> str:
    try:
        return str(puremagic.from_string(content[:HEAD], mime=True))
    except (puremagic.PureError, ValueError):
        return "unknown"
