"""DOCX: body in order with its tables, notes beside the sentence that calls them, headers once."""

import re
from collections.abc import Iterator
from io import BytesIO

import docx
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE as REL
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from lxml import etree
from lxml.etree import _Element as Node

from appliance.domains.knowledge.gateways.extraction import cleaning
from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import BlockKind, ExtractionFailure

P, TBL, TR, TC, R, T = (qn(f"w:{name}") for name in ("p", "tbl", "tr", "tc", "r", "t"))
VAL = qn("w:val")
MC_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_SKIPPED = {qn("w:del"), qn("w:moveFrom"), qn("w:instrText"), qn("w:txbxContent"), qn("w:pPr"), MC_FALLBACK}
_WRAPPERS = {qn(f"w:{name}") for name in ("sdt", "sdtContent", "ins", "customXml", "smartTag")}
_HEADING_NAME = re.compile(r"(?:heading|t[ií]tulo|cabe[cç]alho|ttulo)\s?(\d)", re.IGNORECASE)
_PAGE_FIELD = re.compile(r"(?:p[áa]g(?:ina|e)?\.?\s*)?\d*\s*(?:de|of|/)?\s*\d*", re.IGNORECASE)
MAX_BOLD_HEADING = 100
TITLE_LEVEL, BOLD_LEVEL = 0, 7


def read(content: bytes, composer: Composer, limits: Limits) -> None:
    del limits
    try:
        document = docx.Document(BytesIO(content))
    except (KeyError, ValueError, etree.XMLSyntaxError, OpcError) as problem:
        raise Unreadable(ExtractionFailure.CORRUPT, str(problem)) from problem
    composer.title, composer.author = document.core_properties.title, document.core_properties.author
    Reading(document, composer).run()


class Reading:
    def __init__(self, document: Document, composer: Composer) -> None:
        self.composer = composer
        self.body: Node = document.element.body
        self.notes = _notes(document)
        self.levels = _heading_levels(document)
        self.document = document

    def run(self) -> None:
        headers, footers = _margins(self.document)
        said = {cleaning.line(text_of(node)) for node in self.body.iter(P)}
        for text in headers:
            if text not in said:
                self.composer.block(BlockKind.NOTE, text)
        self.walk(self.body)
        self.composer.leave()
        for text in footers:
            if text not in said and text not in headers:
                self.composer.block(BlockKind.NOTE, text)

    def walk(self, parent: Node) -> None:
        for node in parent.iterchildren():
            if node.tag == P:
                self.paragraph(node)
            elif node.tag == TBL:
                self.table(node)
            elif node.tag in _WRAPPERS and not _is_contents_list(node):
                self.walk(node)

    def paragraph(self, node: Node) -> None:
        text = cleaning.line(text_of(node))
        style = _value(node, "w:pPr/w:pStyle")
        level = self._level(node, style)
        if text and not (style or "").lower().startswith(("toc", "sumrio", "sumário")):
            if level is not None:
                self.composer.heading(text, level)
            elif _is_bold(node) and len(text) <= MAX_BOLD_HEADING and not text.endswith((".", ";", ",")) and not _is_list(node, style):
                self._bold(text)
            elif _is_list(node, style):
                self.composer.list_item(text)
            else:
                self.composer.paragraph(text)
        for note in self._called_notes(node):
            self.composer.block(BlockKind.FOOTNOTE, note, joined=True)
        for box in node.iter(qn("w:txbxContent")):
            if not any(parent.tag == MC_FALLBACK for parent in box.iterancestors()):
                self.walk(box)

    def _bold(self, text: str) -> None:
        if text.endswith("?"):
            self.composer.question(text, BOLD_LEVEL)
        else:
            self.composer.heading(text, BOLD_LEVEL)

    def _level(self, node: Node, style: str | None) -> int | None:
        own = _value(node, "w:pPr/w:outlineLvl")
        if own is not None and own.isdigit() and int(own) < 9:  # 9 means body text
            return int(own) + 1
        return self.levels.get(style or "")

    def _called_notes(self, node: Node) -> Iterator[str]:
        for kind in ("footnote", "endnote"):
            for reference in node.iter(qn(f"w:{kind}Reference")):
                text = self.notes.get((kind, reference.get(qn("w:id"), "")))
                if text:
                    yield text

    def table(self, node: Node) -> None:
        rows = list(node.iterchildren(TR))
        if len(rows) == 1 and len(list(rows[0].iterchildren(TC))) == 1:
            self.walk(next(rows[0].iterchildren(TC)))
            return
        above: dict[int, str] = {}
        grid = [_cells(row, above) for row in rows]
        marked = 0
        while marked < len(rows) and rows[marked].find(qn("w:trPr") + "/" + qn("w:tblHeader")) is not None:
            marked += 1
        if not marked and len(rows) > 1 and all(_is_bold(part) for part in rows[0].iter(P) if text_of(part).strip()) \
                and not any(_is_bold(part) for part in rows[1].iter(P)):
            marked = 1
        self.composer.grid(grid, header_rows=marked or None, headed=_has_header_look(node))
        for note in self._called_notes(node):
            self.composer.block(BlockKind.FOOTNOTE, note, joined=True)


