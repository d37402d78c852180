"""Postings and vocabulary that earlier questions read, kept in memory and carried from one state of the corpus to the next."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import numpy as np
import numpy.typing as npt
from sqlalchemy import Row, collate, select

from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.queries.corpus import Member, Scope, Snapshot
from appliance.domains.knowledge.rules import postings, spelling
from appliance.domains.knowledge.rules.postings import Entries, Ranges
from appliance.domains.knowledge.tables import Posting

KEPT_BYTES = 48 << 20
TERM_BYTES = 400  # of a term whatever it holds
MOST_FRESH = 20  # more new versions than this are read again as questions ask for them

Edition = tuple[int, int, datetime | None]
PostingRow = Row[str, int, bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """Where a stem stands in all that can be found. By version: the number of its first entry, and how many units hold the stem."""

    entries: Entries
    firsts: npt.NDArray[np.uint32]
    units: npt.NDArray[np.int64]

    @property
    def size(self) -> int:
        return int(self.entries.nbytes + self.firsts.nbytes + self.units.nbytes) + TERM_BYTES


@dataclass(eq=False)
class Lexicon:
    """Of one tenant at one version of its corpus. A version of a document that was activated anew is another edition."""

    version: int
    editions: frozenset[Edition]
    terms: OrderedDict[str, Listed] = field(default_factory=OrderedDict)
    letters: dict[str, spelling.Vocabulary] = field(default_factory=dict)
    size: int = 0

    def keep(self, found: Mapping[str, Listed]) -> None:
        for term, one in found.items():
            before = self.terms.get(term)
            self.terms[term] = one
            self.size += one.size - (before.size if before is not None else 0)

    def keep_letter(self, letter: str, known: spelling.Vocabulary) -> None:
        before = self.letters.get(letter)
        self.letters[letter] = known
        self.size += known.size - (before.size if before is not None else 0)

    def forget_oldest(self) -> int:
        """Bytes won."""
        gone = self.terms.popitem(last=False)[1].size
        self.size -= gone
        return gone


_kept: OrderedDict[UUID, Lexicon] = OrderedDict()
_lock = threading.Lock()


def find_listed(uow: UnitOfWork, terms: Collection[str], snapshot: Snapshot) -> dict[str, Listed]:
    """Those that occur. Only what no earlier question asked for is read."""
    lexicon = _lexicon(uow, snapshot)
    with _lock:
        found = {term: lexicon.terms[term] for term in terms if term in lexicon.terms}
        for term in found:
            lexicon.terms.move_to_end(term)
    missing = [term for term in terms if term not in found]
    if missing:
        fresh = _read(uow, missing, snapshot)
        with _lock:
            lexicon.keep(fresh)
            _forget_oldest(uow.tenant_id)
        found |= fresh
    return {term: one for term, one in found.items() if len(one.entries)}


def find_near(uow: UnitOfWork, terms: Iterable[str], snapshot: Snapshot) -> set[str]:
    """Stems that may be what a mistyped one meant."""
    lexicon = _lexicon(uow, snapshot)
    near: set[str] = set()
    for term in filter(spelling.may_be_mistyped, terms):
        if term[0] not in lexicon.letters:
            known = _read_vocabulary(uow, term[0])
            with _lock:
                lexicon.keep_letter(term[0], known)
        near.update(lexicon.letters[term[0]].near(term))
    return near


def _lexicon(uow: UnitOfWork, snapshot: Snapshot) -> Lexicon:
    """The one kept, brought up to date; one that lives for this question alone when another thread is already further."""
    with _lock:
        kept = _kept.get(uow.tenant_id)
        if kept is not None:
            _kept.move_to_end(uow.tenant_id)
    if kept is not None and kept.version == snapshot.version:
        return kept
    if kept is not None and kept.version > snapshot.version:
        return Lexicon(snapshot.version, _editions(snapshot.members))
    current = Lexicon(snapshot.version, _editions(snapshot.members)) if kept is None else _carried_over(uow, kept, snapshot)
    with _lock:
        _kept[uow.tenant_id] = current
    return current


def _carried_over(uow: UnitOfWork, kept: Lexicon, snapshot: Snapshot) -> Lexicon:
    editions = _editions(snapshot.members)
    gone, fresh = kept.editions - editions, editions - kept.editions
    current = Lexicon(snapshot.version, editions)
    if len(fresh) > MOST_FRESH:
        return current
    with _lock:
        terms, letters = kept.terms.copy(), kept.letters.copy()
    left = np.array(sorted((first, last) for first, last, _ in gone if first <= last), np.int64).reshape(-1, 2)
    current.keep({term: _without(one, left) for term, one in terms.items()} if gone else terms)
    for letter, known in letters.items():
        current.keep_letter(letter, known)
    new = [member.version_id for member in snapshot.members if _edition(member) in fresh]
    if new:
        rows = uow.session.execute(select(Posting.term, Posting.units, Posting.packed).where(Posting.version_id.in_(new))).all()
        _add(current, rows)
    return current


def _add(lexicon: Lexicon, rows: Iterable[PostingRow]) -> None:
    words: dict[str, list[str]] = {}
    grouped: dict[str, list[PostingRow]] = {}
    for row in rows:
        words.setdefault(row.term[:1], []).append(row.term)
        if row.term in lexicon.terms:
            grouped.setdefault(row.term, []).append(row)
    lexicon.keep({term: _joined(lexicon.terms[term], _listed(found)) for term, found in grouped.items()})
    for letter in lexicon.letters.keys() & words.keys():
        lexicon.keep_letter(letter, lexicon.letters[letter].with_words(words[letter]))


def _read(uow: UnitOfWork, terms: Collection[str], snapshot: Snapshot) -> dict[str, Listed]:
    rows = uow.session.execute(select(Posting.term, Posting.units, Posting.packed).where(Posting.term.in_(terms))).all()
    grouped: dict[str, list[PostingRow]] = {term: [] for term in terms}
    for row in rows:
        grouped[row[0]].append(row)
    active = snapshot.within(Scope()).ranges
    return {term: _listed(found, active) for term, found in grouped.items()}


def _listed(rows: Collection[PostingRow], active: Ranges | None = None) -> Listed:
    """Versions outside the active ranges are on their way in or out."""
    firsts = np.frombuffer(b"".join([row[2][:4] for row in rows]), np.uint32)
    units = np.array([row[1] for row in rows], np.int64)
    entries = postings.unpack(row[2] for row in rows)
    if active is None or not len(firsts):
        return Listed(entries, firsts, units)
    alive = postings.are_within(firsts, active)
    return Listed(entries if alive.all() else postings.within(entries, active), firsts[alive], units[alive])


def _joined(one: Listed, other: Listed) -> Listed:
    return Listed(
        np.concatenate([one.entries, other.entries]), np.concatenate([one.firsts, other.firsts]), np.concatenate([one.units, other.units]),
    )


def _without(one: Listed, gone: Ranges) -> Listed:
    stays = ~postings.are_within(one.firsts, gone)
    if stays.all():
        return one
    return Listed(one.entries[~postings.are_within(one.entries["number"], gone)], one.firsts[stays], one.units[stays])


def _read_vocabulary(uow: UnitOfWork, begin: str) -> spelling.Vocabulary:
    """By code point: in a language's own order `{`, which comes after `z` here, comes before all letters."""
    term = collate(Posting.term, "C") if uow.box.database.is_postgresql else Posting.term
    same = select(Posting.term).where(term >= begin, term < chr(ord(begin) + 1)).distinct()
    return spelling.Vocabulary.of(uow.session.scalars(same))


def _forget_oldest(tenant_id: UUID) -> None:
    """Other tenants first, then the terms this one has not asked for longest."""
    excess = sum(lexicon.size for lexicon in _kept.values()) - KEPT_BYTES
    for one in [one for one in _kept if one != tenant_id]:
        if excess <= 0:
            return
        excess -= _kept.pop(one).size
    mine = _kept.get(tenant_id)
    while excess > 0 and mine is not None and mine.terms:
        excess -= mine.forget_oldest()


def _edition(member: Member) -> Edition:
    return member.first_number, member.last_number, member.activated_at


def _editions(members: Iterable[Member]) -> frozenset[Edition]:
    return frozenset(_edition(member) for member in members)
