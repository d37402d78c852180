"""Writing the record of what was done."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select

from appliance.core import crypto
from appliance.core.ids import new_id
from appliance.core.rows import insert_if_absent, locked
from appliance.core.uow import UnitOfWork
from appliance.domains.identity import queries
from appliance.domains.identity.rules import chain
from appliance.domains.identity.tables import AuditEntry, AuditHead, Tenant


def record(
    uow: UnitOfWork,
    action: str,
    *,
    about: tuple[str, object] = ("", ""),
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    ip: str = "",
) -> AuditEntry:
    """Add a line to the unit's chain. `action` is `resource.verb`, `about` is (kind, id); secrets are masked here."""
    head = _locked_head(uow)
    entry = AuditEntry(
        id=new_id(), tenant_id=uow.tenant_id, seq=head.seq + 1, at=uow.now, actor_kind=uow.actor.kind, actor_id=uow.actor.id,
        actor_name=uow.actor.name[:120], action=action, object_kind=about[0], object_id=str(about[1]), ip=ip,
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")), before=chain.mask(before), after=chain.mask(after),
    )  # fmt: skip
    entry.hash = chain.hash_of(queries.link_of(entry), head.hash, queries.chain_key(uow))
    head.seq, head.hash = entry.seq, entry.hash
    uow.session.add(entry)
    uow.session.flush()
    return entry


@contextmanager
def as_tenant(uow: UnitOfWork, tenant_id: UUID) -> Iterator[UnitOfWork]:
    """Inside a unit of the whole box: events, audit and sealed columns that belong to one tenant."""
    token = crypto.sealing_tenant.set(tenant_id)
    try:
        yield replace(uow, tenant_id=tenant_id)
        uow.session.flush()
    finally:
        crypto.sealing_tenant.reset(token)


def in_lock_order(seats: Iterable[tuple[Tenant, str]]) -> list[tuple[Tenant, str]]:
    """Whoever writes to several chains takes them in one order, so that two never wait for each other."""
    return sorted(seats, key=lambda seat: seat[0].id)


def _locked_head(uow: UnitOfWork) -> AuditHead:
    """Writers of one chain queue here; the first of all makes the row."""
    own = locked(select(AuditHead).where(AuditHead.tenant_id == uow.tenant_id))
    head = uow.session.scalar(own)
    if head is not None:
        return head
    insert_if_absent(uow, AuditHead, {"tenant_id": uow.tenant_id, "seq": 0, "hash": chain.GENESIS})
    return uow.session.scalars(own).one()
