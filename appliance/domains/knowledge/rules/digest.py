"""From blocks to what the index stores: cleaned units, chunks, their stems, and what the document says of itself."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.domains.knowledge.rules import acronyms, chunking, injection, language, units, validity, words
from appliance.domains.knowledge.rules.chunking import Chunk
from appliance.domains.knowledge.rules.injection import Cut
from appliance.domains.knowledge.rules.postings import Piece
from appliance.domains.knowledge.rules.ranking import Passage
from appliance.domains.knowledge.rules.scoring import Fields
from appliance.domains.knowledge.rules.units import Unit, UnitKind
from appliance.domains.knowledge.types import Block

CountAll = Callable[[Sequence[str]], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Digest:
    """`removed` is the text that gave orders to the machine; it is kept for a person to see, never for answers."""

    units: tuple[Unit, ...]
    language: str
    removed: tuple[Cut, ...]
    claims: validity.Claims
    acronyms: Mapping[str, str]


def digest(blocks: Sequence[Block], *, name: str, title: str, uploaded: str = "") -> Digest:
    found = units.split(blocks)
    kept, removed = _without_orders(found)
    text = "\n".join(unit.text for unit in kept)
    said = validity.claims(validity.Edition(name, title, text, uploaded))
    return Digest(tuple(kept), language.detect(text), removed, said, acronyms.explained_in(unit.text for unit in kept))


def _without_orders(found: list[Unit]) -> tuple[list[Unit], tuple[Cut, ...]]:
    _, cuts = injection.cut([unit.text for unit in found])
    gone = {number for one in cuts for number in range(one.first, one.last + 1)}
    return [unit for number, unit in enumerate(found) if number not in gone], tuple(cuts)


def chunks(found: Sequence[Unit], count: CountAll, *, target: int, overlap: int) -> list[Chunk]:
    """All token counts are taken in one call."""
    texts = list(dict.fromkeys(unit.text for unit in found))
    costs = dict(zip(texts, count(texts), strict=True))
    return chunking.pack(found, costs.__getitem__, target=target, overlap=overlap)


def embedded(title: str, text: str) -> str:
    """What of a chunk becomes its vector."""
    return f"{title}\n{text}".strip()


def title_stems(name: str, title: str, spoken: str) -> dict[str, int]:
    """Of the file's name without its ending, and of the title."""
    readable = name.rsplit(".", 1)[0].replace("_", " ").replace("-", " ")
    return dict(Counter(words.stems(f"{readable} {title}", spoken)))


def stored_units(chunk: Chunk, first: int, spoken: str) -> list[dict[str, Any]]:
    """What a chunk row keeps of its units; `first` numbers the first one within the document."""
    path_stems = {path: " ".join(words.stems(" ".join(path), spoken)) for path in {unit.path for unit in chunk.units}}
    return [
        {"text": unit.text, "kind": unit.kind.value, "path": list(unit.path), "paragraph": unit.paragraph, "order": first + place,
         "page": unit.page, "quoted": unit.quoted, "stems": " ".join(words.stems(unit.text, spoken)),
         "path_stems": path_stems[unit.path]}
        for place, unit in enumerate(chunk.units)
    ]


def chunk_fields(stored: Sequence[Mapping[str, Any]], title: Mapping[str, int]) -> Fields:
    """Of a whole chunk: each heading counts once."""
    body = Counter(term for unit in stored for term in unit["stems"].split())
    paths = {unit["path_stems"] for unit in stored}
    return Fields(body, Counter(term for path in paths for term in path.split()), title)


def piece(number: int, stored: Sequence[Mapping[str, Any]], title: Mapping[str, int]) -> Piece:
    held = Counter(term for unit in stored for term in {*unit["stems"].split(), *unit["path_stems"].split()})
    return Piece(number, chunk_fields(stored, title), held)


@dataclass(frozen=True, slots=True)
class Home:
    """What the units of a chunk have in common."""

    document: str
    chunk: str
    standing: float
    language: str
    title: Mapping[str, int]


def passages(stored: Sequence[Mapping[str, Any]], home: Home) -> list[Passage]:
    around: dict[int, Counter[str]] = {}
    for unit in stored:
        if unit["kind"] == UnitKind.SENTENCE.value:
            around.setdefault(unit["paragraph"], Counter()).update(unit["stems"].split())
    return [
        Passage(
            home.document, home.chunk, unit["order"], unit["paragraph"], UnitKind(unit["kind"]), unit["text"], tuple(unit["path"]),
            Fields(_counted(unit["stems"]), _counted(unit["path_stems"]), home.title,
                   around.get(unit["paragraph"], {}) if unit["kind"] == UnitKind.SENTENCE.value else {}),
            home.standing * (validity.QUOTED if unit["quoted"] else 1.0), home.language,
        )
        for unit in stored
    ]


def _counted(stems: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for stem in stems.split():
        counts[stem] = counts.get(stem, 0) + 1
    return counts
