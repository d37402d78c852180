"""What happened, and what must happen because of it: rows written in the transaction that caused them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, BigId, Rows, Sentence, TenantOwned
from appliance.core.ids import new_id

MAX_ATTEMPTS = 12

E = TypeVar("E")
QueueName = Literal["fast", "default", "speech", "slow"]


class DeliveryState(StrEnum):
    PENDING = "pending"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"
    HELD = "held"  # due, of an organisation that is suspended


class OutboxRow(TenantOwned, Rows):
    """One event. `seq` orders the live feed; the payload holds ids only."""

    __tablename__ = "outbox"

    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    id: Mapped[UUID] = mapped_column(default=new_id, unique=True, insert_sentinel=True)  # so that many go in one statement
    name: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]]
    emitted_at: Mapped[datetime] = mapped_column(index=True)
    traceparent: Mapped[str | None] = mapped_column(String(55))  # of whoever emitted it, where the box is traced


class Delivery(TenantOwned, Base):
    """One event owed to one subscriber. Its row is the truth; the queue only makes it quick."""

    __tablename__ = "delivery"

    event_seq: Mapped[int] = mapped_column(BigId, ForeignKey("outbox.seq", ondelete="CASCADE"))
    subscriber: Mapped[str] = mapped_column(String(120))
    ordering_key: Mapped[str | None] = mapped_column(String(80))
    queue: Mapped[str] = mapped_column(String(10))
    state: Mapped[DeliveryState] = mapped_column(default=DeliveryState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    deaths: Mapped[int] = mapped_column(default=0)  # of its workers, one after the other
    lease_token: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    next_at: Mapped[datetime]
    enqueued_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Sentence())

    __table_args__ = (
        UniqueConstraint("event_seq", "subscriber"),
        Index("ix_delivery_due", "state", "next_at"),
        Index("ix_delivery_order", "subscriber", "ordering_key", "state", "event_seq"),
    )


def event_name(event_type: type[Any]) -> str:
    """MessageReceived → message.received; DocumentVersionActivated → document_version.activated."""
    words = re.findall(r"[A-Z][a-z0-9]*", event_type.__name__)
    return f"{'_'.join(words[:-1])}.{words[-1]}".lower()


def payload_of(event: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(event, field.name)) for field in fields(event)}


def _plain(value: object) -> str | int | bool | list[Any] | None:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, str | UUID):
        return str(value)
    raise TypeError(f"an event carries ids, not {type(value).__name__}")


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def event_from(event_type: type[E], payload: Mapping[str, Any]) -> E:
    adapter = _adapters.get(event_type) or _adapters.setdefault(event_type, TypeAdapter(event_type))
    event: E = adapter.validate_python(dict(payload))
    return event


def ordering_key_of(event: object) -> str | None:
    key = getattr(event, "ordering_key", None)
    return None if key is None else str(key)


@dataclass(frozen=True)
class Owed:
    """What the queue needs to know of a delivery."""

    delivery_id: UUID
    tenant_id: UUID
    queue: str


def owed(deliveries: Iterable[Delivery]) -> list[Owed]:
    return [Owed(delivery.id, delivery.tenant_id, delivery.queue) for delivery in deliveries]
