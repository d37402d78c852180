"""The house's own timed work: old events leave, kept answers are forgotten, timed runs are remembered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import String, delete, exists, select
from sqlalchemy.orm import Mapped, mapped_column

from appliance.core.db import Rows
from appliance.core.manifest import Cron, Manifest
from appliance.core.outbox import Delivery, DeliveryState, OutboxRow
from appliance.core.web import idempotency

if TYPE_CHECKING:
    from appliance.core.box import Box

EVENTS_KEPT = timedelta(days=7)
PRUNE_SLICE = 2000


class CronRun(Rows):
    """When a piece of timed work last ran, so that a box that was off catches up once."""

    __tablename__ = "cron_runs"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    ran_at: Mapped[datetime]


def prune_outbox(box: Box) -> None:
    """Events older than a week go, in slices, unless something is still owed because of them."""
    while True:
        with box.whole_box("prune outbox") as uow:
            open_delivery = exists().where(Delivery.event_seq == OutboxRow.seq, Delivery.state != DeliveryState.DONE)
            old = (
                select(OutboxRow.seq)
                .where(OutboxRow.emitted_at < uow.now - EVENTS_KEPT, ~open_delivery)
                .order_by(OutboxRow.seq)
                .limit(PRUNE_SLICE)
            )
            seqs = list(uow.session.scalars(old))
            uow.session.execute(delete(Delivery).where(Delivery.event_seq.in_(seqs)))
            uow.session.execute(delete(OutboxRow).where(OutboxRow.seq.in_(seqs)))
        if len(seqs) < PRUNE_SLICE:
            return


def forget_answers(box: Box) -> None:
    with box.whole_box("forget idempotent answers") as uow:
        idempotency.forget_old(uow)


def remember_run(box: Box, name: str) -> None:
    with box.whole_box("cron ran") as uow:
        uow.session.merge(CronRun(name=name, ran_at=uow.now))


def last_runs(box: Box) -> dict[str, datetime]:
    with box.whole_box("cron plan", read_only=True) as uow:
        return {run.name: run.ran_at for run in uow.session.scalars(select(CronRun))}


MANIFEST = Manifest(
    "core",
    permissions={
        "jobs:read": ("owner", "admin", "operator"),
        "jobs:write": ("owner", "admin", "operator"),
        "health:read": ("owner", "admin", "manager", "operator"),
        "api:read": ("owner", "admin", "operator"),
    },
    cron=(
        Cron("prune_outbox", prune_outbox, every=timedelta(hours=6)),
        Cron("forget_answers", forget_answers, every=timedelta(hours=1)),
    ),
)
