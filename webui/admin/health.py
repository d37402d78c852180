"""Is every part of the box well, in words, with what to do when one is not."""

import os
import shutil
from dataclasses import dataclass

from flask import render_template

from appliance import __version__
from appliance.core.web import Call
from appliance.core.web.health import in_words, name_of, run_checks
from webui.admin.pages import pages


@dataclass(frozen=True)
class Part:
    name: str
    ok: bool
    detail: str
    fix: str


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
    parts = [Part(name_of(key), result.ok, in_words(result.detail), in_words(result.fix)) for key, result in checks]
    disk = shutil.disk_usage(call.box.settings.home)
    room = {"disk": Room(disk.used, disk.total), "memory": _memory()}
    return render_template("admin/health.html", parts=parts, version=__version__, **room)


def _memory() -> Room:
    page, total = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
    return Room((total - os.sysconf("SC_AVPHYS_PAGES")) * page, total * page)
