"""What can be found right now: the active version of every document, read once per change of the corpus."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from uuid import UUID

import numpy as np
from sqlalchemy import select

from appliance.core.prepared import Prepared
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.queries import naming
from appliance.domains.knowledge.rules import digest, refusal, validity
from appliance.domains.knowledge.rules.postings import Ranges
from appliance.domains.knowledge.tables import Corpus, Document, DocumentVersion

KEPT_TENANTS = 64
KEPT_SCOPES = 64


@dataclass(frozen=True, slots=True)
class Member:
    """An active version, with all that ranking needs to know of it."""

    version_id: UUID
    document_id: UUID
    name: str
    language: str
    title: Mapping[str, int]
    standing: float
    agents: frozenset[str]
    tags: frozenset[str]
    first_number: int
    last_number: int
    unit_count: int
    unit_length: int
    chunk_length: int
    activated_at: datetime | None

    @property
    def chunk_count(self) -> int:
        return self.last_number - self.first_number + 1


@dataclass(frozen=True, slots=True)
class Scope:
    """Which documents may answer. No agent means a person of the company, who sees all."""

    agent_id: UUID | None = None
    document_ids: frozenset[UUID] = frozenset()
    tags: frozenset[str] = frozenset()
    since: datetime | None = None

    def allows(self, member: Member) -> bool:
        if self.agent_id is not None and member.agents and str(self.agent_id) not in member.agents:
            return False
        if self.document_ids and member.document_id not in self.document_ids:
            return False
        if self.since is not None and (member.activated_at is None or member.activated_at < self.since):
            return False
        return not self.tags or bool(self.tags & member.tags)


@dataclass(frozen=True, eq=False)
class Members:
    """The versions that may answer, in ascending order of their numbers, and what ranking needs of them as a whole."""

    found: tuple[Member, ...]
    are_all: bool

    @cached_property
    def by_version(self) -> dict[UUID, Member]:
        return {member.version_id: member for member in self.found}

    @cached_property
    def ranges(self) -> Ranges:
        """Chunk numbers, ascending; neighbours are one range."""
        joined: list[list[int]] = []
        for member in self._numbered:
            if joined and joined[-1][1] + 1 == member.first_number:
                joined[-1][1] = member.last_number
            else:
                joined.append([member.first_number, member.last_number])
        return np.array(joined, np.int64).reshape(-1, 2)

    @cached_property
    def chunk_count(self) -> int:
        return sum(member.chunk_count for member in self.found)

    @cached_property
    def average_chunk(self) -> float:
        return sum(member.chunk_length for member in self.found) / (self.chunk_count or 1)

    @cached_property
    def unit_count(self) -> int:
        return sum(member.unit_count for member in self.found)

    @cached_property
    def average_unit(self) -> float:
        return sum(member.unit_length for member in self.found) / (self.unit_count or 1)

    def owner(self, number: int) -> Member:
        return self._numbered[bisect_right(self._firsts, number) - 1]

    @cached_property
    def _numbered(self) -> tuple[Member, ...]:
        return tuple(member for member in self.found if member.chunk_count)

    @cached_property
    def _firsts(self) -> list[int]:
        return [member.first_number for member in self._numbered]


@dataclass(frozen=True, slots=True)
class Snapshot:
    version: int
    threshold: float
    dense_weights: Mapping[str, float]
    members: tuple[Member, ...]
    acronyms: Mapping[str, str] = field(default_factory=dict)
    vectors_in: str = ""
    _scopes: dict[Scope, Members] = field(default_factory=dict, repr=False, compare=False)

    def within(self, scope: Scope) -> Members:
        """Kept by scope: a thousand documents are not looked through for each question."""
        known = self._scopes.get(scope)
        if known is None:
            found = tuple(member for member in self.members if scope.allows(member))
            if len(self._scopes) >= KEPT_SCOPES:
                self._scopes.clear()
            known = self._scopes[scope] = Members(found, are_all=len(found) == len(self.members))
        return known


_VERSION = Prepared(select(Corpus.version))
_snapshots: dict[UUID, Snapshot] = {}


def get_snapshot(uow: UnitOfWork) -> Snapshot:
    """Cached per process under the corpus version, so that a switch is seen by the next question."""
    version = next((found for found, in _VERSION.rows(uow)), None)
    kept = _snapshots.get(uow.tenant_id)
    if version is not None and kept is not None and kept.version == version:
        return kept
    snapshot = _read(uow, find_corpus(uow))
    if len(_snapshots) >= KEPT_TENANTS:
        _snapshots.pop(next(iter(_snapshots)), None)
    _snapshots[uow.tenant_id] = snapshot
    return snapshot


def kept_snapshot(tenant_id: UUID) -> Snapshot | None:
    """What this process read last. It may have changed since: whoever begins with it looks at the version later."""
    return _snapshots.get(tenant_id)


def find_corpus(uow: UnitOfWork) -> Corpus | None:
    return uow.session.scalar(select(Corpus))


def _read(uow: UnitOfWork, corpus: Corpus | None) -> Snapshot:
    rows = uow.session.execute(
        select(Document, DocumentVersion).join(DocumentVersion, DocumentVersion.id == Document.active_version_id)
        .order_by(Document.created_at)
    ).all()
    standing = validity.standing({version.id: claims_from(version) for _, version in rows})
    names = naming.names_of(uow, [document for document, _ in rows])
    found = (_member(document, version, names[document.id], standing[version.id]) for document, version in rows)
    members = tuple(sorted(found, key=lambda one: one.first_number))
    short = {key: long for _, version in rows for key, long in version.acronyms.items()}
    if corpus is None:
        return Snapshot(0, refusal.FALLBACK, {}, members, short)
    return Snapshot(corpus.version, corpus.threshold or refusal.FALLBACK, corpus.dense_weights, members, short, corpus.vectors_in)


def _member(document: Document, version: DocumentVersion, name: str, standing: float) -> Member:
    return Member(
        version.id, document.id, name, version.language,
        digest.title_stems(document.filename, version.title, version.language),
        standing, frozenset(document.agents), frozenset(document.tags), version.first_number, version.last_number,
        version.unit_count, version.unit_length, version.chunk_length, version.activated_at,
    )


def claims_from(version: DocumentVersion) -> validity.Claims:
    said = version.claims
    number, year, uploaded = said.get("order", [[0], 0, ""])
    return validity.Claims(
        str(said.get("family", "")), (tuple(number), int(year), str(uploaded)), bool(said.get("revoked")), bool(said.get("prevails")),
        bool(said.get("yields")),
    )


def claims_as_json(said: validity.Claims) -> dict[str, object]:
    number, year, uploaded = said.order
    return {
        "family": said.family, "order": [list(number), year, uploaded], "revoked": said.revoked, "prevails": said.prevails,
        "yields": said.yields,
    }
