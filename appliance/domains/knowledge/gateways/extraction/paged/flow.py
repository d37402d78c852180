"""Pieces of all pages → blocks: what is a heading depends on the type of the whole document."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.paged import furniture, pieces, rows
from appliance.domains.knowledge.gateways.extraction.paged.pieces import JOINED_LINE, Piece
from appliance.domains.knowledge.gateways.extraction.paged.words import Sheet
from appliance.domains.knowledge.types import BlockKind

BIG, BIG_SCANNED, SMALL = 1.12, 1.35, 0.93
MAX_HEADING, MAX_CAPITALS = 160, 80
ALIKE, ALIKE_SCANNED = 0.96, 0.78
HEADING_LINES = 3
LOWEST = 90
NEAR = 8.0
HYPHENATES = 0.03
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_JOINT = re.compile(rf"([^\W_]+){JOINED_LINE}([^\W_]+)?")
_NUMBERED = re.compile(r"^(\d{1,2}(?:\.\d{1,2})*)[.)]?\s+\S")
_MONEY = re.compile(r"(?:R\$|US\$|[$€£])\s?\d")
_NOTE_MARK = re.compile(r"^(?:\d{1,2}|[*†‡¹²³⁴⁵⁶⁷⁸⁹])[\s.)]?\s*\S")


@dataclass(frozen=True, slots=True)
class Style:
    size: float
    bold: bool


def compose(sheets: Sequence[Sheet], composer: Composer) -> None:
    pages = [rows.in_rows(sheet.words) for sheet in sheets]
    pages, margins = furniture.without_furniture(pages, [sheet.height for sheet in sheets])
    pages = furniture.without_contents(pages)
    found = _rejoined(piece for sheet, page in zip(sheets, pages, strict=True) for piece in pieces.of_sheet(sheet, page))
    if sheets:
        composer.page = sheets[0].number
    for text in margins:
        composer.block(BlockKind.NOTE, text)
    Flow(found, composer).run()


def _rejoined(found: Iterable[Piece]) -> list[Piece]:
    """A paragraph that goes on in the next column or on the next page is one paragraph."""
    joined: list[Piece] = []
    for piece in found:
        last = joined[-1] if joined else None
        if last and piece.starts_column and _goes_on(last, piece):
            last.lines.extend(piece.lines)
        else:
            joined.append(piece)
    return joined


def _goes_on(last: Piece, piece: Piece) -> bool:
    """One page further at most: a citation names the page a passage starts on."""
    if not last.lines or not piece.lines or last.ended or piece.item or piece.page > last.page + 1:
        return False
    alike = last.bold == piece.bold and abs(last.size - piece.size) < 1
    return alike and (last.lines[-1][1] or piece.lines[0][0][:1].islower())


class Flow:
    def __init__(self, found: list[Piece], composer: Composer) -> None:
        self.pieces = found
        self.composer = composer
        self.body = _body_style(found)
        self.vocabulary = Counter(word.casefold() for piece in found for line, _ in piece.lines for word in _WORD.findall(line))
        lines = [hyphenated for piece in found for _, hyphenated in piece.lines]
        self.hyphenates = sum(lines) > HYPHENATES * len(lines)
        self.levels = self._levels()
        self.last: Piece | None = None

    def run(self) -> None:
        for piece in self.pieces:
            self.composer.page = piece.page
            if piece.grid is not None:
                self._table(piece)
            else:
                self._text(piece)
            self.last = piece

    def _text(self, piece: Piece) -> None:
        text = self.joined(piece.text)
        if self.is_heading(piece):
            self._heading(piece, text)
        elif piece.size <= SMALL * self.body.size and piece.top > 0.6 * piece.height and _NOTE_MARK.match(text) and not piece.scanned:
            self.composer.block(BlockKind.FOOTNOTE, text)
        elif piece.item:
            self.composer.list_item(pieces.BULLET.sub("", text))
        else:
            self.composer.paragraph(text)

    def _heading(self, piece: Piece, text: str) -> None:
        level = self.levels.get(_style(piece), LOWEST)
        numbered = _NUMBERED.match(text)
        level += numbered.group(1).count(".") if numbered else 0
        if text.endswith("?"):
            self.composer.question(text, level)
        else:
            self.composer.heading(text.rstrip(":"), level)

    def _table(self, piece: Piece) -> None:
        last = self.last
        goes_on = last is not None and last.grid is not None and last.page + 1 == piece.page and len(last.lefts) == len(piece.lefts) \
            and all(abs(here - there) < NEAR for here, there in zip(last.lefts, piece.lefts, strict=True))
        grid = [[self.joined(cell) for cell in row] for row in piece.grid or []]
        self.composer.grid(grid, header_rows=piece.header_rows, goes_on=goes_on, headed=False)

    def is_heading(self, piece: Piece) -> bool:
        text = piece.text
        if len(text) > MAX_HEADING or len(piece.lines) > HEADING_LINES:
            return False
        letters = [letter for letter in text if letter.isalpha()]
        if len(letters) < 2:
            return False
        big = piece.size >= (BIG_SCANNED if piece.scanned else BIG) * self.body.size
        if text.endswith((".", ";", ",")) and not (big and len(text) < MAX_CAPITALS):
            return False
        if _MONEY.search(text):
            return False
        bold = piece.bold and not self.body.bold and piece.size >= SMALL * self.body.size
        capitals = len(text) <= MAX_CAPITALS and len(letters) > 3 and all(map(str.isupper, letters)) and len(piece.lines) == 1 \
            and not piece.item and not any(map(str.isdigit, text))
        return big or bold or capitals

    def _levels(self) -> dict[Style, int]:
        """Larger type is a higher heading; sizes that hardly differ (they never agree on scans) are one level."""
        styles = {_style(piece): piece.scanned for piece in self.pieces if piece.lines and self.is_heading(piece)}
        levels: dict[Style, int] = {}
        level, leader = 1, None
        for style, scanned in sorted(styles.items(), key=lambda item: (-item[0].size, not item[0].bold)):
            near = leader is not None and style.size > leader.size * (ALIKE_SCANNED if scanned else ALIKE) and style.bold == leader.bold
            if not near:
                level += 5
            if not near or scanned:
                leader = style
            levels[style] = level
        return levels

    def joined(self, text: str) -> str:
        return _JOINT.sub(self._joint, text).replace(JOINED_LINE, "-")

    def _joint(self, match: re.Match[str]) -> str:
        """A hyphen at the end of a line: part of the word, or only there because the line ended?"""
        left, right = match.group(1), match.group(2) or ""
        whole, dashed = f"{left}{right}", f"{left}-{right}"
        spelt = self.vocabulary[dashed.casefold()], self.vocabulary[whole.casefold()]
        if spelt[0] or spelt[1]:
            return dashed if spelt[0] >= spelt[1] else whole
        return whole if self.hyphenates and right[:1].islower() and left[-1:].isalpha() else dashed


def _style(piece: Piece) -> Style:
    return Style(piece.size, piece.bold)


def _body_style(found: Iterable[Piece]) -> Style:
    weights: Counter[Style] = Counter()
    for piece in found:
        for line, _ in piece.lines:
            weights[Style(piece.size, piece.bold)] += len(line)
    return weights.most_common(1)[0][0] if weights else Style(10.0, bold=False)
