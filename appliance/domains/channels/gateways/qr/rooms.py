"""Where a child's file of keys lies in the clear while it runs: in memory, for its owner alone."""

import shutil
import sqlite3
from base64 import b64decode, b64encode
from contextlib import closing
from pathlib import Path
from uuid import UUID

from appliance.core import memory
from appliance.core.config import Settings
from appliance.domains.channels.gateways.qr import driver_store, driver_unheard

STORE = "store.db"


class Room:
    """One number's. A store that a killed supervisor left is newer than the sealed one, and goes before it."""

    def __init__(self, settings: Settings, channel_id: UUID) -> None:
        self.folder = memory.keys_folder(settings.home) / f"session-{channel_id.hex}"
        self.store = self.folder / STORE

    def open(self, sealed: str | None) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for left in self.folder.iterdir():
            if not left.name.startswith(STORE):
                left.unlink()
        if sealed is not None and not _is_whole(self.store):
            driver_store.restore(self.store, b64decode(sealed))

    def unheard(self) -> list[bytes]:
        """What a child told and nobody may have kept, while none runs."""
        return list(driver_unheard.left_behind(self.store))

    def snapshot(self) -> str | None:
        """As it is kept, sealed by whoever keeps it; None when there is nothing whole to keep."""
        if not _is_whole(self.store):
            return None
        return b64encode(driver_store.snapshot(self.store)).decode()

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _is_whole(store: Path) -> bool:
    """Whether it can be opened and holds tables."""
    if not store.exists():
        return False
    try:
        with closing(sqlite3.connect(store, timeout=5)) as file:
            return file.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return False
