"""An organisation that is erased: neither its rows nor its files nor its indexes open any more, nor copies of them made before."""

import io
import shutil
import time
from datetime import timedelta

import pytest
from sqlalchemy import LargeBinary, func, select, type_coerce

from appliance.core import clock, crypto, db, envelope, files, key_slots, resealing
from appliance.core.box import open_box
from appliance.core.config import KeySettings, Settings
from appliance.core.errors import Conflict, DomainError
from appliance.core.storage import BackupSettings, BackupTarget
from appliance.core.tenancy import TenantKey
from appliance.core.web import create_app
from appliance.domains.contacts import actions as contacts
from appliance.domains.identity import actions, queries
from appliance.domains.identity.tables import AuditEntry, Tenant, User
from appliance.domains.knowledge.queries import vector_namespace
from appliance.entrypoints.domains import MANIFESTS
from appliance.inference.types import VectorIndex
from tests.cast import enter, make_cast, recognise_for_real
from tests.factories.contacts import make_contact
from tests.factories.conversations import make_conversation

PATIENCE_S = 60


@pytest.fixture
def manifests():
    return MANIFESTS


@pytest.fixture
def cast(box):
    """Carla's organisation has something of everything."""
    cast = make_cast(box)
    theirs = cast.carla.tenant_id
    with box.unit(theirs) as uow:
        contacts.add_note(uow, make_contact(uow).id, "prefere ligações à tarde")
        make_conversation(uow)
    files.put(box, theirs, io.BytesIO(b"um contrato"), files.Origin.ARRIVED)
    box.part(VectorIndex).index_add(vector_namespace(theirs), [1], texts=["garantia do inversor"], create=True)
    return cast


def erase(box, tenant_id):
    return actions.erase_tenant(box, tenant_id, namespaces=[vector_namespace(tenant_id)])


def sealed_values(box, tenant_id):
    found = []
    with box.whole_box("test", read_only=True) as uow:
        for table in resealing._sealed_tables().values():
            for column in resealing._sealed_columns(table):
                raw = select(type_coerce(column, LargeBinary())).where(table.c.tenant_id == tenant_id, column.is_not(None))
                found += uow.session.scalars(raw)
    return [cell for cell in found if cell[1:17] == tenant_id.bytes]


def counts(box, tenant_id):
    """Rows by table, of those that have any."""
    found = {}
    with box.whole_box("test", read_only=True) as uow:
        for table in db.tenant_tables(db.Rows.metadata):
            found[table.name] = uow.session.scalar(select(func.count()).select_from(table).where(table.c.tenant_id == tenant_id))
    return {name: number for name, number in found.items() if number}


def test_nothing_of_it_opens_afterwards_not_even_a_copy(box, cast, tmp_path_factory):
    theirs, own = cast.carla.tenant_id, cast.ana.tenant_id
    cells, copy = sealed_values(box, theirs), tmp_path_factory.mktemp("copy")
    shutil.copytree(box.settings.home / "blobs", copy / "blobs")
    file_id = next(path.name for path in (copy / "blobs" / theirs.hex).rglob("*") if path.is_file())
    assert [cell for cell in cells if box.keys.unseal(cell) is None] == []
    erase(box, theirs)
    assert len(cells) > 3
    for cell in cells:
        with pytest.raises(crypto.KeyUnreadable, match="destroyed"):
            box.keys.unseal(cell)
    with pytest.raises(crypto.KeyUnreadable, match="destroyed"):
        box.keys.index_share(theirs)
    assert not (box.settings.home / "blobs" / theirs.hex).exists()
    shutil.copytree(copy / "blobs" / theirs.hex, box.settings.home / "blobs" / theirs.hex)
    with pytest.raises(crypto.KeyUnreadable, match="destroyed"):
        box.blobs.read_all(theirs, crypto.UUID(file_id))
    assert counts(box, theirs) == {}
    assert set(counts(box, own)) >= {"memberships", "audit_log"}
    assert box.part(VectorIndex).index_stats(vector_namespace(theirs)).state == "missing"


