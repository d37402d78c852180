"""When the clock of the machine is put forward or back: what waits is made to wait no longer than it should, and people are told."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import func, select

from appliance.core import clock, deliveries
from appliance.core.i18n import gettext as _
from appliance.core.manifest import CheckResult
from appliance.core.outbox import OutboxRow

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.config import Settings
    from appliance.core.uow import UnitOfWork

SKEW = timedelta(minutes=5)  # between machines of one box
FILE = "clock.json"
TOLD_FOR_S = 3600.0
log = structlog.get_logger()


def heed_put_back(box: Box, by: timedelta) -> None:
    """Who waits for a moment of before would wait for so much longer."""
    with box.whole_box("the clock was put back") as uow:
        deliveries.heed_put_back(uow, by)
        for heed in box.registry.clock_put_back:
            heed(uow, by)


def begin(box: Box) -> None:
    """Once at the start: the clock may have been put back while the box was off."""
    with box.whole_box("clock", read_only=True) as uow:
        behind = lag_of(uow)
    if behind >= SKEW:
        heed_put_back(box, behind)


def lag_of(uow: UnitOfWork) -> timedelta:
    """How much later than now the row that was written last was written. What is older is no sign: the clock may have been wrong then."""
    newest = select(func.max(OutboxRow.seq)).scalar_subquery()
    last: datetime | None = uow.session.scalar(select(OutboxRow.emitted_at).where(OutboxRow.seq == newest))
    return timedelta(0) if last is None else last - uow.now


def note(settings: Settings, by: timedelta) -> None:
    """Keeps for people how far it was put in the last hour, if there is room; put there and back again is nothing to tell."""
    log.warning("clock_jumped", seconds=round(by.total_seconds()))
    known = _read(settings.home / FILE)
    total = by + (known[0] if known else timedelta(0))
    file = settings.home / FILE
    if abs(total) < clock.LEAST_JUMP:
        file.unlink(missing_ok=True)
        return
    made = file.with_suffix(".new")
    with suppress(OSError):
        made.write_text(json.dumps({"by_s": total.total_seconds(), "since_start_s": clock.since_start()}), encoding="utf-8")
        made.replace(file)


def check(settings: Settings) -> CheckResult:
    known = _read(settings.home / FILE)
    if known is None:
        return CheckResult(ok=True, detail=f"{clock.now():%Y-%m-%d %H:%M} UTC")
    by = known[0]
    said = _("It was put forward by %(span)s.", span=_span(by)) if by > timedelta(0) else _("It was put back by %(span)s.", span=_span(-by))
    fix = _("Look at the clock and keep it right: timedatectl set-ntp true. Waits were ended and timed work planned anew; nothing is lost.")
    return CheckResult(ok=False, detail=said, fix=fix)


def _span(by: timedelta) -> str:
    minutes = round(by.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60:02} min"


def _read(file: Path) -> tuple[timedelta, float] | None:
    """None where nothing is kept, or it is too old to be told: from before the machine was switched on, or an hour ago."""
    with suppress(OSError, ValueError, KeyError):
        told = json.loads(file.read_text(encoding="utf-8"))
        by, at = timedelta(seconds=told["by_s"]), float(told["since_start_s"])
        return (by, at) if 0 <= clock.since_start() - at < TOLD_FOR_S else None
    return None
