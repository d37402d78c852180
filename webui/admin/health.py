"""Is every part of the box well, in words, with what to do when one is not."""

import os
import shutil
from dataclasses import dataclass

from flask import Response, render_template

from appliance import __version__
from appliance.core import clock, diagnostics, machine
from appliance.core.web import Call
from appliance.core.web.health import in_words, name_of, run_checks
from webui.admin.pages import pages

DIAGNOSE = "diagnostics:read"


@dataclass(frozen=True)
class Part:
    """Without what is not `needed` the box runs, with less."""

    name: str
    ok: bool
    detail: str
    fix: str
    needed: bool = True


@dataclass(frozen=True)
class Room:
    used: int
    total: int

    @property
    def percent(self) -> int:
        return round(100 * self.used / self.total)


@pages.get("/admin/health", permission="health:read", unit=False)
def health(call: Call) -> str:
    checks = run_checks(call.box).items()
    mends = call.who.can(DIAGNOSE)  # what to do names machines, and is for whoever runs the box
    parts = [Part(name_of(key), one.ok, in_words(one.detail), in_words(one.fix) if mends else "", one.needed) for key, one in checks]
    parts.sort(key=lambda part: (part.ok, not part.needed))  # what a person has to look at stands first
    disk = shutil.disk_usage(call.box.settings.home)
    room = {"disk": Room(disk.used, disk.total), "memory": _memory()}
    under = _machine(call) if mends else []
    return render_template("admin/health.html", parts=parts, machine=under, version=__version__, **room)


@pages.get("/admin/health/diagnostics", permission=DIAGNOSE, unit=False)
def download_diagnostics(call: Call) -> Response:
    """What `salesedge diagnostics` writes, as far as the process of the pages sees it."""
    checks = [machine.Finding(name, found.ok, found.detail, found.fix, found.needed) for name, found in run_checks(call.box).items()]
    made = diagnostics.bundle(call.box.settings, [*machine.look(call.box.settings), *checks], call.box)
    answer = Response(made, mimetype="application/zip", headers={"Cache-Control": "no-store"})
    answer.headers.set("Content-Disposition", "attachment", filename=f"salesedge-diagnostics-{clock.now():%Y%m%d-%H%M}.zip")
    return answer


def _machine(call: Call) -> list[Part]:
    return [Part(one.title, one.ok, one.detail, str(one.fix), one.needed) for one in machine.look(call.box.settings)]


def _memory() -> Room:
    page, total = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
    return Room((total - os.sysconf("SC_AVPHYS_PAGES")) * page, total * page)
