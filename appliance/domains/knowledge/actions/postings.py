"""The rows of the lexical index. Documents share them, so whoever calls this holds the tenant's corpus."""

from collections.abc import Mapping

from sqlalchemy import delete, select, update

from appliance.core.ids import new_id
from appliance.core.rows import insert_or_append
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.rules import postings
from appliance.domains.knowledge.rules.postings import Entries
from appliance.domains.knowledge.tables import Posting

TERMS = 500


def write(uow: UnitOfWork, listed: Mapping[str, Entries]) -> None:
    """Of chunks that have no entries yet: what is there already is not read."""
    rows = [
        {"id": new_id(), "tenant_id": uow.tenant_id, "block": block, "term": term, "packed": entries.tobytes()}
        for block, found in postings.by_block(listed).items() for term, entries in sorted(found.items())
    ]
    for start in range(0, len(rows), TERMS):
        insert_or_append(uow, Posting, rows[start:start + TERMS], key=("tenant_id", "block", "term"), grows="packed")


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
