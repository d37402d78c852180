"""Bytes → text. Brazilian files are UTF-8, Windows-1252 or UTF-16; anything else is guessed by its letters."""

import codecs

import charset_normalizer

HEAD = 65536
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\v\f\r\x1b"))
_WESTERN = "áàâãäéèêëíìîïóòôõöúùûüçñÁÀÂÃÉÊÍÓÔÕÚÜÇÑºª°§“”•…€²³½\xa0\u2013\u2014\u2018\u2019"
MOSTLY = 0.4
FEW_CONTROLS = 0.02


def decode(content: bytes, declared: str | None = None) -> tuple[str, bool]:
    """The text, and whether its encoding had to be guessed. A declared encoding is believed only if it fits."""
    for name in (_marked(content), "utf-8", _bare_utf16(content), *([declared] if declared else [])):
        if name and (text := _strict(content, name)) is not None:
            return text, False
    name = _guess(content[:HEAD])
    return content.decode(name, "replace"), name not in {"cp1252", "ascii"}


def decode_head(content: bytes) -> str | None:
    """The beginning of a text file; None for binary content."""
    head = content[:HEAD]
    name = _marked(head) or _bare_utf16(head)
    if name:
        return head[: len(head) // 4 * 4].decode(name, "replace")
    if len(head) - len(head.translate(None, _CONTROLS)) > FEW_CONTROLS * len(head):
        return None
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return head.decode(_guess(head), "replace")


def _marked(content: bytes) -> str | None:
    return next((name for mark, name in _MARKS if content.startswith(mark)), None)


def _bare_utf16(content: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of Western text is zero."""
    head = content[:HEAD]
    half = len(head) // 2
    if not half:
        return None
    if head[1::2].count(0) > MOSTLY * half and head[::2].count(0) == 0:
        return "utf-16-le"
    return "utf-16-be" if head[::2].count(0) > MOSTLY * half and head[1::2].count(0) == 0 else None


def _strict(content: bytes, name: str) -> str | None:
    try:
        return content.decode(name)
    except (UnicodeDecodeError, LookupError):
        return None


def _guess(head: bytes) -> str:
    """Windows-1252 unless its letters make no Western text."""
    western = head.decode("cp1252", "replace")
    odd = [letter for letter in western if ord(letter) > 0x7F]  # beyond ASCII
    letters = sum(1 for letter in odd if letter in _WESTERN)
    if letters >= 0.8 * len(odd):
        return "cp1252"
    best = charset_normalizer.from_bytes(head).best()
    return best.encoding if best else "cp1252"
