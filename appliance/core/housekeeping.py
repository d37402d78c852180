"""The house's own timed work: old events leave, kept answers are forgotten, timed runs are remembered."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from redis import RedisError
from sqlalchemy import String, delete, exists, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from appliance import __version__
from appliance.core import deliveries, metrics, parts, updates
from appliance.core.db import Rows, Sentence
from appliance.core.dispatch import JOB_TIMEOUT_S
from appliance.core.manifest import Check, CheckResult, Cron, Gauge, Manifest
from appliance.core.outbox import Delivery, DeliveryState, OutboxRow
from appliance.core.rows import bring_forward, surely, was_changed
from appliance.core.web import idempotency

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.uow import UnitOfWork

EVENTS_KEPT = timedelta(days=7)
PRUNE_SLICE = 2000
LONGEST_RUN = timedelta(hours=1)
NOBODY_WORKS = "Start the box with `salesedge up`: what waits is kept, and done then."


class CronRun(Rows):
    """One row a piece of timed work: so that it never runs twice at once, and a box that was off catches up once."""

    __tablename__ = "cron_runs"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    ran_at: Mapped[datetime | None]
    running_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Sentence())


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


def begin_run(box: Box, name: str) -> bool:
    """False while another run of the same work goes on. A run that was killed blocks the next for an hour at most."""
    with box.whole_box("cron begins") as uow:
        if uow.session.get(CronRun, name) is None:
            uow.session.add(CronRun(name=name))
            uow.session.flush()
        free = or_(CronRun.running_until.is_(None), CronRun.running_until < uow.now)
        taken = uow.session.execute(update(CronRun).where(CronRun.name == name, free).values(running_until=uow.now + LONGEST_RUN))
        return was_changed(taken)


def end_run(box: Box, name: str, *, error: str | None) -> None:
    surely(partial(_end_run, box, name, error=error))


def _end_run(box: Box, name: str, *, error: str | None) -> None:
    with box.whole_box("cron ends") as uow:
        run = uow.session.get_one(CronRun, name)
        run.running_until, run.last_error = None, error
        if error is None:
            run.ran_at = uow.now


def last_runs(box: Box) -> dict[str, datetime]:
    with box.whole_box("cron plan", read_only=True) as uow:
        return {run.name: run.ran_at for run in uow.session.scalars(select(CronRun)) if run.ran_at is not None}


def heed_put_back(uow: UnitOfWork, by: timedelta) -> None:
    """A run that died meanwhile is waited for no longer than any."""
    bring_forward(uow, CronRun.running_until, by)


def check_workers(box: Box) -> CheckResult:
    try:
        found = {queue: box.dispatcher.workers(queue) for queue in JOB_TIMEOUT_S}
    except RedisError as err:
        return CheckResult(ok=False, detail=type(err).__name__, fix=NOBODY_WORKS)
    told = ", ".join(f"{queue} {number}" for queue, number in found.items())
    return CheckResult(ok=all(found.values()), detail=told, fix=NOBODY_WORKS)


def put_figures_together() -> None:
    metrics.put_together()


def count_queued(uow: UnitOfWork) -> dict[str, int]:
    return {queue: uow.box.dispatcher.backlog(queue) for queue in JOB_TIMEOUT_S}


def count_workers(uow: UnitOfWork) -> dict[str, int]:
    return {queue: uow.box.dispatcher.workers(queue) for queue in JOB_TIMEOUT_S}


def count_parts(uow: UnitOfWork) -> dict[str, int]:
    return {name: int(works) for name, works in parts.working(uow.box.redis).items()}


def successes(uow: UnitOfWork) -> dict[str, float]:
    return {run.name: run.ran_at.timestamp() for run in uow.session.scalars(select(CronRun)) if run.ran_at is not None}


def free_bytes(uow: UnitOfWork) -> dict[str, float]:
    return {"": shutil.disk_usage(uow.box.settings.home).free}


def disk_bytes(uow: UnitOfWork) -> dict[str, float]:
    return {"": shutil.disk_usage(uow.box.settings.home).total}


MANIFEST = Manifest(
    "core",
    permissions={
        "jobs:read": ("owner", "admin", "operator"),
        "jobs:write": ("owner", "admin", "operator"),
        "health:read": ("owner", "admin", "manager", "operator"),
        "diagnostics:read": ("operator",),
        "api:read": ("owner", "admin", "operator"),
    },
    cron=(
        Cron("prune_outbox", prune_outbox, every=timedelta(hours=6)),
        Cron("forget_answers", forget_answers, every=timedelta(hours=1)),
        Cron("put_figures_together", lambda _box: put_figures_together(), every=timedelta(minutes=10)),
    ),
    clock_put_back=(heed_put_back,),
    resuming=(deliveries.release,),
    checks=(Check("workers", check_workers, thorough=True), parts.CHECK, updates.CHECK),
    metrics=(
        Gauge("deliveries", "Work that is owed: waiting, under way, or given up.", ("state",), deliveries.count_open),
        Gauge("delivery_lag_seconds", "How long the oldest work that could be done has waited.", ("queue",), deliveries.lags),
        Gauge("queue_jobs", "Jobs waiting in Redis.", ("queue",), count_queued),
        Gauge("workers", "Processes that take jobs of a queue.", ("queue",), count_workers),
        Gauge("part_up", "Whether a process that takes no jobs told in the last half minute that it works.", ("part",), count_parts),
        Gauge("cron_last_success_timestamp_seconds", "When timed work last ended well.", ("job_name",), successes),
        Gauge("data_folder_free_bytes", "Room on the disk of the data folder.", (), free_bytes),
        Gauge("data_folder_size_bytes", "Size of the disk of the data folder.", (), disk_bytes),
        Gauge("build_info", "The release that runs.", ("version",), lambda _uow: {__version__: 1}),
    ),
)
