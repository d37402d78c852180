"""HTML: what a visitor came to read, without the furniture around it."""

import re

from lxml import etree, html
from lxml.html import HtmlElement as Node

from appliance.domains.knowledge.gateways.extraction import cleaning, encodings
from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import BlockKind, ExtractionFailure

_DECLARED = re.compile(rb"""charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_PROLOG = re.compile(r"^\s*<\?xml[^>]*\?>")
NEVER = frozenset({
    "script", "style", "noscript", "template", "svg", "iframe", "object", "canvas", "head", "select", "datalist", "input",
    "textarea", "audio", "video", "map", "math", "del", "s", "strike",
})
FURNITURE = frozenset({"nav", "footer", "aside", "form", "dialog", "menu"})
_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "dialog", "alertdialog", "menu", "menubar", "complementary"})
_FURNITURE_NAME = re.compile(
    r"(?:^|[\s_-])(?:cookies?|consent|lgpd|gdpr|breadcrumbs?|nav|navbar|navigation|menu|sidebar|newsletter|social|share|"
    r"sharing|popup|topbar|skip|footer|rodape|pagination|related|banner)(?:$|[\s_-])", re.IGNORECASE)
_QUESTION_NAME = re.compile(
    r"(?:^|[\s_-])(?:question|pergunta|accordion-?(?:header|button|title|toggle)|faq-?(?:q|title|question|header))(?:$|[\s_-])",
    re.IGNORECASE)
_LONE_QUESTION = re.compile(r"[^.!?:;]{8,150}\?")
INLINE = frozenset({
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "dfn", "em", "font", "i", "ins", "kbd", "label", "mark", "q",
    "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "img", "acronym", "nobr",
})
HEADINGS = {f"h{level}": level for level in range(1, 7)}
MAX_QUESTION = 250
DETAIL_LEVEL, TERM_LEVEL, BOLD_LEVEL = 7, 8, 8
MAIN_SHARE, MAIN_LENGTH = 0.2, 400
LINKS_OF_A_MENU = 5
LINK_LENGTH = 30


def read(content: bytes, composer: Composer, limits: Limits) -> None:
    del limits
    declared = _DECLARED.search(content[:4096])
    text, _ = encodings.decode(content, declared.group(1).decode("ascii") if declared else None)
    compose(text, composer, boilerplate=True)


def compose(text: str, composer: Composer, *, boilerplate: bool) -> None:
    """`boilerplate`: look for menus and banners to leave out."""
    try:
        root = html.document_fromstring(_PROLOG.sub("", text.replace("\0", "")), parser=html.HTMLParser(huge_tree=True))
    except (etree.ParserError, ValueError) as problem:
        raise Unreadable(ExtractionFailure.NO_TEXT, str(problem)) from problem
    if composer.title is None:
        composer.title = root.findtext(".//title")
    author = root.xpath("string(//meta[@name='author']/@content)")
    composer.author = composer.author or author or None
    Walk(composer, boilerplate=boilerplate).run(_main_part(root) if boilerplate else root)


def _main_part(root: Node) -> Node:
    """The page's own word for its main part is believed unless that part is nearly empty."""
    everything = len(root.text_content())
    parts = root.xpath("//main | //*[@role='main']") or root.xpath("//article")
    if len(parts) == 1 and len(parts[0].text_content()) > min(MAIN_SHARE * everything, MAIN_LENGTH):
        return parts[0]
    return root


class Walk:
    """Depth first; inline text gathers until a block element ends it."""

    def __init__(self, composer: Composer, *, boilerplate: bool) -> None:
        self.composer = composer
        self.boilerplate = boilerplate
        self.gathered: list[str] = []
        self.bold = True
        self.in_item = 0
        self.superseded = 0

    def run(self, root: Node) -> None:
        self.inside(root)
        self.flush()

    def inside(self, node: Node) -> None:
        self.text(node.text)
        for child in node.iterchildren():
            if isinstance(child.tag, str):
                self.visit(child)
            self.text(child.tail)

    def text(self, text: str | None, *, bold: bool = False) -> None:
        if text:
            self.gathered.append(text)
            if text.strip() and not bold:
                self.bold = False

    def flush(self) -> None:
        text = cleaning.line("".join(self.gathered))
        bold, self.gathered, self.bold = self.bold, [], True
        if not text:
            return
        if self.in_item:
            self.composer.list_item(text)
        elif text.endswith("?") and len(text) <= MAX_QUESTION and (bold or _LONE_QUESTION.fullmatch(text)):
            self.composer.question(text, BOLD_LEVEL)
        else:
            self.composer.paragraph(text)

    def visit(self, node: Node) -> None:
        tag = node.tag.lower()
        if tag in NEVER or (self.boilerplate and is_furniture(node)):
            return
        if tag in INLINE and not any(isinstance(child.tag, str) and child.tag not in INLINE | {"br"} for child in node.iterdescendants()):
            self.text(_visible(node), bold=tag in {"b", "strong"})
            return
        if tag == "br":
            self.line_break()
            return
        self.flush()
        self.block(tag, node)
        self.flush()

    def line_break(self) -> None:
        """A bold question on a line of its own ends there."""
        if self.bold and "".join(self.gathered).rstrip().endswith("?"):
            self.flush()
        else:
            self.text(" ")

    def block(self, tag: str, node: Node) -> None:  # noqa: C901 - one line an element
        if tag in HEADINGS:
            self.heading(node, HEADINGS[tag])
        elif tag == "details":
            self.details(node)
        elif tag == "dl":
            self.definitions(node)
        elif tag == "table":
            self.table(node)
        elif tag == "li":
            self.item(node)
        elif tag == "pre":
            self.composer.block(BlockKind.CODE, node.text_content())
        elif tag in {"button", "summary"}:
            self.question(node, must_ask=True)
        elif tag == "header" and self.boilerplate:
            for title in node.iter("h1"):
                self.heading(title, 1)
        elif _QUESTION_NAME.search(node.get("class", "")) and len(_visible(node).strip()) <= MAX_QUESTION:
            self.question(node, must_ask=False)
        else:
            self.inside(node)

    def heading(self, node: Node, level: int) -> None:
        text = cleaning.line(_visible(node))
        if text.endswith("?"):
            self.composer.question(text, level)
        else:
            self.composer.heading(text, level)

    def question(self, node: Node, *, must_ask: bool) -> None:
        text = cleaning.line(_visible(node))
        if text and (text.endswith("?") or not must_ask):
            self.composer.question(text, DETAIL_LEVEL)

    def details(self, node: Node) -> None:
        summary = node.find("summary")
        if summary is not None:
            self.question(summary, must_ask=False)
            tail = summary.tail
            node.remove(summary)
            self.text(tail)
        self.inside(node)
        self.flush()
        self.composer.leave(DETAIL_LEVEL)

    def definitions(self, node: Node) -> None:
        for part in node.iter("dt", "dd"):
            if part.tag == "dt":
                self.flush()
                self.composer.question(_visible(part), TERM_LEVEL)
            else:
                self.inside(part)
                self.flush()
        self.composer.leave(TERM_LEVEL)

    def item(self, node: Node) -> None:
        self.in_item += 1
        self.inside(node)
        self.flush()
        self.in_item -= 1

    def table(self, node: Node) -> None:
        rows = [row for row in node.iter("tr") if next(row.iterancestors("table")) is node]
        cells = [list(row.iterchildren("td", "th")) for row in rows]
        if node.find(".//table") is not None or max((len(row) for row in cells), default=0) <= 1:
            for cell in (cell for row in cells for cell in row):
                self.inside(cell)
                self.flush()
            return
        caption = node.find("caption")
        if caption is not None:
            self.composer.paragraph(_visible(caption))
        heads = [bool(row) and all(cell.tag == "th" for cell in row) for row in cells]
        marked = next((index for index, head in enumerate(heads) if not head), len(heads))
        named_rows = not marked and 2 * sum(1 for row in cells if row and row[0].tag == "th") > len(cells)
        self.composer.grid(_grid(cells), header_rows=0 if named_rows else marked or None, headed=False)


def _grid(rows: list[list[Node]]) -> list[list[str]]:
    """Cells that span rows or columns repeat."""
    filled: dict[tuple[int, int], str] = {}
    for y, cells in enumerate(rows):
        x = 0
        for cell in cells:
            while (y, x) in filled:
                x += 1
            text = cleaning.line(_visible(cell))
            for below in range(_span(cell, "rowspan", len(rows) - y)):
                for right in range(_span(cell, "colspan", 60)):
                    filled[y + below, x + right] = text
    width = max((x for _, x in filled), default=-1) + 1
    return [[filled.get((y, x), "") for x in range(width)] for y in range(len(rows))]


def _span(cell: Node, name: str, most: int) -> int:
    value = cell.get(name, "1").strip()
    return max(1, min(int(value), most)) if value.isdecimal() else 1


def _visible(node: Node) -> str:
    """All text below, with a space where an element breaks the line and struck-out text left out."""
    parts: list[str] = [node.text or ""]
    if node.tag == "sup":
        parts[0] = cleaning.raised(parts[0])
    for child in node.iterchildren():
        if isinstance(child.tag, str) and child.tag not in NEVER:
            parts.append(_visible(child) if child.tag in INLINE else f" {_visible(child)} ")
        parts.append(child.tail or "")
    return "".join(parts)


def is_furniture(node: Node) -> bool:
    if node.tag in FURNITURE or node.get("role", "").lower() in _ROLES:
        return True
    names = f"{node.get('class', '')} {node.get('id', '')}"
    if node.tag not in {"html", "body", "main", "article"} and _FURNITURE_NAME.search(names):
        return True
    return node.tag in {"ul", "ol", "div"} and _is_menu(node)


def _is_menu(node: Node) -> bool:
    links = node.findall(".//a")
    if len(links) < LINKS_OF_A_MENU or node.find(".//p") is not None:
        return False
    linked = sum(len(link.text_content().strip()) for link in links)
    return linked >= 0.8 * len(node.text_content().strip()) and linked / len(links) <= LINK_LENGTH
