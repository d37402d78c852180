"""FaQuAD and Cranfield as passages, questions and judgements. Read from SALESEDGE_EVAL_DATA."""

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Passage:
    title: str
    text: str


@dataclass(frozen=True)
class Judged:
    """`right` are positions among the passages."""

    question: str
    right: frozenset[int]


@dataclass(frozen=True)
class Collection:
    name: str
    language: str
    passages: tuple[Passage, ...]
    questions: tuple[Judged, ...]
    target: float


def faquad(folder: Path) -> Collection:
    articles = json.loads((folder / "faquad_pt/faquad.json").read_text(encoding="utf-8"))["data"]
    passages: dict[str, Passage] = {}
    questions: list[Judged] = []
    for article in articles:
        for paragraph in article["paragraphs"]:
            passages.setdefault(paragraph["context"], Passage(article["title"].replace("_", " "), paragraph["context"]))
            place = list(passages).index(paragraph["context"])
            questions += [Judged(asked["question"], frozenset({place})) for asked in paragraph["qas"]]
    return Collection("faquad_pt", "pt", tuple(passages.values()), tuple(questions), 0.91)


def cranfield(folder: Path) -> Collection:
    here = folder / "cranfield"
    passages = tuple(Passage(_field(one, "T"), _field(one, "W")) for one in _records(here / "cran.all.1400"))
    right: dict[int, set[int]] = defaultdict(set)
    for line in (here / "cranqrel").read_text(encoding="utf-8").splitlines():
        query, document, code = map(int, line.split())
        if code > 0:
            right[query].add(document - 1)
    asked = [_field(one, "W") for one in _records(here / "cran.qry")]
    questions = tuple(Judged(text, frozenset(right[number])) for number, text in enumerate(asked, 1) if right[number])
    return Collection("cranfield", "en", passages, questions, 0.57)


def _records(path: Path) -> Iterator[str]:
    yield from re.split(r"^\.I \d+\s*\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]


def _field(record: str, name: str) -> str:
    found = re.search(rf"^\.{name}\n(.*?)(?=^\.[A-Z]\n|\Z)", record, flags=re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def ndcg(found: Sequence[int], right: frozenset[int], k: int = 10) -> float:
    """Binary judgements."""
    gained = sum(1 / math.log2(place + 2) for place, one in enumerate(found[:k]) if one in right)
    return gained / sum(1 / math.log2(place + 2) for place in range(min(k, len(right))))


def hit(found: Sequence[int], right: frozenset[int], k: int = 5) -> bool:
    return any(one in right for one in found[:k])
