"""A backup, and a new box made of it."""

import io
import os

import pytest
from sqlalchemy import make_url, select

from appliance.core import files
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.knowledge.tables import Corpus
from appliance.domains.ops import actions
from appliance.domains.ops.actions import contents, rebuilding
from appliance.domains.ops.errors import NotEmpty
from appliance.domains.ops.gateways import postgresql
from tests.domains.ops.conftest import fingerprints


def test_new_box_has_the_same_rows_and_files(box, filled, settings, new_box):
    before = fingerprints(settings)
    stray = settings.home / "blobs" / filled.ana.tenant_id.hex / "ff" / f"{'0' * 30}ff"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"came after the copy of the database")
    actions.back_up(box, "usb")
    restored = actions.restore(new_box, "usb")
    assert restored.found.is_whole
    assert restored.found.opened_values > 3
    assert restored.found.opened_files == 1
    assert restored.removed == 1
    assert fingerprints(new_box) == before


def test_a_restored_box_trusts_no_index_of_vectors(box, filled, new_box):
    with box.unit(filled.ana.tenant_id) as uow:
        uow.session.add(Corpus(dense_weights={}))
    actions.back_up(box, "usb")
    actions.restore(new_box, "usb")
    is_embedded = make_url(new_box.database_url).get_backend_name() == "sqlite"
    where = new_box.home if is_embedded else postgresql.owner_url(new_box)
    with rebuilding.opened(new_box, box.keys, where) as engine, engine.begin() as connection:
        contents.see_all(connection)
        assert connection.scalars(select(Corpus.vectors_in)).all() == ["?"]


@pytest.mark.only_database("sqlite")
def test_second_backup_adds_little_and_the_older_one_restores(box, filled, settings, new_box):
    files.put(box, filled.ana.tenant_id, io.BytesIO(os.urandom(2**22)), files.Origin.ARRIVED)
    first = actions.back_up(box, "usb")
    before = fingerprints(settings)
    with box.unit(filled.ana.tenant_id) as uow:
        contacts.upsert_contact(uow, [Identity(IdentityKind.EMAIL, "novo@solara.example")])
    second = actions.back_up(box, "usb")
    assert second.added < first.added / 4
    actions.restore(new_box, "usb", set_id=first.set_id)
    assert fingerprints(new_box) == before


@pytest.mark.only_database("sqlite")
def test_file_deleted_while_a_backup_runs_stays_until_it_ends(box, filled):
    ref = files.put(box, filled.ana.tenant_id, io.BytesIO(b"contrato"), files.Origin.ARRIVED)
    with box.blobs.kept():  # as a backup does, from before its copy of the database
        files.give_up(box, filled.ana.tenant_id, ref.id)
        files.sweep(box)
        assert box.blobs.has(filled.ana.tenant_id, ref.id)
    files.sweep(box)
    assert not box.blobs.has(filled.ana.tenant_id, ref.id)


@pytest.mark.only_database("sqlite")
def test_restore_refuses_a_box_with_data_and_moves_it_aside_when_told(box, filled, settings):
    actions.back_up(box, "usb")
    before = fingerprints(settings)
    with pytest.raises(NotEmpty):
        actions.restore(settings, "usb")
    assert fingerprints(settings) == before
    box.database.close()
    restored = actions.restore(settings, "usb", replace=True)
    assert restored.aside.startswith(str(settings.home / "before-restore-"))
    assert fingerprints(settings) == before
