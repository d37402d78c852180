"""What was erased does not come back with a backup from before."""

import pytest
from sqlalchemy import delete, select

from appliance.core import crypto, db, files
from appliance.core.tenancy import TenantKey, topic
from appliance.domains.contacts.tables import Contact
from appliance.domains.identity import actions as identity
from appliance.domains.identity.tables import LoginSession, Membership, Tenant, User
from appliance.domains.ops import actions
from appliance.domains.ops.actions import chains
from appliance.domains.ops.errors import BackupFailed


def held(settings, column):
    keys = crypto.Keyring(crypto.read_master_key(settings.keys.master_key_file))
    database = db.connect(settings, keys.database_key, url=settings.database.owner_url if settings.database.url else "")
    try:
        with database.read_only.connect() as connection:
            return set(connection.scalars(select(column)))
    finally:
        database.close()


def test_nothing_of_an_organisation_whose_key_was_destroyed_is_restored(box, filled, settings, new_box):
    gone, stays = filled.bruno.tenant_id, filled.carla.tenant_id
    (settings.home / "indexes").mkdir(exist_ok=True)
    for tenant_id in (gone, stays):
        (settings.home / "indexes" / f"{topic(tenant_id, 'knowledge')}.snap").write_bytes(b"sealed")
    first = actions.back_up(box, "usb")
    with box.whole_box("test") as uow:
        uow.session.execute(delete(TenantKey).where(TenantKey.tenant_id == gone))
    actions.back_up(box, "usb")
    restored = actions.restore(new_box, "usb", set_id=first.set_id)
    assert restored.found.is_whole
    assert restored.found.erased == 1
    assert restored.found.erased_rows == sum(first.contents.rows.values()) - sum(restored.found.rows.values()) > 0
    assert held(new_box, Tenant.id) == held(new_box, Membership.tenant_id) == {stays}
    assert held(new_box, User.email) == {filled.carla.email, filled.ana.email}  # Ana is the box's operator
    assert gone not in held(new_box, LoginSession.tenant_id)
    assert held(new_box, Contact.tenant_id) <= {stays}
    assert held(new_box, files.StoredFile.id) == set()
    assert not (new_box.home / "blobs" / gone.hex).exists()
    assert [path.name for path in (new_box.home / "indexes").iterdir()] == [f"{topic(stays, 'knowledge')}.snap"]


def test_a_drill_does_not_call_an_erasure_a_fault(box, filled, settings):
    actions.back_up(box, "usb")
    with box.whole_box("test") as uow:
        uow.session.execute(delete(TenantKey).where(TenantKey.tenant_id == filled.ana.tenant_id))
    actions.back_up(box, "usb")
    receipt = actions.drill(box, "usb")
    assert (receipt["result"], receipt["erased_organisations"]) == ("passed", 1)
    assert receipt["erased_rows"] > 0


@pytest.mark.only_database("sqlite")
def test_one_that_came_and_went_between_two_steps_is_not_forgotten(box, filled):
    before = chains.keys_of(box)
    chain = chains.Chain("a", "", "", "", before.tenants, before.destroyed)
    with box.whole_box("test") as uow:
        made = identity.create_tenant(uow, name="Passageira").id
    assert not chain.holds_more_than(chains.keys_of(box))
    identity.erase_tenant(box, made, namespaces=[])
    after = chains.keys_of(box)
    assert after.tenants == before.tenants
    assert chain.holds_more_than(after)


@pytest.mark.only_database("postgresql")
def test_a_backup_that_does_not_hold_replaces_nothing(box, filled, settings):
    (stored,) = (settings.home / "blobs" / filled.ana.tenant_id.hex).glob("*/*")
    content = stored.read_bytes()
    stored.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    actions.back_up(box, "usb")
    with box.whole_box("test") as uow:
        uow.session.get(User, filled.bruno.user_id).name = "Bruno since the backup"
    with pytest.raises(BackupFailed, match="left alone"):
        actions.restore(settings, "usb", replace=True)
    assert "Bruno since the backup" in held(settings, User.name)
    assert not (settings.home / "restore-part").exists()
    assert not list(settings.home.glob("before-restore-*"))