def test_certificate_says_what_went_and_stands_in_the_record(box, cast):
    theirs = cast.carla.tenant_id
    certificate = erase(box, theirs)
    assert certificate["slug"] == "ventura-comercio"
    assert certificate["people"] == 1
    assert certificate["rows"] > 5
    assert certificate["indexes"] == ["deleted"]
    with box.whole_box("test", read_only=True) as uow:
        assert queries.verify_chain(uow, crypto.NIL) is None
        assert uow.session.get(Tenant, theirs) is None
        assert uow.session.scalars(select(User.name).order_by(User.name)).all() == ["Ana Prado", "Bruno Leite"]
        kept = [line for line in uow.session.scalars(select(AuditEntry)) if line.action == "tenant.erased"]
    assert kept[0].after["name"] == "Ventura Comércio"
    actions.check_certificate(kept[0].after, certificate["public_key"])
    with pytest.raises(DomainError, match="altered"):
        actions.check_certificate(kept[0].after | {"people": 0}, certificate["public_key"])




def test_certificate_names_the_day_that_the_longest_rule_gives(box, cast):
    kept = BackupSettings(keep_monthly=0, keep_weekly=8, targets={"usb": BackupTarget(repository="/mnt/usb/box")})
    box.settings = box.settings.model_copy(update={"backup": kept})
    lasts = timedelta(weeks=8, days=1)
    earliest = clock.now() + lasts
    remains = erase(box, cast.carla.tenant_id)["remains"]["backup usb"]
    assert any(f"{day:%Y-%m-%d}" in remains for day in (earliest, clock.now() + lasts))
    assert "names" in remains


@pytest.mark.parametrize(("rules", "days"), [
    ({}, 12 * 31 + 1), ({"keep_monthly": 0}, 36), ({"keep_monthly": 0, "keep_weekly": 0}, 8),
    ({"keep_monthly": 0, "keep_weekly": 0, "every_h": 168}, 8 * 7), ({"keep_monthly": 0, "keep_weekly": 0, "keep_last": 90}, 91),
])  # fmt: skip
def test_how_long_a_backup_is_kept(rules, days):
    assert BackupSettings(**rules).longest_kept == timedelta(days=days)


def test_its_people_are_signed_out(box, cast):
    recognise_for_real(box)
    app = create_app(box)
    carla, ana = enter(box, app, cast.carla), enter(box, app, cast.ana)
    assert carla.get("/api/v1/contacts").status_code == 200
    erase(box, cast.carla.tenant_id)
    assert carla.get("/api/v1/contacts").status_code == 401
    assert ana.get("/api/v1/contacts").status_code == 200


def test_other_process_forgets_the_key_it_had(box, cast):
    theirs = cast.carla.tenant_id
    other = open_box(box.settings, MANIFESTS)
    sealed = other.keys.seal(theirs, b"segredo")
    erase(box, theirs)
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        try:
            other.keys.unseal(sealed)
        except crypto.KeyUnreadable:
            break
        time.sleep(0.1)
    else:
        pytest.fail("it still opens")
    other.close()


def test_erasure_that_a_backup_holds_up_goes_on_when_it_is_asked_for_again(box, cast):
    theirs = cast.carla.tenant_id
    with box.blobs.kept(), pytest.raises(Conflict, match="give the same command again"):
        erase(box, theirs)
    with box.whole_box("test", read_only=True) as uow:
        assert uow.session.get(TenantKey, theirs) is None
        went = uow.session.scalar(select(AuditEntry.at).where(AuditEntry.action == "tenant.key_destroyed"))
    certificate = erase(box, theirs)
    assert certificate["name"] == "Ventura Comércio"
    assert (certificate["unreadable_since"], certificate["people"]) == (went.isoformat(), 1)
    with box.whole_box("test", read_only=True) as uow:
        assert len(uow.session.scalars(select(AuditEntry.id).where(AuditEntry.action == "tenant.key_destroyed")).all()) == 1
    assert not (box.settings.home / "blobs" / theirs.hex).exists()


def test_copy_of_the_folder_needs_the_key_file_of_its_day(tmp_path):
    settings = Settings(home=tmp_path / "home", keys=KeySettings(master_key_file=tmp_path / "master.key"))
    crypto.create_master_key(settings.keys.master_key_file)
    key_slots.rotate_key_file(settings)
    shutil.copytree(settings.home, tmp_path / "copy")
    key_slots.rotate_key_file(settings)
    with pytest.raises(crypto.KeyUnreadable, match="opens none"):
        envelope.open_root(settings.model_copy(update={"home": tmp_path / "copy"}))
