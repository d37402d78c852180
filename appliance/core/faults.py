"""Errors that nobody handled: a request that ends as 500, a job that goes to the dead letters, a process or thread that ends by one.

They are told where `telemetry.sentry_dsn_file` names whom. Off, nothing of Sentry's is imported.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from redis import Redis

    from appliance.core.config import NetworkSettings
    from appliance.core.sentry import Teller

Severity = Literal["error", "fatal"]
_MARK = "told_by_the_box"
_teller: Teller | None = None


def start(process: str, dsn: str, network: NetworkSettings, redis: Redis) -> None:
    """Switch it on for this process."""
    global _teller  # noqa: PLW0603 - one per process, as its hooks are
    from appliance.core.sentry import Teller  # noqa: PLC0415 - only where it is on

    if _teller is None:
        sys.excepthook, threading.excepthook = _Ending(sys.excepthook), _ThreadEnding(threading.excepthook)
    _teller = Teller(process, dsn, network, redis)
    logging.getLogger().addHandler(_Libraries(logging.ERROR))


def tell(err: BaseException, about: Mapping[str, object], severity: Severity = "error") -> None:
    """Once for each error, whoever meets it on its way. Never raises, never waits. `about` are the fields of a log line."""
    if _teller is None:
        return
    try:
        if not hasattr(err, _MARK):
            with suppress(AttributeError, TypeError):  # a kind that takes no mark may be told twice
                setattr(err, _MARK, True)
            _teller.tell(err, about, severity)
    except Exception as second:  # noqa: BLE001 - an error may have code of its own, and go deeper than whoever reads it
        _teller.give_up(second)


class _Libraries(logging.Handler):
    """Servers and queues meet what our own edges do not, and log it."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            tell(record.exc_info[1], {})


class _Ending:
    def __init__(self, otherwise: object) -> None:
        self._otherwise = otherwise

    def __call__(self, kind: type[BaseException], err: BaseException, frames: TracebackType | None) -> None:
        if issubclass(kind, Exception):
            tell(err, {}, "fatal")
        self._otherwise(kind, err, frames)  # type: ignore[operator]


class _ThreadEnding:
    def __init__(self, otherwise: object) -> None:
        self._otherwise = otherwise

    def __call__(self, ending: threading.ExceptHookArgs) -> None:
        if isinstance(ending.exc_value, Exception):
            tell(ending.exc_value, {})
        self._otherwise(ending)  # type: ignore[operator]
