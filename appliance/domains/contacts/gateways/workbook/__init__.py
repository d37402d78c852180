"""Excel files, read by a confined child into the CSV that every import is."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import appliance
from appliance.core.errors import Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.contacts.errors import InvalidField
from appliance.domains.contacts.gateways.workbook.limits import AT_ONCE, DAMAGED, PATIENCE_S, TOO_LARGE, TURN_S

SOURCE_ROOT = Path(appliance.__file__).parents[1]
_CHILD = (sys.executable, "-m", f"{__name__}.child")
_room = threading.BoundedSemaphore(AT_ONCE)
_SENTENCES = {
    DAMAGED: _("This Excel file cannot be opened. Take its password off, or save it as .xlsx or CSV, and send it again."),
    TOO_LARGE: _("This Excel file is larger than can be read. Save it as CSV and send it again."),
}


@dataclass(frozen=True)
class Workbook:
    """The first sheet with anything in it as CSV in UTF-8, row for line. `rows` is what the file says of itself, 0 when it does not."""

    text: bytes
    rows: int


def read_workbook(content: bytes, *, rows: int = 0) -> Workbook:
    """With `rows`, no more than those. Raises InvalidField for the file, Unavailable while others are read."""
    with _turn(), closing(_in_memory(content)) as asked, closing(_in_memory(b"")) as told:
        try:
            child = subprocess.run(  # noqa: S603 - our own interpreter, our own module
                [*_CHILD, str(rows)], stdin=asked, stdout=told, stderr=subprocess.DEVNULL, timeout=PATIENCE_S, check=False, cwd="/",
                env={"PYTHONPATH": str(SOURCE_ROOT), "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"},
            )  # fmt: skip
        except subprocess.TimeoutExpired as err:
            raise InvalidField("file", _SENTENCES[TOO_LARGE]) from err
        if child.returncode:
            raise InvalidField("file", _SENTENCES[DAMAGED if child.returncode == DAMAGED else TOO_LARGE])
        told.seek(0)
        return Workbook(rows=int(told.readline()), text=told.read())


@contextmanager
def _turn() -> Iterator[None]:
    """A small file may unfold to all that one reader may take: so many readers at once would take the box."""
    if not _room.acquire(timeout=TURN_S):
        raise Unavailable(_("The box is taking in as many files as it has room for. Try again in a moment."))
    try:
        yield
    finally:
        _room.release()


def _in_memory(content: bytes) -> IO[bytes]:
    """What people sent does not lie on the disk unsealed."""
    file = os.fdopen(os.memfd_create("workbook"), "w+b")
    file.write(content)
    file.flush()
    file.seek(0)
    return file
