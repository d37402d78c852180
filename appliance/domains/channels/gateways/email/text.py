"""What a person wrote in a mail: HTML as plain lines, without the history that mail programs put below."""

import re

import nh3
from bs4 import BeautifulSoup

MAX_TEXT = 65_536
MAX_HTML = 1_000_000  # characters looked at; the whole is in the original
_BLOCKS = ("p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "table", "ul", "ol")
_KEPT = {*_BLOCKS, "br", "td", "th", "a", "b", "i", "strong", "em", "span"}
_QUOTED = (
    "blockquote", ".gmail_quote", ".gmail_quote_container", ".yahoo_quoted", ".moz-cite-prefix", "#divRplyFwdMsg", "#appendonsend",
    "#mail-editor-reference-message-container",
)  # fmt: skip
_AFTER_TOO = ("#divRplyFwdMsg", "#appendonsend")  # Outlook puts the history behind these, not inside
_BEGINS_HISTORY = re.compile(
    r"^(?:"
    r"(?:On\b.{4,200}\bwrote:|Em\b.{4,200}\bescreveu:|El\b.{4,200}\bescribi[oó]:)"
    r"|-{2,}\s*(?:Original Message|Mensagem original|Forwarded message|Mensagem encaminhada)\s*-{2,}"
    r"|_{10,}"
    r"|(?:From|De):\s.{1,200}\n(?:Sent|Date|Enviado(?: em)?|Enviada em|Data):\s"
    r")",
    re.IGNORECASE | re.MULTILINE,
)
_WRAPPED = re.compile(r"^((?:On|Em|El)\b[^\n]{4,150})\n([^\n]{0,100}(?:wrote|escreveu|escribi[oó]):)$", re.MULTILINE)
_QUOTE_LINE = re.compile(r"^>.*$", re.MULTILINE)
_BLANKS = re.compile(r"\n{3,}")


def of_html(html: str) -> str:
    """Scripts, styles and everything hidden in attributes are gone before it is read."""
    soup = BeautifulSoup(nh3.clean(_without_history(html[:MAX_HTML]), tags=_KEPT, attributes={}, strip_comments=True), "html.parser")
    for line_end in soup.find_all("br"):
        line_end.replace_with("\n")
    for block in soup.find_all(_BLOCKS):
        block.insert_after("\n")
    lines = (" ".join(line.replace("\xa0", " ").split()) for line in soup.get_text().splitlines())
    return _tidy("\n".join(lines))


def without_history(text: str) -> str:
    """The new words. All of it where nothing else is left (somebody forwarded a thread and wrote nothing)."""
    text = _WRAPPED.sub(r"\1 \2", text.replace("\r\n", "\n"))
    history = _BEGINS_HISTORY.search(text)
    own = _QUOTE_LINE.sub("", text[: history.start()] if history else text)
    return _tidy(own) or _tidy(text)


def _without_history(html: str) -> str:
    soup = BeautifulSoup(html, "html.parser")
    for selector in _AFTER_TOO:
        for mark in soup.select(selector):
            for following in list(mark.find_next_siblings()):
                following.decompose()
    for mark in soup.select(", ".join(_QUOTED)):
        mark.decompose()
    rest = str(soup)
    return rest if soup.get_text(strip=True) else html


def _tidy(text: str) -> str:
    cleaned = text.replace("\x00", "").encode("utf-8", "replace").decode()
    return _BLANKS.sub("\n\n", cleaned).strip()[:MAX_TEXT]
