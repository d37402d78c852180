"""Logs without personal data."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import structlog

from appliance.core import faults
from appliance.core.config import LogSettings
from appliance.core.errors import DomainError

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_takers: list[Callable[[Mapping[str, object]], None]] = []


def configure_logs(settings: LogSettings, process: str, *, stream: TextIO | None = None) -> None:
    """One stream, stderr unless told otherwise. Lines carry ids and kinds, never what people wrote."""
    out = stream or sys.stderr
    structlog.contextvars.bind_contextvars(process=process)
    is_json = settings.format == "json"
    renderer = structlog.processors.JSONRenderer() if is_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _fault_told,
            _passed_on,
            _frames_only,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[settings.level]),
        logger_factory=lambda *_named: _Written(stream or sys.stderr),  # whichever it is by then
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(_FramesOnly("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def pass_on_to(take: Callable[[Mapping[str, object]], None] | None) -> None:
    """Each line of our own, with the error itself that it is about: whoever takes it chooses what of it leaves."""
    _takers[:] = [] if take is None else [take]


class _Written:
    """Each line at once and without a lock: a fork would inherit one that a thread of its parent holds, and wait for ever."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        try:
            place = self._stream.fileno()
        except (OSError, ValueError):  # none of the system's
            print(line, file=self._stream, flush=True)
            return
        left = f"{line}\n".encode("utf-8", "backslashreplace")
        while left:
            left = left[os.write(place, left) :]

    debug = info = warning = error = critical = exception = msg


class _FramesOnly(logging.Formatter):
    """What libraries log keeps to the same rule."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name logging calls
        return _told(ei[1])


def _fault_told(_logger: object, method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    err = line.get("exc_info")
    if method == "error" and isinstance(err, BaseException):
        faults.tell(err, line)
    return line


def _passed_on(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for take in _takers:
        take(line)
    return line


def _frames_only(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Where it happened and what kind it was. The text of foreign errors may quote a row, an e-mail, a message: it stays out."""
    err = line.pop("exc_info", None)
    if isinstance(err, BaseException):
        line["exception"] = _told(err)
    return line


def _told(err: BaseException) -> str:
    said = f": {err}" if isinstance(err, DomainError) else ""
    frames = "".join(traceback.format_tb(err.__traceback__))
    return f"{frames}{type(err).__module__}.{type(err).__qualname__}{said}"
