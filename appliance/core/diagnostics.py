"""One file for whoever helps: how the box is, without secrets and without anything of anybody.

Only what is known to be harmless goes in: of settings the numbers and choices, of log lines what our own code names, of dead letters who
could not do it.
"""

from __future__ import annotations

import io
import json
import os
import platform
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_origin

from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from appliance import __version__
from appliance.core import clock, deliveries, hardware
from appliance.core.dispatch import JOB_TIMEOUT_S
from appliance.core.machine import RECEIVERS, TITLES, Finding

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.config import Settings

LINES = 2000
PATIENCE_S = 20
MOST_DEAD = 500
LONGEST_COMPLAINT = 500
_FIGURES = frozenset(TITLES) - {"data", "key", "configuration", "port", "swap", "ocr", "ffmpeg", "certificate", "sentinels", *RECEIVERS}
_NAMED = frozenset({"level", "event", "process", "job", "subscriber", "error", "outcome", "purpose", "status", "ms", "queue", "name"})
_FIRST = ("timestamp", "level", "event")
_IDS = frozenset({"delivery", "request_id"})
_CONSOLE = re.compile(r"^(?P<timestamp>[\d:.TZ-]{10,32}) \[(?P<level>\w+)\s*\] (?P<event>\w+)\b(?P<rest>.*)")
_PAIR = re.compile(r"(\w+)=('[^']*'|\"[^\"]*\"|\S+)")
_WORD = re.compile(r"[A-Za-z][\w.]{0,60}|\d{1,6}(?:\.\d+)?")
_ID = re.compile(r"[0-9a-f]{32}")
_TIME = re.compile(r"[\d:.TZ-]{10,32}")
_FRAME = re.compile(r'^\s*File "(?P<path>[^"]+)", line (?P<line>\d+), in (?P<name>[\w<>]+)$')
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def bundle(settings: Settings, findings: Sequence[Finding], box: Box | None) -> bytes:
    """A ZIP. Without an open box what the machine tells."""
    parts: dict[str, Any] = {
        "about.json": _about(settings),
        "settings.json": shown(settings),
        "findings.json": [_finding(one) for one in findings],
        "logs.txt": "\n".join(_logs()) + "\n",
    }
    if box is not None:
        parts |= {"queues.json": _queues(box), "metrics.txt": _metrics(box)}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part if isinstance(part, str) else json.dumps(part, indent=2, default=str))
    return file.getvalue()


def shown(section: BaseModel) -> dict[str, Any]:
    """Numbers and choices as they are; of what somebody typed only whether it differs from what the box comes with."""
    return {name: _value(getattr(section, name), field.annotation) for name, field in type(section).model_fields.items()}


def _value(value: object, annotation: object) -> object:
    if isinstance(value, BaseModel):
        return shown(value)
    if value is None or isinstance(value, bool | int | float | Enum) or get_origin(annotation) is Literal:
        return value
    if isinstance(value, Mapping):
        return f"{len(value)} set"
    return "set" if value else "empty"


def harmless(lines: Iterable[str]) -> Iterator[str]:
    """Of each line what our own code names; free text is left out, and that is said."""
    left_out = 0
    for line in lines:
        kept = _harmless(_COLOUR.sub("", line.rstrip()))
        if kept:
            if left_out:
                yield f"[{left_out} lines left out]"
            left_out = 0
            yield kept
        else:
            left_out += 1
    if left_out:
        yield f"[{left_out} lines left out]"


def _harmless(line: str) -> str:
    if frame := _FRAME.match(line):
        return f"  {'/'.join(Path(frame['path']).parts[-3:])}:{frame['line']} {frame['name']}"
    if line.startswith("{"):
        try:
            told = json.loads(line)
        except ValueError:
            return ""
        return _of_pairs(told) if isinstance(told, dict) else ""
    if found := _CONSOLE.match(line):
        pairs = {name: value.strip("'\"") for name, value in _PAIR.findall(found["rest"])}
        return _of_pairs({**pairs, "timestamp": found["timestamp"], "level": found["level"], "event": found["event"]})
    return ""


def _of_pairs(told: Mapping[str, object]) -> str:
    kept = {
        name: value
        for name, value in ((name, str(value)) for name, value in told.items())
        if (name in _NAMED and _WORD.fullmatch(value))
        or (name in _IDS and _ID.fullmatch(value))
        or (name == "timestamp" and _TIME.fullmatch(value))
    }
    frames = [_harmless(line) for line in str(told.get("exception", "")).splitlines() if _FRAME.match(line)]
    in_order = [*(name for name in _FIRST if name in kept), *sorted(set(kept).difference(_FIRST))]
    said = " ".join(f"{name}={kept[name]}" for name in in_order)
    return "\n".join([said, *frames]) if kept else ""


def _logs() -> Iterator[str]:
    """From the journal, or why there is none. A box in the foreground writes to its terminal, and keeps nothing."""
    program = shutil.which("journalctl")
    if program is None:
        yield "[no journal: journalctl is not installed]"
        return
    command = [program, "--no-pager", "--quiet", "--output=cat", f"--lines={LINES}", "--unit=salesedge-*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as err:
        yield f"[no journal: {type(err).__name__}]"
        return
    yield from harmless(done.stdout.splitlines())
    if not done.stdout:
        complaint = done.stderr.strip().replace("\n", " ")[:LONGEST_COMPLAINT]
        yield f"[no journal: {complaint or f'journalctl found no line, and ended with {done.returncode}'}]"


def _about(settings: Settings) -> dict[str, Any]:
    disk = shutil.disk_usage(settings.home if settings.home.exists() else "/")
    system = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    return {
        "release": __version__, "made_at": clock.now(), "python": platform.python_version(), "kernel": platform.release(),
        "system": system.get("PRETTY_NAME", ""), "machine": platform.machine(), "cores": os.cpu_count(), "processor": hardware.processor(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "graphics": [vars(card) for card in hardware.cards()],
        "disk": {"total": disk.total, "free": disk.free},
        "packages": sorted(f"{one.name}=={one.version}" for one in metadata.distributions()),
    }  # fmt: skip


def _finding(one: Finding) -> dict[str, Any]:
    """Paths, addresses and names of files stay here."""
    told = {"name": one.name, "ok": one.ok, "needed": one.needed}
    return told | {"detail": one.detail} if one.name in _FIGURES else told


def _queues(box: Box) -> dict[str, Any]:
    try:
        with box.whole_box("diagnostics", read_only=True) as uow:
            dead = Counter(delivery.subscriber for delivery, _event in deliveries.list_dead(uow, limit=MOST_DEAD))
            counts, lags = deliveries.count_open(uow), deliveries.lags(uow)
    except SQLAlchemyError as err:
        return {"error": type(err).__name__}
    backlog = {queue: box.dispatcher.backlog(queue) for queue in JOB_TIMEOUT_S}
    return {"deliveries": counts, "lag_seconds": lags, "waiting_in_redis": backlog, "dead_letters": dict(dead)}


def _metrics(box: Box) -> str:
    from appliance.core.web.health import figures  # noqa: PLC0415 - that module needs a good part of the web

    return figures(box).decode()
