"""`salesedge logs`: what the processes of an installed box wrote, from systemd's journal."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import click

from appliance.core.i18n import gettext as _
from appliance.core.i18n import lazy_gettext
from appliance.entrypoints.terminal import NAMED, Command, Failed, json_option, option

PROCESSES = ("models", "redis", "relay", "scheduler", "sessions", "web", "worker", "worker-slow", "worker-speech")


@click.command(cls=Command, help=lazy_gettext("What the processes of an installed box wrote, from systemd's journal."))
@option("--process", type=click.Choice(PROCESSES), default=None, metavar=NAMED, help=lazy_gettext("Of this process only."))
@option("--lines", default=200, show_default=True, type=click.IntRange(1, 100_000), metavar="N", help=lazy_gettext("How many, the newest."))
@option("--since", default=None, metavar=lazy_gettext("TIME"), help=lazy_gettext("Not before: “2026-11-23 08:00”, “1 hour ago”."))
@option("--follow", is_flag=True, help=lazy_gettext("Go on with what is written from now on."))
@json_option
def logs(process: str | None, lines: int, since: str | None, *, follow: bool, as_json: bool) -> NoReturn:
    from appliance.core import updates

    program = shutil.which("journalctl")
    if program is None or not updates.releases().is_installed:
        raise Failed(_("This box has no journal: one that runs in the foreground writes to the terminal it was started in."))
    wanted = [f"--unit=salesedge-{process}{end}.service" for end in ("", "@*")] if process else ["--unit=salesedge-*"]
    how = ["--no-pager", f"--lines={lines}", f"--output={'json' if as_json else 'short-iso'}"]
    more = [f"--since={since}"] * (since is not None) + ["--follow"] * follow
    os.execv(program, [program, *wanted, *how, *more])  # noqa: S606 - no shell, and the box has nothing to add
