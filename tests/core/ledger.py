"""A tiny domain for the tests of the spine: entries in a ledger, and one that follows each."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Base, TenantOwned
from appliance.core.errors import NotFound, Refused, Unavailable
from appliance.core.jobs import Step
from appliance.core.manifest import Manifest, Subscription
from appliance.core.uow import UnitOfWork

AWAY_S = 600  # until what a delivery needs is asked for again


class Entry(TenantOwned, Base):
    __tablename__ = "test_entries"

    account: Mapped[str] = mapped_column(String(40))
    note: Mapped[str] = mapped_column(String(80), default="")


@dataclass(frozen=True)
class EntryMade:
    entry_id: UUID
    account: str

    @property
    def ordering_key(self) -> str:
        return self.account


@dataclass(frozen=True)
class EntryWeighed:
    entry_id: UUID


races: list[str] = []


def follow(uow: UnitOfWork, event: EntryMade) -> None:
    if event.account == "bug":
        raise ZeroDivisionError
    if event.account == "refused":
        raise Refused("never")
    if event.account == "race" and races:
        raise IntegrityError(races.pop(), {}, Exception("unique"))
    if event.account == "gone":
        raise NotFound("nobody")
    if event.account == "away":
        raise Unavailable("later", retry_after=AWAY_S)
    uow.session.add(Entry(tenant_id=uow.tenant_id, account=event.account, note=f"follows {event.entry_id}"))


def weigh(step: Step, event: EntryWeighed) -> None:
    with step.read() as uow:
        assert uow.session.get(Entry, event.entry_id) is not None
    with step.finish() as uow:
        uow.session.add(Entry(tenant_id=uow.tenant_id, account="weighed", note=str(event.entry_id)))


MANIFEST = Manifest("ledger", subscriptions=(Subscription(EntryMade, follow), Subscription(EntryWeighed, weigh, mode="staged")))


def make_entry(uow: UnitOfWork, account: str) -> Entry:
    entry = Entry(tenant_id=uow.tenant_id, account=account)
    uow.session.add(entry)
    uow.session.flush()
    uow.emit(EntryMade(entry.id, account))
    return entry


def entries(uow: UnitOfWork) -> list[Entry]:
    return list(uow.session.scalars(select(Entry).order_by(Entry.id)))
MANIFESTS = (MANIFEST,)
