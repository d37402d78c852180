"""On PostgreSQL, which opens to whoever has its address: a key of another box is told from this one's before anything is written."""

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from appliance.core import crypto, db, migrate
from appliance.core.config import Settings
from appliance.core.ids import new_id
from appliance.entrypoints.cli import cli

NAME = "canary"
FOREIGN = "The master key does not open what is in the database canary: it belongs to another box."


@pytest.fixture
def address(postgresql_address):
    with create_engine(postgresql_address.format(database="postgres"), isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {NAME}"))
    return postgresql_address.format(database=NAME)


@pytest.fixture
def run(tmp_path, monkeypatch, address):
    monkeypatch.setenv("SALESEDGE_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("SALESEDGE_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("SALESEDGE__KEYS__MASTER_KEY_FILE", str(tmp_path / "master.key"))
    monkeypatch.setenv("SALESEDGE__DATABASE__URL", address)
    monkeypatch.setenv("SALESEDGE__LOGS__LEVEL", "error")
    monkeypatch.setenv("LC_ALL", "en")
    (tmp_path / "password").write_text("girafa-violeta-trem-sereno")
    return lambda *arguments: CliRunner().invoke(cli, list(arguments))


def set_up(run, tmp_path):
    return run("setup", "--email", "ana@solara.example", "--password-file", str(tmp_path / "password"), "--tenant", "Solara")


def rows_of(address):
    with create_engine(address).connect() as connection:
        counted = [connection.scalar(text(f"SELECT count(*) FROM {name}")) for name in ("tenants", "users", "tenant_keys", "outbox")]
        return counted, connection.scalar(text("SELECT sealed FROM key_canary"))


def test_key_of_another_box_is_refused_at_start_by_the_doctor_and_by_recover(run, tmp_path, address):
    made = set_up(run, tmp_path)
    assert made.exit_code == 0, made.output
    before, own = rows_of(address), (tmp_path / "master.key").read_bytes()
    sheets = json.loads(run("keys", "kit", "--shares", "3", "--needed", "2", "--json").output)["lines"]

    (tmp_path / "data" / "keys.json").unlink()  # a new machine beside the same database, with a key of its own
    (tmp_path / "master.key").write_bytes(b"o" * 32)
    for refused in (set_up(run, tmp_path), run("status"), run("backup", "rpo")):
        assert refused.exit_code == 1
        assert FOREIGN in refused.output
    doctor = run("doctor", "--json")
    assert doctor.exit_code == 1
    assert FOREIGN in doctor.output
    others = json.loads(run("keys", "kit", "--shares", "2", "--needed", "2", "--json").output)["lines"]
    (tmp_path / "data" / "keys.json").unlink()
    (tmp_path / "master.key").unlink()
    refused = recover(run, tmp_path, others)
    assert refused.exit_code == 1
    assert FOREIGN in refused.output
    assert not (tmp_path / "master.key").exists()
    assert rows_of(address) == before

    back = recover(run, tmp_path, sheets[:2])
    assert back.exit_code == 0, back.output
    assert (tmp_path / "master.key").read_bytes() == own
    assert run("backup", "rpo").exit_code == 0


def recover(run, tmp_path, lines):
    (tmp_path / "shares").write_text("\n".join(lines))
    return run("keys", "recover", "--shares-file", str(tmp_path / "shares"))


def test_recover_waits_for_a_database_that_is_down(run, tmp_path, monkeypatch):
    assert set_up(run, tmp_path).exit_code == 0
    sheets = json.loads(run("keys", "kit", "--shares", "2", "--needed", "2", "--json").output)["lines"]
    (tmp_path / "master.key").unlink()
    monkeypatch.setenv("SALESEDGE__DATABASE__URL", f"postgresql+psycopg://owner@/canary?host={tmp_path}")
    refused = recover(run, tmp_path, sheets)
    assert refused.exit_code == 1
    assert "The database does not answer" in refused.output
    assert not (tmp_path / "master.key").exists()


def test_database_from_before_takes_its_own_key_alone(tmp_path, address):
    plain = Settings(home=tmp_path)
    settings = plain.model_copy(update={"database": plain.database.model_copy(update={"url": address, "owner_url": address})})
    own, other = crypto.Keyring(b"k" * 32), crypto.Keyring(b"o" * 32)
    migrate.upgrade(settings, own)
    tenant_id = new_id()
    with create_engine(address).begin() as connection:
        connection.execute(text("DELETE FROM key_canary"))
        row = {"id": tenant_id, "wrapped": own.new_tenant_key(tenant_id)}
        connection.execute(text("INSERT INTO tenant_keys (tenant_id, wrapped) VALUES (:id, :wrapped)"), row)
    with pytest.raises(crypto.KeyUnreadable, match="canary"):
        migrate.upgrade(settings, other)
    migrate.upgrade(settings, own)
    database = db.connect(settings, other.database_key)
    with pytest.raises(crypto.KeyUnreadable), database.engine.connect():
        pass
    database.close()


@pytest.mark.parametrize("kept", [0, 4, 11, 12, 27])
def test_what_was_cut_off_does_not_open(kept):
    key = bytes(32)
    with pytest.raises(crypto.KeyUnreadable, match="damaged"):
        crypto.decrypt(key, crypto.encrypt(key, b"")[:kept])
