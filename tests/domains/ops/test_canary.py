"""What people gave stands in no file that a backup, a drill or a restore makes, however short-lived."""

import io
import secrets
import tempfile
import threading
import time
from contextlib import suppress

import pytest

from appliance.core import files, memory
from appliance.core.ids import new_id
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.ops import actions
from tests.routes.canary import files_holding


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """Looks at every file under the test's folder again and again, for as long as it is asked to."""
    word, found, looks, stop = f"canario{secrets.token_hex(8)}", set(), [], threading.Event()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", memory.parts_folder())

    def look():
        while not stop.is_set():
            with suppress(FileNotFoundError):  # a folder went between being listed and being read
                found.update(files_holding(word, tmp_path))
            looks.append(None)

    looking = threading.Thread(target=look)
    looking.start()
    yield word, found, looks
    assert looking.is_alive()
    stop.set()
    looking.join()


def await_that(is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_no_file_of_a_backup_a_drill_or_a_restore_holds_a_word_of_anybody(box, filled, settings, new_box, tmp_path, seen):
    word, found, looks = seen
    stored = files.put(box, filled.ana.tenant_id, io.BytesIO(f"O código é {word}. ".encode() * 2_000), files.Origin.ARRIVED)
    with box.unit(filled.ana.tenant_id) as uow:
        contacts.create_contact(uow, ContactFields(name=word, email=f"{word}@example.com"))
        files.use(uow, new_id(), [stored.id])
    actions.back_up(box, "usb")
    assert actions.drill(box, "usb")["result"] == "passed"
    assert actions.restore(new_box, "usb").found.is_whole
    assert not found
    assert files_holding(word, tmp_path) == []
    assert len(looks) > 1
    (tmp_path / "shown").write_text(word)
    await_that(lambda: found)  # the look itself works, to the end
