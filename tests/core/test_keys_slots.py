"""What opens a box: slots come and go, the root stays, and at every moment something opens it."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from appliance.core import crypto, envelope, key_slots
from appliance.core.config import KeySettings, Settings
from appliance.core.errors import Conflict, NotFound, Refused

PASSPHRASE = "quatro cavalos em fila"
OTHER = "uma tarde de chuva fina"
SAYS_ROOT = """
from appliance.core import envelope
from appliance.core.config import load_settings
print(envelope.open_root(load_settings()).hex())
"""


@pytest.fixture
def settings(tmp_path):
    """A machine of its own, with a passphrase file that nobody has written yet."""
    keys = KeySettings(master_key_file=tmp_path / "etc" / "master.key", passphrase_file=tmp_path / "passphrase")
    return Settings(home=tmp_path / "home", keys=keys)


@pytest.fixture
def root(settings):
    crypto.create_master_key(settings.keys.master_key_file)
    key_slots.rotate_key_file(settings)
    return envelope.open_root(settings)


@pytest.fixture
def old_root(settings):
    """Of a box made before there were slots."""
    return crypto.create_master_key(settings.keys.master_key_file)


def test_key_file_is_not_the_root_once_it_was_rotated(settings, root):
    assert settings.keys.master_key_file.read_bytes() != root
    assert settings.keys.master_key_file.stat().st_mode & 0o777 == 0o600
    assert (settings.home / "keys.json").stat().st_mode & 0o777 == 0o600
    assert root.hex() not in (settings.home / "keys.json").read_text()


def test_box_from_before_slots_opens_untouched(settings, old_root):
    assert envelope.open_root(settings) == old_root
    assert not (settings.home / "keys.json").exists()
    assert key_slots.standing(settings).holds_root


def test_box_from_before_slots_gets_a_key_that_can_be_changed(settings, old_root):
    key_slots.rotate_key_file(settings)
    assert settings.keys.master_key_file.read_bytes() != old_root
    assert envelope.open_root(settings) == old_root
    assert not key_slots.standing(settings).holds_root
    assert [slot.name for slot in key_slots.standing(settings).slots] == [key_slots.KEY_FILE]


def test_rotated_key_opens_and_the_one_before_does_not(settings, root):
    before = settings.keys.master_key_file.read_bytes()
    key_slots.rotate_key_file(settings)
    assert envelope.open_root(settings) == root
    settings.keys.master_key_file.write_bytes(before)
    with pytest.raises(crypto.KeyUnreadable, match=r"opens none of this box's slots.*emergency copy"):
        envelope.open_root(settings)


def test_passphrase_opens_without_the_key_file(settings, root):
    key_slots.add_passphrase(settings, "words", PASSPHRASE.encode())
    settings.keys.master_key_file.unlink()
    settings.keys.passphrase_file.write_text(f"{OTHER}\n")
    with pytest.raises(crypto.KeyUnreadable, match="passphrase"):
        envelope.open_root(settings)
    settings.keys.passphrase_file.write_text(f"{PASSPHRASE}\n")
    assert envelope.open_root(settings) == root


def test_changed_passphrase_is_the_only_one_that_opens(settings, root):
    key_slots.add_passphrase(settings, "words", PASSPHRASE.encode())
    key_slots.rotate_passphrase(settings, "words", OTHER.encode())
    kept = envelope.load(settings)
    assert kept.open(PASSPHRASE.encode(), "passphrase") is None
    assert kept.open(OTHER.encode(), "passphrase")[0] == root


def test_passphrase_is_asked_for_at_a_terminal(settings, root):
    key_slots.add_passphrase(settings, "words", PASSPHRASE.encode())
    settings.keys.master_key_file.unlink()
    asking, terminal = pty.openpty()
    own = os.environ | {"SALESEDGE_HOME": str(settings.home), "SALESEDGE__KEYS__MASTER_KEY_FILE": str(settings.keys.master_key_file)}
    process = subprocess.Popen(
        [sys.executable, "-c", SAYS_ROOT], stdin=terminal, stdout=subprocess.PIPE, stderr=terminal, env=own, start_new_session=True
    )
    os.close(terminal)
    shown = b""
    while b": " not in shown:
        shown += os.read(asking, 1000)
    os.write(asking, f"{PASSPHRASE}\n".encode())
    assert process.communicate(timeout=300)[0].decode().strip() == root.hex()
    os.close(asking)


def test_credential_of_systemd_opens_before_the_key_file(settings, root, tmp_path, monkeypatch):
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    settings.keys.master_key_file.rename(credentials / envelope.KEY_CREDENTIAL)
    (credentials / envelope.KEY_CREDENTIAL).chmod(0o440)  # as systemd lays it: readable by the unit through an ACL
    with pytest.raises(crypto.KeyUnreadable, match="does not exist"):
        envelope.open_root(settings)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert envelope.open_root(settings) == root
    assert key_slots.standing(settings).source == str(credentials / envelope.KEY_CREDENTIAL)


def test_passphrase_comes_as_a_credential_too(settings, root, tmp_path, monkeypatch):
    key_slots.add_passphrase(settings, "words", PASSPHRASE.encode())
    settings.keys.master_key_file.unlink()
    (tmp_path / envelope.PASSPHRASE_CREDENTIAL).write_text(PASSPHRASE)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert envelope.open_root(settings) == root


def test_credential_that_is_not_there_leaves_the_box_to_what_is(settings, root, tmp_path, monkeypatch):
    """A unit names both, and systemd gives an empty line for the one whose file is missing."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for name in (envelope.KEY_CREDENTIAL, envelope.PASSPHRASE_CREDENTIAL):
        (credentials / name).write_text("\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert key_slots.standing(settings).source == str(settings.keys.master_key_file)
    key_slots.add_passphrase(settings, "words", PASSPHRASE.encode())
    settings.keys.master_key_file.unlink()
    assert not key_slots.has_key(settings)
    (credentials / envelope.PASSPHRASE_CREDENTIAL).write_text(f"{PASSPHRASE}\n")
    assert envelope.open_root(settings) == root


def test_last_slot_stays(settings, root):
    with pytest.raises(Conflict, match="last slot"):
        key_slots.remove(settings, key_slots.KEY_FILE)
    assert envelope.open_root(settings) == root


def test_slot_stays_when_no_other_opens_here(settings, root, tmp_path):
    key_slots.add_key_file(settings, "safe", tmp_path / "safe.key")
    with pytest.raises(Conflict, match="opens this box here and now"):
        key_slots.remove(settings, key_slots.KEY_FILE)
    settings.keys.master_key_file.write_bytes((tmp_path / "safe.key").read_bytes())
    key_slots.remove(settings, key_slots.KEY_FILE)
    assert envelope.open_root(settings) == root
    assert [slot.name for slot in key_slots.standing(settings).slots] == ["safe"]


def test_root_in_the_key_file_does_not_count_as_another_slot(settings, old_root):
    key_slots.add_passphrase(settings, "words", PASSPHRASE.encode())
    with pytest.raises(Conflict, match="here and now"):
        key_slots.remove(settings, key_slots.KEY_FILE)
    settings.keys.passphrase_file.write_text(PASSPHRASE)
    key_slots.remove(settings, key_slots.KEY_FILE)
    settings.keys.master_key_file.unlink()
    assert envelope.open_root(settings) == old_root


def test_what_makes_no_sense_is_refused_with_a_sentence(settings, root, tmp_path):
    with pytest.raises(NotFound, match="no slot nowhere"):
        key_slots.remove(settings, "nowhere")
    with pytest.raises(Conflict, match="already"):
        key_slots.add_key_file(settings, key_slots.KEY_FILE, tmp_path / "new.key")
    with pytest.raises(Refused, match="14 characters"):
        key_slots.add_passphrase(settings, "words", b"short")
    (tmp_path / "there").write_text("mine")
    with pytest.raises(Conflict, match="exists already"):
        key_slots.add_key_file(settings, "safe", tmp_path / "there")
    assert (tmp_path / "there").read_text() == "mine"
    with pytest.raises(Refused, match="key file, not a passphrase"):
        key_slots.rotate_passphrase(settings, key_slots.KEY_FILE, PASSPHRASE.encode())


def test_damaged_envelope_says_what_to_do(settings, root):
    (settings.home / "keys.json").write_text("{")
    with pytest.raises(crypto.KeyUnreadable, match="emergency kit"):
        envelope.open_root(settings)


ROTATES = """
from appliance.core import key_slots
from appliance.core.config import load_settings
print("begun", flush=True)
while True:
    key_slots.rotate_key_file(load_settings())
"""


def test_box_opens_whenever_a_rotation_is_killed(settings, root):
    own = os.environ | {"SALESEDGE_HOME": str(settings.home), "SALESEDGE__KEYS__MASTER_KEY_FILE": str(settings.keys.master_key_file)}
    for turn in range(8):
        process = subprocess.Popen([sys.executable, "-c", ROTATES], stdout=subprocess.PIPE, env=own)
        assert process.stdout.readline() == b"begun\n"
        time.sleep(0.003 * turn)  # another moment of the work each time
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert envelope.open_root(settings) == root
    key_slots.rotate_key_file(settings)
    assert [slot.name for slot in key_slots.standing(settings).slots] == [key_slots.KEY_FILE]
