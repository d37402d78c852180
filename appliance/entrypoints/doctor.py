"""What this machine has and lacks, each with its fix. Works when the box itself does not."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from babel.support import LazyProxy
from sqlalchemy.exc import SQLAlchemyError

from appliance.core import crypto
from appliance.core.config import Settings
from appliance.core.i18n import lazy_gettext as _

LEAST_FREE_BYTES = 2 * 2**30
LEAST_MEMORY_BYTES = 4 * 10**9
_TITLES = {
    "memory": _("Memory"), "data": _("Data folder"), "disk": _("Free space"), "key": _("Master key"), "ocr": _("Text in images"),
    "box": _("Database"),
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """`fix` becomes words when it is shown, in the language known by then."""

    name: str
    ok: bool
    detail: str
    fix: str | LazyProxy = ""

    @property
    def title(self) -> str:
        from appliance.core.web.health import name_of

        return str(_TITLES[self.name]) if self.name in _TITLES else name_of(self.name)


def examine(settings: Settings) -> list[Finding]:
    own = [check(settings) for check in _CHECKS]
    return [*own, *_inside(settings)] if all(finding.ok for finding in own if finding.name in {"key", "data"}) else own


def _python(settings: Settings) -> Finding:
    del settings
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", sys.version_info >= (3, 11), version, _("Install Python 3.11 or newer."))


def _data(settings: Settings) -> Finding:
    home = settings.home
    if not home.is_dir() or not os.access(home, os.W_OK):
        return Finding("data", ok=False, detail=str(home), fix=_("Run `salesedge up` once, or give this user the folder."))
    return Finding("data", ok=True, detail=str(home))


def _room(settings: Settings) -> Finding:
    place = settings.home if settings.home.exists() else settings.home.anchor
    free = shutil.disk_usage(place).free
    return Finding("disk", free > LEAST_FREE_BYTES, f"{free / 2**30:.1f} GiB", _("Free some space: at least 2 GiB."))


def _memory(settings: Settings) -> Finding:
    del settings
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    fix = _("The box needs 4 GB of memory, 8 with a chat model.")
    return Finding("memory", total > LEAST_MEMORY_BYTES, f"{total / 2**30:.1f} GiB", fix)


def _key(settings: Settings) -> Finding:
    try:
        crypto.read_master_key(settings.keys.master_key_file)
    except crypto.KeyUnreadable as err:
        return Finding("key", ok=False, detail=str(settings.keys.master_key_file), fix=str(err))
    return Finding("key", ok=True, detail=str(settings.keys.master_key_file))


def _ocr(settings: Settings) -> Finding:
    del settings
    found = shutil.which("tesseract")
    fix = _("Scanned pages cannot be read. Debian: apt install tesseract-ocr tesseract-ocr-por")
    return Finding("ocr", found is not None, found or "-", fix)


def _inside(settings: Settings) -> list[Finding]:
    from appliance.core.web.health import run_checks
    from appliance.entrypoints.boot import boot

    try:
        box = boot("doctor", settings)
        results = run_checks(box)
        box.close()
    except (crypto.KeyUnreadable, SQLAlchemyError) as err:
        fix = _("The data does not open with this key, or the database is down.")
        return [Finding("box", ok=False, detail=type(err).__name__, fix=fix)]
    return [Finding(name, result.ok, result.detail, result.fix) for name, result in results.items()]


_CHECKS: tuple[Callable[[Settings], Finding], ...] = (_python, _memory, _data, _room, _key, _ocr)
