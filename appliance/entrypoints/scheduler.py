"""Keeps the timetable and watches over mailboxes. Of the timetable it only asks for jobs; exactly one runs per box, and asking twice for
one moment is one job.
"""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from redis import RedisError
from rq.exceptions import DuplicateJobError

from appliance.core import clock, housekeeping, parts, updates
from appliance.core.box import Box
from appliance.entrypoints import notify
from appliance.entrypoints.boot import boot
from appliance.entrypoints.mail import Mailboxes
from appliance.entrypoints.updating import copies

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)  # every box ticks at the same moments
GRACE_S = 300
LOOKS_AT_CLOCK_S = 5.0
log = structlog.get_logger()


def main() -> None:
    box = boot("scheduler")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    scheduler = BackgroundScheduler(timezone=UTC)
    for name, cron in box.registry.cron.items():
        trigger = IntervalTrigger(seconds=int(cron.every.total_seconds()), start_date=EPOCH, timezone=UTC)
        scheduler.add_job(ask, trigger, (box, name), id=name, coalesce=True, misfire_grace_time=GRACE_S, max_instances=1)
    hourly = IntervalTrigger(hours=1, timezone=UTC)
    scheduler.add_job(copies.forget_old, hourly, (box.settings,), next_run_time=clock.now(), misfire_grace_time=GRACE_S)
    mailboxes = Mailboxes(box)
    watching = threading.Thread(target=mailboxes.run, name="mailboxes", daemon=True)

    def works() -> bool:
        return updates.doors_are_closed() or (scheduler.running and watching.is_alive())

    notify.watch(works)
    with parts.telling(box.redis, parts.SCHEDULER, works):
        updates.await_open_doors(stop)
        if stop.is_set():
            return
        catch_up(box)
        scheduler.start()
        watching.start()
        jumps = clock.Jumps()
        while not stop.wait(LOOKS_AT_CLOCK_S):
            if jumps.take():
                plan_anew(scheduler, box)
        mailboxes.stop()
        scheduler.shutdown(wait=False)


def plan_anew(scheduler: BackgroundScheduler, box: Box) -> None:
    """The clock was put forward or back: what was planned by the one before would come late by as much."""
    for job in scheduler.get_jobs():
        job.reschedule(job.trigger)
    catch_up(box)


def catch_up(box: Box) -> None:
    """What fell due while the box was off runs once."""
    runs = housekeeping.last_runs(box)
    now = clock.now()
    for name, cron in box.registry.cron.items():
        last = runs.get(name)
        if last is None or not timedelta(0) <= now - last <= cron.every:  # in the future: the clock was put back
            ask(box, name)


def ask(box: Box, name: str) -> None:
    cron = box.registry.cron[name]
    every = int(cron.every.total_seconds())
    moment = int(clock.now().timestamp()) // every * every
    try:
        box.dispatcher.enqueue_cron(name, cron.queue, moment)
    except DuplicateJobError:
        log.debug("cron_already_asked", job=name)
    except RedisError as err:
        log.warning("cron_not_asked", job=name, error=type(err).__name__)
