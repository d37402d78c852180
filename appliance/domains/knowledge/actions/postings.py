"""The rows of the lexical index. Documents share them, so whoever calls this holds the tenant's corpus."""

from collections.abc import Mapping

from sqlalchemy import delete, insert, select, update

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.rules import postings
from appliance.domains.knowledge.rules.postings import Entries
from appliance.domains.knowledge.tables import Posting

TERMS = 500


def write(uow: UnitOfWork, listed: Mapping[str, Entries]) -> None:
    """In place of what an earlier try wrote for the same chunks."""
    for block, found in postings.by_block(listed).items():
        terms = sorted(found)
        for start in range(0, len(terms), TERMS):
            _write(uow, block, {term: found[term] for term in terms[start:start + TERMS]})


def _write(uow: UnitOfWork, block: int, found: Mapping[str, Entries]) -> None:
    stored = select(Posting.id, Posting.term, Posting.packed).where(Posting.block == block, Posting.term.in_(found))
    known = {term: (key, packed) for key, term, packed in uow.session.execute(stored)}
    grown = [
        {"id": key, "packed": postings.replaced(postings.unpack([packed]), found[term]).tobytes()} for term, (key, packed) in known.items()
    ]
    added = [
        {"id": new_id(), "tenant_id": uow.tenant_id, "block": block, "term": term, "packed": entries.tobytes()}
        for term, entries in found.items() if term not in known
    ]
    if grown:
        uow.session.execute(update(Posting), grown)
    if added:
        uow.session.execute(insert(Posting), added)


def erase(uow: UnitOfWork, first: int, last: int) -> None:
    """The entries of these chunk numbers."""
    for block in postings.blocks_of(first, last):
        rows = uow.session.execute(select(Posting.id, Posting.term, Posting.packed).where(Posting.block == block)).all()
        held = [rows[place] for place in postings.holding([row.packed for row in rows], first, last)]
        left = [(row, postings.without(postings.unpack([row.packed]), first, last)) for row in held]
        shrunk = [{"id": row.id, "packed": kept.tobytes()} for row, kept in left if len(kept)]
        if shrunk:
            uow.session.execute(update(Posting), shrunk)
        emptied = [row.term for row, kept in left if not len(kept)]
        for start in range(0, len(emptied), TERMS):
            gone = delete(Posting).where(Posting.block == block, Posting.term.in_(emptied[start:start + TERMS]))
            uow.session.execute(gone.execution_options(synchronize_session=False))
