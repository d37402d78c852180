"""Is every part of the box well, in words, with what to do when one is not."""

import os
import shutil
from dataclasses import dataclass

from flask import render_template

from appliance import __version__
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Call
from appliance.core.web.health import run_checks
from webui.admin.pages import pages

NAMES = {
    "database": _("Database"),
    "queue": _("Queue"),
    "audit": _("Audit record"),
    "knowledge models": _("Models for answers"),
}
# What checks say. They are also read by programs, so they speak English; people get them in their language.
SAID = (
    _("answers"),
    _("every chain holds"),
    _("The record was changed outside the product. Keep a copy of it and investigate."),
    _("Is the disk full or the database server down? See `salesedge doctor`."),
    _("Work waits in the database until Redis is back; nothing is lost."),
)


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
    parts = [Part(_name(key), result.ok, _in_words(result.detail), _in_words(result.fix)) for key, result in checks]
    disk = shutil.disk_usage(call.box.settings.home)
    room = {"disk": Room(disk.used, disk.total), "memory": _memory()}
    return render_template("admin/health.html", parts=parts, version=__version__, **room)


def _name(key: str) -> str:
    return str(NAMES[key]) if key in NAMES else key.replace("_", " ").capitalize()


def _in_words(sentence: str) -> str:
    return gettext(sentence) if sentence else ""


def _memory() -> Room:
    page, total = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
    return Room((total - os.sysconf("SC_AVPHYS_PAGES")) * page, total * page)


