"""The wrapped keys of each tenant. Deleting the row makes that tenant's data unreadable for ever."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from redis import RedisError
from sqlalchemy import String, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import BigId, Rows, TenantOwned

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.uow import UnitOfWork


class TenantKey(Rows):
    __tablename__ = "tenant_keys"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes]


class KeyCanary(Rows):
    """One row, on PostgreSQL: what only this box's root key opens."""

    __tablename__ = "key_canary"

    id: Mapped[int] = mapped_column(primary_key=True)
    sealed: Mapped[bytes]


class KeyRotation(TenantOwned, Rows):
    """How far a tenant's data are under `generation`. `step` and `after`: the table and its last row, or the files and their last shelf.

    `found`: what this pass met under an older one; a pass that meets nothing is the last.
    """

    __tablename__ = "key_rotations"

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    generation: Mapped[int]
    started_at: Mapped[datetime]
    pass_began_at: Mapped[datetime]
    step: Mapped[str] = mapped_column(String(80), default="")
    after: Mapped[list[Any]] = mapped_column(default=list)
    found: Mapped[int] = mapped_column(default=0)
    resealed: Mapped[int] = mapped_column(BigId, default=0)
    resealed_at: Mapped[datetime | None]
    keep_until: Mapped[datetime]
    destroyed_at: Mapped[datetime | None]


def overwrite_what_goes(uow: UnitOfWork) -> None:
    """Wrapped keys that this unit deletes or replaces are overwritten in the file, not only let go. PostgreSQL: `scrub`."""
    if not uow.box.database.is_postgresql:
        uow.session.connection().exec_driver_sql("PRAGMA secure_delete=ON")


def scrub(box: Box) -> bool:
    """After keys were deleted: they leave the journal and the files of the database too. False when somebody's long reading was in the way.

    PostgreSQL needs the owner's address for it, and writes the table anew: what is only vacuumed keeps its bytes.
    """
    if not box.database.is_postgresql:
        raw = box.database.engine.raw_connection()
        try:
            (is_busy, *_pages) = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            raw.close()
        return not is_busy
    if not (owner := box.settings.database.owner_url):
        return False
    engine = create_engine(owner, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text("SET lock_timeout = '5s'"))
            connection.execute(text("VACUUM FULL tenant_keys"))
    except OperationalError:
        return False
    finally:
        engine.dispose()
    return True


def forget_in_redis(box: Box, tenant_id: UUID) -> int | None:
    """None when it is away; it holds ids and counters only."""
    try:
        found = {key for shape in (tenant_id.hex, str(tenant_id)) for key in box.redis.scan_iter(f"*{shape}*", count=1000)}
        return int(box.redis.delete(*found)) if found else 0
    except RedisError:
        return None


def topic(tenant_id: UUID, *parts: str) -> str:
    """Names for cache keys, channels, blob paths and vector namespaces: they all begin with the tenant."""
    return ":".join((f"t-{tenant_id.hex}", *parts))


def tenant_of(name: str) -> UUID:
    """Whose `topic` this is."""
    return UUID(name.partition(":")[0].removeprefix("t-"))
