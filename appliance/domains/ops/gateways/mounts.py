"""Whether a disk or a share is there: asked by a program of its own, since a share whose server is away may hold whoever looks at it."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.core.i18n import lazy_gettext as _
from appliance.domains.ops.errors import BackupFailed, NotMounted, TookTooLong
from appliance.domains.ops.gateways.processes import running

ANSWERS_WITHIN_S = 30.0
_NOBODY_THERE = ("Input/output error", "Stale file handle", "Host is down", "Connection timed out", "Transport endpoint is not connected")


def check_mounted(folder: Path, *, timeout_s: float) -> None:
    """Raises NotMounted, BackupFailed."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    # their devices, not `mountpoint`: systemd mounts what a unit may write on itself
    command = ["stat", "--dereference", "--format=%d", str(folder), str(folder / "..")]
    try:
        with running(command, environment, timeout_s=min(timeout_s, ANSWERS_WITHIN_S)) as run:
            pass
    except TookTooLong as err:
        raise _unanswered(folder) from err
    if any(words in run.complaint for words in _NOBODY_THERE):
        raise _unanswered(folder)
    if len({*run.said.split()}) < 2:  # noqa: PLR2004 - the folder's and the one's above it
        raise NotMounted(folder)


def _unanswered(folder: Path) -> BackupFailed:
    return BackupFailed(_("%(path)s does not answer. Is the server of the share there? The box tries again by itself.", path=folder))
