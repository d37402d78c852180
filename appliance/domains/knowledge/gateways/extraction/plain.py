"""Plain text: paragraphs at empty lines, lists by their marks, headings by their looks. JSON as text."""

import json
import re

from appliance.domains.knowledge.gateways.extraction import encodings
from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.limits import Limits
from appliance.domains.knowledge.types import BlockKind, ExtractionWarning

BULLET = re.compile(r"^\s*(?:[-*•·▪►\u2013\u2014]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+(?=\S)")
_RULE = re.compile(r"^[\s=\-_*~#]{3,}$")
MAX_HEADING = 80
WRAPPED, LONG_ENOUGH = 50, 0.6
_PRICE = re.compile(r"(?:r\$|us\$|€)\s*\d|\b\d+[.,]\d{2}\b|\b\d+ reais\b", re.IGNORECASE)
_LABEL = re.compile(r"^\s*[^\W\d_][^:?!.]{0,40}:(?:\s|$)")
_ASKS_AND_TELLS = re.compile(r"^\s*[^\W\dA-ZÀ-Ý_][^?.!]{2,60}\?+\s+\S")
_UNFINISHED = re.compile(
    r"\b(?:a|o|as|os|um|uma|de|d[aeo]s?|n[ao]s?|em|e|ou|por|pel[ao]s?|para|com|que|se|até|the|of|to|and|or|for|in|with)\s*$", re.IGNORECASE,
)
MAX_JSON_LINES = 20_000


def read(content: bytes, composer: Composer, limits: Limits) -> None:
    del limits
    text, guessed = encodings.decode(content)
    if guessed:
        composer.warn(ExtractionWarning.ENCODING_GUESSED)
    compose(text, composer)


def compose(text: str, composer: Composer) -> None:
    for passage in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")):
        rows = [row for row in passage.split("\n") if row.strip()]
        _compose_passage(rows, composer)


def _compose_passage(rows: list[str], composer: Composer) -> None:
    underlined = len(rows) > 1 and bool(_RULE.match(rows[1])) and len(rows[0].strip()) <= MAX_HEADING
    if underlined:
        composer.heading(rows[0], 1 if "=" in rows[1] else 2)
        rows = rows[2:]
    rows = [row for row in rows if not _RULE.match(row)]
    if rows and is_heading(rows[0], alone=len(rows) == 1):
        composer.heading(rows[0], 2)
        rows = rows[1:]
    for text, is_item in unwrapped(rows):
        if is_item:
            composer.list_item(text)
        else:
            composer.paragraph(text)


def is_heading(row: str, *, alone: bool) -> bool:
    """Short capitals anywhere; `Something:` only when it is a line of its own in capitals or numbered."""
    clean = row.strip()
    letters = [letter for letter in clean if letter.isalpha()]
    if not letters or len(clean) > MAX_HEADING or clean.endswith((".", ";", ",")):
        return False
    capitals = all(letter.isupper() for letter in letters) and len(letters) > 3
    numbered = bool(re.match(r"^\d+(?:\.\d+)*\.?\s+[A-ZÀ-Ý]", clean))
    return capitals or (alone and numbered)


def unwrapped(rows: list[str]) -> list[tuple[str, bool]]:
    """Lines of a passage with hard wraps undone: (text, is a list item)."""
    found: list[tuple[str, bool]] = []
    widest = max((len(row.strip()) for row in rows), default=0)
    before = ""
    for row in rows:
        bullet = BULLET.match(row)
        wraps = bool(found) and not bullet and _continues(before, row, widest)
        if wraps:
            text, is_item = found[-1]
            found[-1] = (f"{text} {row.strip()}", is_item)
        else:
            found.append((row[bullet.end():] if bullet and not bullet.group().strip()[:-1].isalnum() else row.strip(), bool(bullet)))
        before = row
    return found


def _continues(before: str, row: str, widest: int) -> bool:
    """A line goes on if the one before it was about as long as lines get, or breaks inside a sentence. A bare question takes its answer."""
    length = len(before.strip())
    if _ASKS_AND_TELLS.match(row) and not _UNFINISHED.search(before):
        return False
    if widest >= WRAPPED and length + len(row.split(maxsplit=1)[0]) >= widest * 0.9 and not (_is_a_note(before) and _is_a_note(row)):
        return True
    if not row.strip()[:1].islower():
        return False
    if _UNFINISHED.search(before):
        return True
    if before.rstrip().endswith("?"):
        return "?" not in row
    return length >= widest * LONG_ENOUGH and not _is_a_note(before) and not _is_a_note(row)


def _is_a_note(row: str) -> bool:
    """It says one thing by itself, as in a list of notes: a question, a price, a label with its value."""
    return "?" in row or bool(_PRICE.search(row) or _LABEL.match(row))


def read_json(content: bytes, composer: Composer, limits: Limits) -> None:
    """Leaves as `path: value` lines; what is not JSON after all stays text."""
    del limits
    text, _ = encodings.decode(content)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        compose(text, composer)
        return
    if isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
        _records(value, composer)
        return
    for path, leaf in _leaves(value):
        composer.block(BlockKind.PARAGRAPH, f"{' > '.join(path)}: {leaf}" if path else leaf)


def _records(records: list[dict[str, object]], composer: Composer) -> None:
    names = list(dict.fromkeys(name for record in records for name in record))
    composer.grid([names, *([_leaf(record.get(name)) for name in names] for record in records)], header_rows=1)


def _leaves(value: object) -> list[tuple[tuple[str, ...], str]]:
    found: list[tuple[tuple[str, ...], str]] = []
    waiting: list[tuple[tuple[str, ...], object]] = [((), value)]
    while waiting and len(found) < MAX_JSON_LINES:
        path, node = waiting.pop()
        if isinstance(node, dict):
            waiting.extend(((*path, str(name)), child) for name, child in reversed(node.items()))
        elif isinstance(node, list) and any(isinstance(child, dict | list) for child in node):
            waiting.extend((path, child) for child in reversed(node))
        elif leaf := _leaf(node):
            found.append((path, leaf))
    return found


def _leaf(node: object) -> str:
    if isinstance(node, list):
        return ", ".join(_leaf(child) for child in node)
    return node if isinstance(node, str) else "" if node is None else json.dumps(node, ensure_ascii=False)
