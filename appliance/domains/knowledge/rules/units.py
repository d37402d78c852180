"""Sentences and table rows: the smallest text an answer may quote."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from appliance.domains.knowledge.rules import sentences
from appliance.domains.knowledge.rules.words import fold
from appliance.domains.knowledge.types import Block, BlockKind


class UnitKind(StrEnum):
    SENTENCE = "sentence"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class Unit:
    """`paragraph` numbers the paragraph (or table) the unit came from; `quoted` is text that a newer message answers."""

    text: str
    kind: UnitKind
    path: tuple[str, ...]
    paragraph: int
    page: int | None = None
    quoted: bool = False


CONTENTS_LINE = re.compile(r"(?:\.\s?){5,}\s*\d*|\bpágina \d+$|^page \d+( of \d+)?$", re.IGNORECASE)
REPLY_MARK = re.compile(
    r"^(?:>\s*)*(?:em\b.{4,80}\bescreveu:|on\b.{4,80}\bwrote:|-{2,}\s*(?:mensagem original|original message|forwarded message)|de:\s.+@|from:\s.+@)",
    re.IGNORECASE,
)
_REVISED = re.compile(
    r"^(?=.*\d)(?:[uú]ltima (?:atualiza[cç][aã]o|revis[aã]o)|atualiza(?:d[oa]|[cç][aã]o)|revisad[oa]|last (?:updated|revised)|updated)"
    r"(?: em| on| in|:)? *(?:\d{1,2}(?:º| de)? *)?(?:de )?[^\W\d_]*,? *(?:\d{1,2},? *)?(?:de |/)?[\d/.-]*\.?$", re.IGNORECASE,
)
LONGEST_HEADING, LONGEST_LEAD = 16, 200
_BARE_AMOUNT = re.compile(r"^(?P<whole>\d{1,9})(?:[.,](?P<cents>\d{1,2}))?$")
_IN_REAIS = re.compile(r"\s*(?:\(\s*(?:em )?R\$\s*\)|[,-]?\s*\bem R\$|(?<!\w)R\$)\s*", re.IGNORECASE)
_EMPTY_CELLS = frozenset({"", "-", "–", "—", "n/a"})
_BULLET = re.compile(r"^(?:(?:[•▪◦·*€►\ufffd–-]|\(cid:\d+\))\s*)?(?:R(?:esp(?:osta)?)?\s?:[-–]?\s*(?=[^\W_]))?")


def split(blocks: Iterable[Block]) -> list[Unit]:
    return list(_split(blocks))


def _split(blocks: Iterable[Block]) -> Iterator[Unit]:
    question = lead = ""
    quoted = False
    for block in blocks:
        if block.kind is BlockKind.HEADING and not _is_prose(block.text):
            lead = ""
            continue
        if block.kind is BlockKind.FAQ_QUESTION:
            question = _clean(block.text)
            continue
        quoted = quoted or block.superseded or bool(REPLY_MARK.match(block.text))
        above = tuple(heading for heading in (*map(_clean, block.heading_path), _introduction(block, question, lead)) if heading)
        kind = UnitKind.ROW if block.kind is BlockKind.TABLE_ROW else UnitKind.SENTENCE
        for text in _pieces(block):
            yield Unit(text, kind, above, block.paragraph, block.page, quoted)
        if block.kind in {BlockKind.PARAGRAPH, BlockKind.FAQ_ANSWER}:
            lead = _lead(_clean(block.text))


def _lead(paragraph: str) -> str:
    """The sentence that opens a list or a table; what stands before it in the paragraph is of something else."""
    last = sentences.split(paragraph)[-1] if paragraph.endswith(":") else ""
    return last if len(last) < LONGEST_LEAD else ""


def _introduction(block: Block, question: str, lead: str) -> str:
    """What the block answers or belongs to beyond its headings: an FAQ's question, the line that opens its list."""
    if block.kind is BlockKind.FAQ_ANSWER:
        return question
    return lead if block.kind in {BlockKind.LIST_ITEM, BlockKind.TABLE_ROW} else ""


def _is_prose(heading: str) -> bool:
    """Bold sentences come out of some formats as headings."""
    return len(heading.split()) > LONGEST_HEADING or heading.rstrip().endswith((".", ";"))


def _pieces(block: Block) -> Iterator[str]:
    if block.kind is BlockKind.TABLE_ROW:
        text = row_text(block.table_header, block.cells) if block.table_header and block.cells else _clean(block.text)
        yield from (text,) if text else ()
        return
    for sentence in sentences.split(_clean(block.text)):
        if not CONTENTS_LINE.search(sentence) and not _REVISED.match(sentence) and re.search(r"[^\W\d_]{2}", sentence):
            yield sentence


def row_text(header: tuple[str, ...], cells: tuple[str, ...]) -> str:
    """`Loja: Centro; Telefone: 5555-0100`: the header is repeated so that the row can be read alone."""
    named = [
        f"{name}: {cell}" if name and fold(name) != fold(cell) else cell
        for name, cell in map(_priced, (*map(_label, header), *[""] * len(cells)), map(_clean, cells))
        if cell not in _EMPTY_CELLS
    ]
    return "; ".join(named)


def _priced(name: str, cell: str) -> tuple[str, str]:
    """`Preço (R$)` over `168,9` reads `Preço: R$ 168,90`."""
    plain = _BARE_AMOUNT.match(cell)
    if not plain or not _IN_REAIS.search(name):
        return name, cell
    cents = (plain["cents"] or "").ljust(2, "0")
    whole = f"{int(plain['whole']):,}".replace(",", ".")
    return _label(_IN_REAIS.sub(" ", name)), f"R$ {whole},{cents}"


def _label(name: str) -> str:
    return _clean(name.replace("_", " ")).rstrip(":")


def _clean(text: str) -> str:
    return _BULLET.sub("", " ".join(text.replace("\ufffe", "-").split()))
