"""What restic stores although it could not read all of it."""

import os
from pathlib import Path

import pytest

from appliance.core import clock
from appliance.core.crypto import Keyring, read_master_key
from appliance.domains.ops.actions import targets
from appliance.domains.ops.errors import BackupFailed
from appliance.domains.ops.rules import sets
from appliance.domains.ops.types import DATABASE, UNREAD

pytestmark = pytest.mark.only_database("sqlite")


def test_a_file_that_cannot_be_read_makes_no_whole_backup(settings):
    repository = targets.open_target(settings, Keyring(read_master_key(settings.keys.master_key_file)), "usb")
    targets.make_sure(repository, has_backups=False)
    tags = ["set:1", "number:1"]
    repository.store_stream("database.sql", [f"part:{DATABASE}", *tags], clock.now(), lambda out: out.write(b"x") and None)
    with pytest.raises(BackupFailed):
        repository.store_folder(Path(f"/proc/{os.getpid()}"), ["limits", "mem"], tags, clock.now())  # the system refuses to read the second
    there = repository.snapshots()
    assert {one.part for one in there} == {DATABASE, UNREAD}
    assert sets.whole_sets(there) == []
    repository.store_folder(Path(f"/proc/{os.getpid()}"), ["limits"], tags, clock.now())
    assert [one.id for one in sets.whole_sets(repository.snapshots())] == ["1"]
