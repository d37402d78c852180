"""Who looks like whom: people that share no id and may yet be one. Never more than a suggestion."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from uuid import UUID

from rapidfuzz import fuzz

from appliance.core.folding import fold
from appliance.domains.contacts.types import Likeness

ALIKE = 90  # of 100, by rapidfuzz
SAME_COMPANY = 88
FEWEST_WORDS = 2  # a first name alone says nothing
MOST_NAMESAKES = 12  # a name that more people bear than this says nothing either
MOST_COLLEAGUES = 60
_LESSER = frozenset({"de", "da", "do", "das", "dos", "e", "di", "van", "von"})
_LEGAL_FORMS = frozenset({"ltda", "me", "mei", "epp", "eireli", "sa", "s", "a", "cia", "inc", "llc", "ltd"})
_BETWEEN = re.compile(r"[^\w ?]|_")
_VOWELS = str.maketrans("", "", "aeiouywh")


@dataclass(frozen=True)
class Card:
    """What tells one person from another."""

    id: UUID
    name: str
    company: str | None
    email: str | None
    phone_e164: str | None
    document_index: bytes | None


@dataclass(frozen=True)
class Pair:
    """The two ids in order, so that the same two are one pair."""

    first_id: UUID
    second_id: UUID
    likeness: Likeness
    score: int


def pair(one: UUID, other: UUID, likeness: Likeness, score: int = 100) -> Pair:
    first, second = sorted((one, other))
    return Pair(first, second, likeness, score)


def keys(card: Card) -> Iterator[str]:
    """Only who shares a key is compared: the document, the bones of the whole name, or company and first name."""
    if card.document_index:
        yield f"document {card.document_index.hex()}"
    words = _words(card.name)
    if len(words) >= FEWEST_WORDS:
        yield f"name {' '.join(sorted(map(_bones, words)))}"
        if card.company:
            yield f"company {_firm(card.company)} {_bones(words[0])}"


def most_sharing(key: str) -> int:
    return MOST_NAMESAKES if key.startswith("name ") else MOST_COLLEAGUES


def groups(named: Iterable[tuple[UUID, Iterable[str]]]) -> list[list[UUID]]:
    """Those who share a key, where they are few enough for it to say something."""
    sharing: Mapping[str, list[UUID]] = defaultdict(list)
    for person, found in named:
        for key in found:
            sharing[key].append(person)
    return [people for key, people in sharing.items() if 1 < len(people) <= most_sharing(key)]


def pairs(group: Sequence[Card]) -> Iterator[Pair]:
    for one, other in combinations(group, 2):
        if (found := compare(one, other)) is not None:
            yield found


def compare(one: Card, other: Card) -> Pair | None:
    """Namesakes whose phones or e-mails differ are two people, unless they work at the same place."""
    if one.document_index and other.document_index:
        return pair(one.id, other.id, Likeness.DOCUMENT) if one.document_index == other.document_index else None
    if one.company and other.company:
        return _colleagues(one, other)
    score = _ratio(one.name, other.name) if _numbers(one.name) == _numbers(other.name) else 0
    may_be_one = not (one.phone_e164 and other.phone_e164) and not (one.email and other.email)
    return pair(one.id, other.id, Likeness.NAME, score) if score >= ALIKE and may_be_one else None


def _colleagues(one: Card, other: Card) -> Pair | None:
    """At one company a middle name left out is no other person."""
    if _numbers(one.name) != _numbers(other.name):  # "Cliente 12" is not "Cliente 13"
        return None
    same = fuzz.token_sort_ratio(_firm(one.company or ""), _firm(other.company or "")) >= SAME_COMPANY
    shared = set(_words(one.name)) & set(_words(other.name))
    shorter = fuzz.token_set_ratio(" ".join(_words(one.name)), " ".join(_words(other.name))) if len(shared) >= FEWEST_WORDS else 0
    score = max(_ratio(one.name, other.name), int(shorter))
    return pair(one.id, other.id, Likeness.NAME_AND_COMPANY, score) if same and score >= ALIKE else None


def _ratio(one: str, other: str) -> int:
    return int(fuzz.token_sort_ratio(" ".join(_words(one)), " ".join(_words(other))))


@lru_cache(maxsize=4096)  # each is compared with several
def _words(name: str) -> tuple[str, ...]:
    """`Conceição, João da` → joao, conceicao in the order in which they stand."""
    return tuple(word for word in _BETWEEN.sub(" ", fold(name)).split() if word not in _LESSER)


def _firm(company: str) -> str:
    words = _words(company)
    return " ".join([word for word in words if word not in _LEGAL_FORMS] or words)


@lru_cache(maxsize=4096)
def _numbers(name: str) -> tuple[str, ...]:
    return tuple(word for word in _words(name) if word.isdigit())


def _bones(word: str) -> str:
    """Consonants, once each in a row: what is left when accents were lost on the way (`m?rcia`, `mércia` → mrc)."""
    bare = word.replace("?", "").translate(_VOWELS)
    return "".join(char for place, char in enumerate(bare) if place == 0 or bare[place - 1] != char) or word
