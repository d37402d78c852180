"""Collects blocks in reading order and knows under which headings and in which passage they stand."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from appliance.domains.knowledge.gateways.extraction import cleaning, grids
from appliance.domains.knowledge.types import Block, BlockKind, ExtractionWarning

MAX_PATH = 6
MAX_HEADING = 300
Progress = Callable[[int, int | None], None]
LOOSE_QUESTION = 9
_ASKED = re.compile(r"(?:P|Q|Pergunta|Question)\s?(?:\d+\s?)?[:.)\u2013-]\s+(?=[^?]{3,200}\?\s*$)")
_ANSWERED = re.compile(r"(?:R|A|Resposta|Resp|Answer)\s?(?:\d+\s?)?[:.)\u2013-]\s+")
_BOTH = re.compile(
    r"(?:P|Q|Pergunta|Question)\s?(?:\d+\s?)?[:.)\u2013-]\s*(?P<asked>[^?]{3,200}\?)[?!\s]*"
    r"(?:R|A|Resposta|Resp|Answer)\s?(?:\d+\s?)?[:)\u2013-]+\s*(?=\S)",
    re.IGNORECASE,
)
_NOTHING_SAID = re.compile(r"[\W_]*")


class Composer:
    def __init__(self, progress: Progress | None = None) -> None:
        self.blocks: list[Block] = []
        self.warnings: dict[ExtractionWarning, None] = {}
        self.title: str | None = None
        self.author: str | None = None
        self.page: int | None = None
        self.source: str | None = None
        self.superseded = False
        self._progress = progress
        self._path: list[tuple[int, str]] = []
        self._paragraph = 0
        self._tables = 0
        self._last_kind: BlockKind | None = None
        self._asked: int | None = None
        self._header: tuple[str, ...] | None = None

    def turn_to(self, page: int, of: int | None) -> None:
        self.page = page
        if self._progress:
            self._progress(page, of)

    def warn(self, warning: ExtractionWarning) -> None:
        self.warnings[warning] = None

    def heading(self, text: str, level: int = 1) -> None:
        clean = cleaning.line(text)
        if not clean or _NOTHING_SAID.fullmatch(clean):
            return
        self.leave(level)
        self._add(BlockKind.HEADING, clean, level=len(self._path) + 1)
        self._path.append((level, clean[:MAX_HEADING]))

    def leave(self, level: int = 0) -> None:
        """Close the headings of this level and below."""
        self._path = [(known, text) for known, text in self._path if known < level]
        if self._asked is not None and self._asked >= level:
            self._asked = None

    def paragraph(self, text: str) -> None:
        if both := _BOTH.match(text):
            self.question(both["asked"], LOOSE_QUESTION)
            self.block(BlockKind.FAQ_ANSWER, text[both.end():], joined=True)
            self.leave(LOOSE_QUESTION)
            return
        if match := _ASKED.match(text):
            self.question(text[match.end():], LOOSE_QUESTION)
            return
        if self._in_answer:
            said = _ANSWERED.match(text)
            self.block(BlockKind.FAQ_ANSWER, text[said.end():] if said else text, joined=True)
            return
        self.block(BlockKind.PARAGRAPH, text)

    def list_item(self, text: str) -> None:
        self.block(BlockKind.LIST_ITEM, text, joined=self._in_answer or self._last_kind is BlockKind.LIST_ITEM)

    def question(self, text: str, level: int) -> None:
        """Until the next heading of this level, paragraphs are its answer."""
        clean = cleaning.line(text)
        if clean and not _NOTHING_SAID.fullmatch(clean):
            self.leave(level)
            self._add(BlockKind.FAQ_QUESTION, clean, level=len(self._path) + 1)
            self._path.append((level, clean[:MAX_HEADING]))
            self._asked = level

    @property
    def _in_answer(self) -> bool:
        return self._asked is not None

    def block(self, kind: BlockKind, text: str, *, joined: bool = False) -> None:
        """`joined` keeps it in the passage of the block before."""
        clean = cleaning.lines(text) if kind is BlockKind.CODE else cleaning.line(text)
        if clean and not _NOTHING_SAID.fullmatch(clean):
            self._add(kind, clean, joined=joined)

    def table(self, table: grids.Table) -> None:
        """Every row carries its column names; section rows inside the table become the path of the rows below them."""
        self._tables += 1
        self._paragraph += 1
        self._header = table.header
        path = tuple(text for _, text in self._path)
        for row in table.rows:
            text = grids.sentence(table.header, row.cells)
            if text:
                self._append(Block(
                    kind=BlockKind.TABLE_ROW, text=text, heading_path=(path + row.section)[:MAX_PATH], cells=row.cells,
                    table_header=table.header, table=self._tables, page=self.page,
                ))
        self._last_kind = BlockKind.TABLE_ROW

    def grid(
        self, rows: Sequence[Sequence[str]], *, header_rows: int | None = None, goes_on: bool = False, headed: bool = True,
    ) -> None:
        """A grid as it stands in the file: captions, header and body are told apart here.

        `header_rows` where the file says it; `headed`: two columns of words are a table with a header rather than pairs;
        `goes_on`: the rest of the table on the page before.
        """
        clean = [[cleaning.line(cell) for cell in row] for row in rows]
        if goes_on and self._header:
            clean, header_rows = grids.continued(clean, self._header), 0
            self._finish_split_row(clean)
        for piece in grids.read(clean, header_rows=header_rows, headed=headed):
            for caption in piece.captions:
                self.paragraph(caption)
            if piece.rows:
                self._table_or_questions(grids.Table(self._header, piece.rows) if goes_on and piece.header is None else piece)

    def _table_or_questions(self, table: grids.Table) -> None:
        asked = grids.question_column(table)
        if asked is None:
            self.table(table)
            return
        for row in table.rows:
            self.question(row.cells[asked], LOOSE_QUESTION)
            self.block(BlockKind.FAQ_ANSWER, row.cells[asked + 1], joined=True)
            self.leave(LOOSE_QUESTION)

    def _finish_split_row(self, rows: list[list[str]]) -> None:
        """A row cut by the end of the page goes on with an empty first cell."""
        last = self.blocks[-1] if self.blocks else None
        if not rows or not last or not last.cells or rows[0][0] or not last.cells[0] or len(last.cells) != len(rows[0]):
            return
        cells = tuple(f"{above} {below}".strip() for above, below in zip(last.cells, rows.pop(0), strict=True))
        self.blocks[-1] = replace(last, cells=cells, text=grids.sentence(last.table_header, cells))

    def adopt(self, blocks: Sequence[Block], *, source: str | None) -> None:
        """Blocks of another document inside this one, such as an attachment."""
        passages = self._paragraph + 1
        path = tuple(text for _, text in self._path)
        for block in blocks:
            self.blocks.append(replace(
                block, paragraph=block.paragraph + passages, source=block.source or source, page=None,
                heading_path=(path + block.heading_path)[:MAX_PATH], superseded=block.superseded or self.superseded,
                table=block.table + self._tables if block.table else None,
            ))
        self._paragraph = max([passages, *(block.paragraph for block in self.blocks[-len(blocks) or None:])])
        self._tables = max([self._tables, *(block.table or 0 for block in self.blocks)])

    def _add(self, kind: BlockKind, text: str, *, level: int | None = None, joined: bool = False) -> None:
        if not joined:
            self._paragraph += 1
        path = tuple(heading for _, heading in self._path)[:MAX_PATH]
        self._append(Block(kind=kind, text=text, heading_path=path, level=level, page=self.page))
        self._last_kind = kind

    def _append(self, block: Block) -> None:
        self.blocks.append(replace(block, paragraph=self._paragraph, source=self.source, superseded=self.superseded))
