"""A box whose files lie in a bucket is backed up, tried out and restored like any other; either kind is made of the other's backup."""

import io

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from appliance.core import files
from appliance.core.buckets import BucketStore, store_of
from appliance.core.config import Settings
from appliance.core.errors import Refused, Unavailable
from appliance.core.ids import new_id
from appliance.core.stores import MARK
from appliance.domains.ops import actions
from appliance.domains.ops.errors import NotEmpty
from tests.domains.ops.conftest import fingerprints, in_a_bucket, move_to

CONTENT = b"fatura " * 20_000


def stored(box, tenant_id, content=CONTENT):
    ref = files.put(box, tenant_id, io.BytesIO(content), files.Origin.ARRIVED)
    with box.unit(tenant_id) as uow:
        files.use(uow, new_id(), [ref.id])
    return ref.id


def all_of(settings):
    """What lies in the bucket of these settings, by name."""
    store = store_of(settings)
    found = {}
    for lying in store.lying():
        with store.open(lying.name) as file:
            found[lying.name] = file.read()
    return found


def test_from_a_folder_to_a_bucket_and_back(box, filled, settings, new_box, server):
    """The same files, byte for byte: copied to a bucket, backed up from it, restored to a folder and to another bucket."""
    folder = {path.relative_to(settings.home / "blobs").as_posix(): path.read_bytes() for path in (settings.home / "blobs").glob("*/*/*")}
    assert folder
    far = in_a_bucket(settings, server)
    assert store_of(far).take_in() == len(folder)
    move_to(box, far)
    later = stored(box, filled.ana.tenant_id)
    taken = actions.back_up(box, "usb")
    assert (taken.contents.files, taken.contents.missing) == (len(folder) + 1, 0)
    assert actions.drill(box, "usb")["result"] == "passed"

    assert actions.restore(new_box, "usb").found.is_whole
    there = {path.relative_to(new_box.home / "blobs").as_posix(): path.read_bytes() for path in (new_box.home / "blobs").glob("*/*/*")}
    assert {name: there[name] for name in folder} == folder
    assert there == all_of(far)
    assert any(name.endswith(later.hex) for name in there)


def test_a_bucket_is_made_of_a_backup_and_what_it_held_lies_aside(box, filled, settings, new_box, server):
    far = in_a_bucket(settings, server)
    store_of(far).take_in()
    move_to(box, far)
    actions.back_up(box, "usb")
    before = all_of(far)
    new = in_a_bucket(new_box, server)
    assert actions.restore(new, "usb").found.is_whole
    assert all_of(new) == before

    with pytest.raises(NotEmpty):
        actions.restore(far, "usb")
    extra = stored(box, filled.ana.tenant_id, b"after the backup")
    assert len(all_of(far)) == len(before) + 1
    box.database.close()
    done = actions.restore(far, "usb", replace=True)
    assert all_of(far) == before
    assert [path for path in (settings.home / done.aside / "blobs").glob("*/*/*") if path.name == extra.hex]
    fetched = []
    store = store_of(far)
    store._fetch = lambda name, file: fetched.append(name)
    store.gather()
    assert fetched == [], "what was restored is the copy already"


@pytest.mark.parametrize("killed_in", ["mark", "replace_by", "keep_only"])
def test_a_restore_that_was_killed_is_run_again(box, filled, settings, server, monkeypatch, killed_in):
    far = in_a_bucket(settings, server)
    store_of(far).take_in()
    move_to(box, far)
    actions.back_up(box, "usb")
    before = all_of(far)
    extra = stored(box, filled.ana.tenant_id, b"after the backup")
    box.database.close()

    def dies(*_told):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(BucketStore, killed_in, dies)
        with pytest.raises(KeyboardInterrupt):
            actions.restore(far, "usb", replace=True)
    found = actions.restore(far, "usb", replace=True).found
    assert (found.is_whole, all_of(far)) == (True, before)
    assert [path.name for path in settings.home.glob("before-restore-*/blobs/*/*/*") if path.name == extra.hex]


def test_files_that_lie_only_in_the_folder_stop_a_restore_before_anything_is_changed(box, filled, settings, server):
    actions.back_up(box, "usb")
    far = in_a_bucket(settings, server)
    store_of(far).write(f"{'a' * 32}/bb/{'c' * 32}", lambda file: file.write(b"of a box that was here before"))
    rows = fingerprints(settings)
    box.database.close()
    with pytest.raises(Refused, match="files copy --to bucket"):
        actions.restore(far, "usb", replace=True)
    assert fingerprints(settings) == rows


def test_a_store_that_is_away_fails_the_backup_and_loses_nothing(box, filled, settings, server):
    far = in_a_bucket(settings, server)
    store_of(far).take_in()
    move_to(box, far)
    actions.back_up(box, "usb")
    copied = sorted((settings.home / "blobs").glob("*/*/*"))
    away = far.model_copy(update={"files": far.files.model_copy(update={"bucket": new_id().hex})})
    move_to(box, away)
    with pytest.raises(Refused, match="may not be in the bucket"):
        actions.back_up(box, "usb")
    (settings.home / "blobs" / MARK).write_text(away.files.endpoint + f" {away.files.bucket} ")
    with pytest.raises(Unavailable, match="no bucket"):
        actions.back_up(box, "usb")
    assert sorted((settings.home / "blobs").glob("*/*/*")) == copied


def test_the_command_copies_both_ways(settings, filled, server, monkeypatch):
    from appliance.entrypoints.cli import cli

    names = sorted(path.name for path in (settings.home / "blobs").glob("*/*/*"))
    far = in_a_bucket(settings, server)
    given = iter([settings, far, far, far])
    monkeypatch.setattr("appliance.entrypoints.cli_files.read_settings", lambda: next(given))

    def said(*words):
        done = CliRunner().invoke(cli, ["files", "copy", *words], env={"LC_ALL": "C.UTF-8"})
        return done.exit_code, done.stdout.strip(), done.stderr

    code, _nothing, sentence = said("--to", "bucket")
    assert (code, "[files]" in sentence) == (1, True)
    assert said("--to", "bucket", "--json")[:2] == (0, '{"to": "bucket", "files": 1}')
    assert (settings.home / "blobs" / MARK).is_file()
    for path in (settings.home / "blobs").glob("*/*/*"):
        path.unlink()
    code, sentence, _lines = said("--to", "folder")
    assert (code, sentence.startswith(f"In {settings.home / 'blobs'} now: 1.")) == (0, True)
    assert sorted(path.name for path in (settings.home / "blobs").glob("*/*/*")) == names
    assert said("--to", "elsewhere")[0] == 2


def test_settings_that_cannot_be_are_refused_in_a_sentence(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")

    def why(**changed):
        told = {"endpoint": "https://s3.example", "bucket": "box", "credentials_file": keys}
        with pytest.raises(ValidationError) as refused:
            Settings(files={name: value for name, value in (told | changed).items() if value is not None})
        return refused.value.errors()[0]["msg"]

    empty = tmp_path / "empty"
    empty.write_text("")
    assert "is not the address of a store" in why(endpoint="s3.example")
    assert "secret" not in why(endpoint="ftp://key:secret@s3.example")
    assert "needs files.bucket and files.credentials_file" in why(bucket=None)
    assert "needs files.bucket and files.credentials_file" in why(credentials_file=None)
    assert "needs files.endpoint" in why(endpoint=None)
    assert "holds no keys" in why(credentials_file=empty)
    assert "no certificate" in why(ca_file=empty)
    assert "cannot be read" in why(credentials_file=tmp_path / "gone")
    assert "no certificate" in why(ca_file=tmp_path / "gone")
