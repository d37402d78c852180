"""The running box as the code sees it: settings, database, queue, keys, files. Built once by an entrypoint, passed in."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import structlog
from redis import Redis
from sqlalchemy import select

from appliance.core import crypto, db, envelope
from appliance.core.blobs import Blobs
from appliance.core.buckets import store_of
from appliance.core.config import Settings
from appliance.core.dispatch import Dispatcher
from appliance.core.manifest import Registry
from appliance.core.outbound import Outbound
from appliance.core.queue_server import connect_redis
from appliance.core.tenancy import TenantKey
from appliance.core.uow import SYSTEM, Actor, UnitOfWork, open_unit, open_whole_box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from appliance.core.manifest import Manifest

T = TypeVar("T")


@dataclass
class Box:
    settings: Settings
    database: db.Database
    redis: Redis
    keys: crypto.Keyring
    blobs: Blobs
    registry: Registry
    dispatcher: Dispatcher
    outbound: Outbound
    log: structlog.typing.FilteringBoundLogger
    _parts: dict[type, object] = field(default_factory=dict)
    _closed_too: list[Callable[[], None]] = field(default_factory=list)

    def unit(self, tenant_id: UUID, actor: Actor = SYSTEM, *, read_only: bool = False) -> AbstractContextManager[UnitOfWork]:
        return open_unit(self, tenant_id, actor, read_only=read_only)

    def whole_box(self, reason: str, actor: Actor = SYSTEM, *, read_only: bool = False) -> AbstractContextManager[UnitOfWork]:
        return open_whole_box(self, reason, actor, read_only=read_only)

    def provide(self, kind: type[T], part: T) -> None:
        """Hang something that lives above core (the model client, the authenticator) on the box under its port."""
        self._parts[kind] = part

    def part(self, kind: type[T]) -> T:
        found = self._parts[kind]
        assert getattr(kind, "_is_protocol", False) or isinstance(found, kind)  # a plain protocol cannot be checked
        return found  # type: ignore[return-value]  # `kind` is its key

    def close_too(self, close: Callable[[], None]) -> None:
        """Something that opened connections of its own."""
        self._closed_too.append(close)

    def close(self) -> None:
        for close in self._closed_too:
            close()
        self.database.close()
        self.redis.close()


def open_box(settings: Settings, manifests: Iterable[Manifest]) -> Box:
    """Raises crypto.KeyUnreadable when the data cannot be opened with the key that is there."""
    keys = crypto.Keyring(envelope.open_root(settings))
    crypto.install(keys)
    database = db.connect(settings, keys.database_key)
    redis = connect_redis(settings.redis_server)
    keys.load_with(_tenant_key_loader(database))
    return Box(
        settings=settings,
        database=database,
        redis=redis,
        keys=keys,
        blobs=Blobs(store_of(settings, database), keys),
        registry=Registry(manifests),
        dispatcher=Dispatcher(redis),
        outbound=Outbound(settings.network),
        log=structlog.get_logger(),
    )


def _tenant_key_loader(database: db.Database) -> Callable[[UUID], bytes | None]:
    def load(tenant_id: UUID) -> bytes | None:
        with database.session(read_only=True) as session:
            session.info["scope"] = "box"
            return session.scalar(select(TenantKey.wrapped).where(TenantKey.tenant_id == tenant_id))

    return load
