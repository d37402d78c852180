"""What a person wrote in a mail: HTML as plain lines, without the history that mail programs put below."""

import re
from html import unescape
from html.parser import HTMLParser

import nh3

MAX_TEXT = 65_536
MAX_HTML = 300_000  # characters looked at; the whole is in the original
_BLOCKS = frozenset({
    "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "table", "ul", "ol",
})  # fmt: skip
_KEPT = {*_BLOCKS, "br", "td", "th", "a", "b", "i", "strong", "em", "span"}
_HISTORY = frozenset({"gmail_quote", "gmail_quote_container", "yahoo_quoted", "moz-cite-prefix", "mail-editor-reference-message-container"})
_REST_IS_HISTORY = frozenset({"divRplyFwdMsg", "appendonsend"})  # Outlook puts it behind these, not inside
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
_TAG = re.compile(r"<!--|-->|<([/!?]?)([^\s<>/]*+)([^<>]*+)(>?)")
_EMPTY = frozenset({"br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr"})
_ENDS_ITSELF = frozenset({"p", "li", "tr", "td", "th", "dd", "dt"})  # where the next of its kind begins
_NOT_SAID = frozenset({"script", "style", "title", "!--"})
_DEEPEST, _MOST_WORK = 2000, 1_000_000  # a parser's work: for each tag, what is open around it


def of_html(html: str) -> str:
    """Scripts, styles and whatever else is not written are gone before it is read."""
    if not _is_cheap(html[:MAX_HTML]):
        return _tidy(_plainly(html[:MAX_HTML]))
    cleaned = nh3.clean(html[:MAX_HTML], tags=_KEPT, attributes={"*": {"class", "id"}}, link_rel=None)
    return _read(cleaned, with_history=False) or _read(cleaned, with_history=True)


def _is_cheap(html: str) -> bool:
    """Whether a parser gets through it in no time. Errs towards no: an end counts where it ends what was opened last."""
    opened: list[str] = []
    work = 0
    for tag in _TAG.finditer(html):
        sign, name, rest, closed = tag[1], (tag[2] or tag[0]).lower(), tag[3] or "", tag[4]
        if sign is not None and (name[:1].isalpha() or sign) and (not closed or rest.count('"') % 2 or rest.count("'") % 2):
            return tag.end() == len(html)
        is_no_deeper = name in _EMPTY or (name in _ENDS_ITSELF and opened[-1:] == [name])
        if sign == "/" or tag[0] == "-->":
            if opened and opened[-1] == ("!--" if tag[0] == "-->" else name):
                opened.pop()
        elif not is_no_deeper and (tag[0] == "<!--" or (not sign and name[:1].isalpha())):
            opened.append(name.removeprefix("<"))
        work += len(opened)
        if len(opened) > _DEEPEST or work > _MOST_WORK:
            return False
    return True


def _plainly(html: str) -> str:
    """The words between the tags, with no tree built."""
    pieces, after, inside = [], 0, ""
    for tag in _TAG.finditer(html):
        name = "!--" if tag[0] in {"<!--", "-->"} else tag[2].lower()
        if not inside:
            pieces.append(html[after : tag.start()] + ("\n" if name in _BLOCKS or name == "br" else ""))
            inside = name if name in _NOT_SAID and tag[1] != "/" and tag[0] != "-->" else ""
        elif name == inside and (tag[1] == "/" or tag[0] == "-->"):
            inside = ""
        after = tag.end()
    return unescape("".join(pieces) + ("" if inside else html[after:]))


def _read(html: str, *, with_history: bool) -> str:
    reader = _Reader(with_history=with_history)
    reader.feed(html)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).replace("\xa0", " ").splitlines())
    return _tidy("\n".join(lines))


class _Reader(HTMLParser):
    """Goes through once and builds no tree: a mail of fifty thousand paragraphs costs what it is long."""

    def __init__(self, *, with_history: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._with_history = with_history
        self._depth = 0
        self._history_from: int | None = None  # depth of what is passed over; 0 up to the end

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.handle_data("\n")
            return
        self._depth += 1
        if self._history_from is None and not self._with_history:
            self._history_from = self._begins_history(tag, dict(attrs))
        if tag in _BLOCKS:
            self.handle_data("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.handle_data("\n")
        if self._history_from == self._depth:
            self._history_from = None
        self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._history_from is None:
            self.pieces.append(data)

    def _begins_history(self, tag: str, attributes: dict[str, str | None]) -> int | None:
        named = {attributes.get("id") or "", *(attributes.get("class") or "").split()}
        if named & _REST_IS_HISTORY:
            return 0
        return self._depth if tag == "blockquote" or named & _HISTORY else None


def without_history(text: str) -> str:
    """The new words. All of it where nothing else is left (somebody forwarded a thread and wrote nothing)."""
    text = _WRAPPED.sub(r"\1 \2", text.replace("\r\n", "\n"))
    history = _BEGINS_HISTORY.search(text)
    own = _QUOTE_LINE.sub("", text[: history.start()] if history else text)
    return _tidy(own) or _tidy(text)


def _tidy(text: str) -> str:
    cleaned = text.replace("\x00", "").encode("utf-8", "replace").decode()
    return _BLANKS.sub("\n\n", cleaned).strip()[:MAX_TEXT]
