"""A box with a backup target on a folder, and with something in it."""

import hashlib
import io
import os
import shutil

import pytest
from sqlalchemy import create_engine, make_url, select, text

from appliance.core import crypto, db, files
from appliance.core.blobs import Blobs
from appliance.core.buckets import store_of
from appliance.core.ids import new_id
from appliance.core.storage import BackupSettings, BackupTarget
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.ops.actions.contents import APART
from tests.cast import make_cast
from tests.conftest import settings_at
from tests.domains.ops import quick_restic
from tests.peers import swift

RESTORED = "restored_box"


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    if shutil.which("restic") is None:
        pytest.skip("restic is not installed (apt-get install restic)")
    folder = tmp_path_factory.mktemp("programs")
    quick_restic.put_in_place(folder)
    return folder


@pytest.fixture(autouse=True)
def restic(programs, monkeypatch):
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)


def with_targets(settings, **targets):
    chosen = settings.backup.model_copy(update={"targets": {name: BackupTarget(**one) for name, one in targets.items()}})
    return settings.model_copy(update={"backup": chosen})


@pytest.fixture
def settings(tmp_path, database_url, redis_address, master_key_file, request):
    home = tmp_path / "home"
    home.mkdir()
    if not database_url:
        shutil.move(tmp_path / "salesedge.db", home / "salesedge.db")
    made = settings_at(home, database_url, redis_address, master_key_file)
    if database_url:
        owner = request.getfixturevalue("postgresql_address").format(database="box")
        made = made.model_copy(update={"database": made.database.model_copy(update={"owner_url": owner})})
    made = made.model_copy(update={"backup": BackupSettings()})
    return with_targets(made, usb={"repository": str(tmp_path / "usb")})


@pytest.fixture
def filled(box):
    """Two organisations with people; of the first a person with a sealed name, and a file that is used."""
    cast = make_cast(box)
    ref = files.put(box, cast.ana.tenant_id, io.BytesIO(b"fatura " * 20_000), files.Origin.ARRIVED)
    with box.unit(cast.ana.tenant_id) as uow:
        contacts.upsert_contact(
            uow, [Identity(IdentityKind.PHONE, "+5511987654321")], fields=ContactFields(name="Joana O'Neil; \u2028 \n Prado")
        )
        files.use(uow, new_id(), [ref.id])
    return cast


@pytest.fixture
def new_box(settings, tmp_path, request):
    """The settings of an empty box with the same key and the same targets, on the same kind of database."""
    home = tmp_path / "new"
    home.mkdir()
    changed = {"home": home}
    if settings.database.url:
        with create_engine(make_url(settings.database.owner_url), isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {RESTORED} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {RESTORED}"))
        named = {name: getattr(settings.database, name).replace("/box?", f"/{RESTORED}?") for name in ("url", "owner_url")}
        changed["database"] = settings.database.model_copy(update=named)
    return settings.model_copy(update=changed)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with swift.object_store(tmp_path_factory.mktemp("swift")) as server:
        yield server


def in_a_bucket(settings, server):
    """A new one."""
    changed = settings.model_copy(update={"files": server.files(new_id().hex)})
    store_of(changed).bucket.ask("create_bucket")
    return changed


def move_to(box, settings):
    box.settings = settings
    box.blobs = Blobs(store_of(settings, box.database), box.keys)


def fingerprints(settings):
    """Of every table the hash of its rows as they lie there, of every stored file the hash of its bytes."""
    keys = crypto.Keyring(crypto.read_master_key(settings.keys.master_key_file))
    url = settings.database.owner_url if settings.database.url else ""
    database = db.connect(settings, keys.database_key, url=url)
    found = {}
    with database.read_only.connect() as connection:
        for table in db.Rows.metadata.sorted_tables:
            if table.name not in APART - {"tenant_keys"}:
                columns = ", ".join(f'"{column.name}"' for column in table.c)
                rows = sorted(repr(tuple(row)) for row in connection.exec_driver_sql(f'SELECT {columns} FROM "{table.name}"'))
                found[table.name] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
    database.close()
    for path in sorted((settings.home / "blobs").glob("*/*/*")):
        found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


__all__ = ["fingerprints", "in_a_bucket", "move_to", "select", "with_targets"]
