"""Reading and verifying the record of what was done."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select

from appliance.core import crypto
from appliance.core.ids import NIL
from appliance.core.paging import read_page
from appliance.core.uow import UnitOfWork
from appliance.core.web import Page
from appliance.domains.identity.rules import chain
from appliance.domains.identity.schemas import AuditFilter, AuditQuery
from appliance.domains.identity.tables import AuditEntry, AuditHead
from appliance.domains.identity.types import AuditFault

BATCH = 500


def list_audit(uow: UnitOfWork, query: AuditQuery) -> Page[AuditEntry]:
    """Latest first."""
    return read_page(uow, _filtered(query).order_by(AuditEntry.seq.desc()), query)


def list_audit_after(uow: UnitOfWork, wanted: AuditFilter, seq: int, *, limit: int = BATCH) -> list[AuditEntry]:
    """The next lines of an export, oldest first."""
    return list(uow.session.scalars(_filtered(wanted).where(AuditEntry.seq > seq).order_by(AuditEntry.seq).limit(limit)))


def list_destroyed_keys(uow: UnitOfWork) -> list[tuple[str, datetime]]:
    """By id in hexadecimal the organisations that were ever erased, and when."""
    gone = select(AuditEntry.object_id, AuditEntry.at).where(AuditEntry.tenant_id == NIL, AuditEntry.action == "tenant.key_destroyed")
    return [(UUID(row.object_id).hex, row.at) for row in uow.session.execute(gone)]


def verify_chain(uow: UnitOfWork, tenant_id: UUID) -> AuditFault | None:
    """The first line of the tenant's chain that was edited or removed; None when all holds."""
    head = uow.session.scalar(select(AuditHead).where(AuditHead.tenant_id == tenant_id))
    known = (head.seq, head.hash) if head else (0, chain.GENESIS)
    return chain.find_fault(tenant_id, _links(uow, tenant_id), known, chain_key(uow))


def list_chains(uow: UnitOfWork) -> list[UUID]:
    """Every tenant that has a chain, the box's own (NIL) included. Needs the box scope."""
    with_rows = select(AuditEntry.tenant_id).distinct()
    return sorted(uow.session.scalars(select(AuditHead.tenant_id).union(with_rows)))


def chain_key(uow: UnitOfWork) -> bytes:
    return crypto.derive(uow.box.keys.token_key, "audit")


def link_of(entry: AuditEntry) -> chain.Link:
    return chain.Link(
        tenant_id=entry.tenant_id, seq=entry.seq, at=entry.at, actor_kind=entry.actor_kind, actor_id=entry.actor_id,
        actor_name=entry.actor_name, action=entry.action, object_kind=entry.object_kind, object_id=entry.object_id,
        ip=entry.ip, request_id=entry.request_id, before=entry.before, after=entry.after,
    )  # fmt: skip


def _links(uow: UnitOfWork, tenant_id: UUID) -> Iterator[tuple[chain.Link, str]]:
    seq = -1
    while True:
        batch = uow.session.scalars(
            select(AuditEntry).where(AuditEntry.tenant_id == tenant_id, AuditEntry.seq > seq).order_by(AuditEntry.seq).limit(BATCH)
        ).all()
        for entry in batch:
            yield link_of(entry), entry.hash
            seq = entry.seq
            uow.session.expunge(entry)
        if len(batch) < BATCH:
            return


def _filtered(wanted: AuditFilter) -> Select[AuditEntry]:
    statement = select(AuditEntry)
    if wanted.actor is not None:
        statement = statement.where(AuditEntry.actor_id == wanted.actor)
    if wanted.action:
        statement = statement.where(AuditEntry.action.startswith(wanted.action, autoescape=True))
    if wanted.since is not None:
        statement = statement.where(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(AuditEntry.at < wanted.until)
    return statement