def text_of(node: Node) -> str:
    """The text a reader sees: inserted text in, deleted and struck text out, breaks as spaces."""
    parts: list[str] = []
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current.tag in _SKIPPED and current is not node:
            continue
        if current.tag == R and _struck(current):
            continue
        if current.tag == T:
            parts.append(cleaning.raised(current.text or "") if _is_raised(current) else current.text or "")
        elif current.tag in {qn("w:tab"), qn("w:br"), qn("w:cr")}:
            parts.append(" ")
        elif current.tag == qn("w:noBreakHyphen"):
            parts.append("-")
        waiting.extend(reversed(list(current.iterchildren())))
        if current.tag == P and current is not node:
            parts.append(" ")
    return "".join(parts)


def _struck(run: Node) -> bool:
    return any(mark is not None and mark.get(VAL) not in {"0", "false"} for mark in
               (run.find(qn("w:rPr") + "/" + qn("w:strike")), run.find(qn("w:rPr") + "/" + qn("w:dstrike"))))


def _is_raised(text: Node) -> bool:
    run = text.getparent()
    return run is not None and _value(run, "w:rPr/w:vertAlign") == "superscript"


def _value(node: Node, path: str) -> str | None:
    found = node.find("/".join(qn(step) for step in path.split("/")))
    return None if found is None else found.get(VAL)


def _cells(row: Node, above: dict[int, str]) -> list[str]:
    """Merged cells repeat what they span; `above` remembers vertical merges by column."""
    cells: list[str] = []
    for cell in row.iterchildren(TC, qn("w:sdt")):
        inner = cell if cell.tag == TC else next(cell.iter(TC), cell)
        span = int(_value(inner, "w:tcPr/w:gridSpan") or 1)
        merge = inner.find(qn("w:tcPr") + "/" + qn("w:vMerge"))
        column = len(cells)
        text = " ".join(cleaning.line(text_of(part)) for part in inner.iter(P) if part.tag == P)
        if merge is not None and merge.get(VAL) != "restart":
            text = above.get(column, "")
        above[column] = text
        cells.extend([text] * span)
    return cells


def _has_header_look(table: Node) -> bool:
    """The table's style treats its first row as a header."""
    look = table.find(qn("w:tblPr") + "/" + qn("w:tblLook"))
    if look is None:
        return False
    first_row = look.get(qn("w:firstRow"))
    return first_row not in {"0", "false"} if first_row is not None else bool(int(look.get(VAL) or "0", 16) & 0x20)


def _is_bold(node: Node) -> bool:
    runs = [run for run in node.iter(R) if "".join(part.text or "" for part in run.iter(T)).strip()]
    return bool(runs) and all(
        (mark := run.find(qn("w:rPr") + "/" + qn("w:b"))) is not None and mark.get(VAL) not in {"0", "false"} for run in runs)


def _is_list(node: Node, style: str | None) -> bool:
    return node.find(qn("w:pPr") + "/" + qn("w:numPr")) is not None or (style or "").lower().startswith(("list", "lista", "commarcadores"))


def _is_contents_list(node: Node) -> bool:
    gallery = node.find(qn("w:sdtPr") + "/" + qn("w:docPartObj") + "/" + qn("w:docPartGallery"))
    return gallery is not None and "Table of Contents" in (gallery.get(VAL) or "")


def _heading_levels(document: Document) -> dict[str, int]:
    """Style id → level, by the style's own outline level, its name, or the style it is based on."""
    levels: dict[str, int] = {}
    for style in document.styles.element.iterchildren(qn("w:style")):
        name = _value(style, "w:name") or ""
        outline = _value(style, "w:pPr/w:outlineLvl")
        match = _HEADING_NAME.search(name)
        level = int(outline) + 1 if outline and outline.isdigit() else int(match.group(1)) if match else None
        if name.lower() in {"title", "título", "titulo"}:
            level = TITLE_LEVEL
        if level is None:
            level = levels.get(_value(style, "w:basedOn") or "")
        if level is not None and level <= 9:
            levels[style.get(qn("w:styleId"), "")] = level
    return levels


def _notes(document: Document) -> dict[tuple[str, str], str]:
    notes: dict[tuple[str, str], str] = {}
    for kind, relation in (("footnote", REL.FOOTNOTES), ("endnote", REL.ENDNOTES)):
        for part in document.part.rels.values():
            if part.reltype != relation or part.is_external:
                continue
            root = etree.fromstring(part.target_part.blob, etree.XMLParser(resolve_entities=False, no_network=True))
            for note in root.iterchildren(qn(f"w:{kind}")):
                if note.get(qn("w:type")) in {None, "normal"}:
                    notes[kind, note.get(qn("w:id"), "")] = cleaning.line(" ".join(text_of(part) for part in note.iter(P)))
    return notes


def _margins(document: Document) -> tuple[list[str], list[str]]:
    """Header and footer texts, each once; page numbers left out."""
    found: tuple[dict[str, None], dict[str, None]] = ({}, {})
    for section in document.sections:
        for texts, part in ((found[0], section.header), (found[1], section.footer)):
            for node in part._element.iter(P):  # noqa: SLF001 - the library has no door to text boxes
                text = cleaning.line(text_of(node))
                if text and not _PAGE_FIELD.fullmatch(text):
                    texts[text] = None
    return list(found[0]), list(found[1])
