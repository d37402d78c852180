"""Postings and vocabulary that earlier questions read, kept in memory. After a change only the blocks it touched are read again."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import numpy as np
from sqlalchemy import bindparam, collate, select

from appliance.core.prepared import Prepared
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.queries.corpus import Member, Scope, Snapshot
from appliance.domains.knowledge.rules import postings
from appliance.domains.knowledge.rules.postings import Entries
from appliance.domains.knowledge.rules.spelling import Vocabulary, may_be_mistyped
from appliance.domains.knowledge.tables import Posting

KEPT_BYTES = 48 << 20
TERM_BYTES = 400  # of a term whatever it holds

Edition = tuple[int, int, datetime | None]
Dated = tuple[int, Entries]  # the version of the corpus it was read in


@dataclass(eq=False)
class Lexicon:
    """Of one tenant. `changed` tells in which version of the corpus the documents of a block last came or went."""

    version: int
    editions: frozenset[Edition]
    changed: dict[int, int] = field(default_factory=dict)
    terms: OrderedDict[str, Dated] = field(default_factory=OrderedDict)
    letters: dict[str, tuple[int, Vocabulary]] = field(default_factory=dict)
    size: int = 0

    def follow(self, snapshot: Snapshot) -> None:
        editions = _editions(snapshot.members)
        for first, last, _ in self.editions ^ editions:
            self.changed.update(dict.fromkeys(postings.blocks_of(first, last), snapshot.version))
        self.version, self.editions = snapshot.version, editions

    def changed_since(self, version: int) -> set[int]:
        return {block for block, at in self.changed.items() if at > version}

    def keep(self, term: str, version: int, entries: Entries) -> None:
        self.forget(term)
        self.terms[term] = version, entries
        self.size += _size(entries)

    def forget(self, term: str) -> int:
        """Bytes won."""
        gone = _size(self.terms.pop(term)[1]) if term in self.terms else 0
        self.size -= gone
        return gone

    def keep_letter(self, letter: str, version: int, known: Vocabulary) -> None:
        self.size += known.size - (self.letters[letter][1].size if letter in self.letters else 0)
        self.letters[letter] = version, known


_kept: OrderedDict[UUID, Lexicon] = OrderedDict()
_lock = threading.Lock()


def find_entries(uow: UnitOfWork, terms: Collection[str], snapshot: Snapshot) -> dict[str, Entries]:
    """Of those that occur, in all that can be found."""
    with _lock:
        lexicon = _lexicon(uow, snapshot)
        kept = {term: lexicon.terms[term] for term in terms if term in lexicon.terms}
        for term in kept:
            lexicon.terms.move_to_end(term)
        stale = {term: blocks for term, (version, _) in kept.items() if (blocks := lexicon.changed_since(version))}
    fresh = _read(uow, [term for term in terms if term not in kept], snapshot)
    if stale:
        blocks = set().union(*stale.values())
        again = _read(uow, stale, snapshot, blocks)
        fresh |= {term: np.concatenate([postings.outside(kept[term][1], blocks), again[term]]) for term in stale}
    with _lock:
        for term, entries in fresh.items():
            lexicon.keep(term, snapshot.version, entries)
        _forget_oldest(uow.tenant_id)
    found = {term: entries for term, (_, entries) in kept.items()} | fresh
    return {term: entries for term, entries in found.items() if len(entries)}


def find_near(uow: UnitOfWork, terms: Iterable[str], snapshot: Snapshot) -> set[str]:
    """Stems that may be what a mistyped one meant."""
    with _lock:
        lexicon = _lexicon(uow, snapshot)
    near: set[str] = set()
    for term in filter(may_be_mistyped, terms):
        near |= _vocabulary(uow, lexicon, term[0], snapshot.version).near(term)
    return near


def _vocabulary(uow: UnitOfWork, lexicon: Lexicon, letter: str, version: int) -> Vocabulary:
    with _lock:
        read_in, known = lexicon.letters.get(letter, (-1, None))
        blocks = lexicon.changed_since(read_in)
    if known is None:
        known = Vocabulary.of(_read_words(uow, letter))
    elif blocks:
        known = known.with_words(_read_words(uow, letter, blocks))
    else:
        return known
    with _lock:
        lexicon.keep_letter(letter, version, known)
    return known


def _lexicon(uow: UnitOfWork, snapshot: Snapshot) -> Lexicon:
    """The one kept, brought up to date; one that lives for this question alone when another thread is already further."""
    lexicon = _kept.get(uow.tenant_id)
    if lexicon is None:
        lexicon = _kept[uow.tenant_id] = Lexicon(snapshot.version, _editions(snapshot.members))
    elif lexicon.version > snapshot.version:
        return Lexicon(snapshot.version, _editions(snapshot.members))
    elif lexicon.version < snapshot.version:
        lexicon.follow(snapshot)
    _kept.move_to_end(uow.tenant_id)
    return lexicon


_WANTED = select(Posting.term, Posting.packed).where(Posting.term.in_(bindparam("terms", expanding=True)))
_POSTINGS = Prepared(_WANTED)
_OF_BLOCKS = Prepared(_WANTED.where(Posting.block.in_(bindparam("blocks", expanding=True))))


def _read(uow: UnitOfWork, terms: Collection[str], snapshot: Snapshot, blocks: Collection[int] | None = None) -> dict[str, Entries]:
    """Versions outside the active ranges are on their way in or out."""
    if not terms:
        return {}
    named = list(terms)
    rows = _POSTINGS.rows(uow, terms=named) if blocks is None else _OF_BLOCKS.rows(uow, terms=named, blocks=list(blocks))
    packed: dict[str, list[bytes]] = {term: [] for term in terms}
    for term, entries in rows:
        packed[term].append(entries)
    active = snapshot.within(Scope()).ranges
    return {term: postings.within(postings.unpack(parts), active) for term, parts in packed.items()}


def _read_words(uow: UnitOfWork, begin: str, blocks: Collection[int] | None = None) -> Sequence[str]:
    """By code point: in a language's own order `{`, which comes after `z` here, comes before all letters."""
    term = collate(Posting.term, "C") if uow.box.database.is_postgresql else Posting.term
    same = select(Posting.term).where(term >= begin, term < chr(ord(begin) + 1)).distinct()
    return uow.session.scalars(same if blocks is None else same.where(Posting.block.in_(blocks))).all()


def _forget_oldest(tenant_id: UUID) -> None:
    """Other tenants first, then the terms this one has not asked for longest."""
    excess = sum(lexicon.size for lexicon in _kept.values()) - KEPT_BYTES
    for one in [one for one in _kept if one != tenant_id]:
        if excess <= 0:
            return
        excess -= _kept.pop(one).size
    mine = _kept.get(tenant_id)
    while excess > 0 and mine is not None and mine.terms:
        excess -= mine.forget(next(iter(mine.terms)))


def _size(entries: Entries) -> int:
    return int(entries.nbytes) + TERM_BYTES


def _editions(members: Iterable[Member]) -> frozenset[Edition]:
    return frozenset((member.first_number, member.last_number, member.activated_at) for member in members if member.chunk_count)
