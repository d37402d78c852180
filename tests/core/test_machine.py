"""What the doctor finds, on real sockets, files, databases and Redis."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.core import clock, footing, machine
from appliance.core.config import NetworkMode, Settings
from appliance.core.machine import Finding
from tests.core import ledger


def settings_in(folder: Path) -> Settings:
    plain = Settings(home=folder)
    return plain.model_copy(update={"keys": plain.keys.model_copy(update={"master_key_file": folder / "none.key"})})


def found(settings: Settings, name: str) -> Finding:
    return next(one for one in machine.look(settings) if one.name == name)


@contextlib.contextmanager
def listening(answer: bytes) -> Iterator[int]:
    """A program of somebody else's on a port."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    line, _address = door.accept()
                    with line:
                        line.recv(4096)
                        line.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield door.getsockname()[1]
        stop.set()
        with contextlib.suppress(OSError):
            socket.create_connection(door.getsockname(), 10).close()
        thread.join()


def on_port(settings: Settings, port: int) -> Settings:
    return settings.model_copy(update={"server": settings.server.model_copy(update={"port": port})})


def test_every_finding_that_is_not_well_says_what_to_do(tmp_path):
    for one in machine.look(settings_in(tmp_path / "nowhere")):
        assert one.title
        assert one.ok or str(one.fix), one.name


def test_a_box_without_its_folder_and_key_is_told_so(tmp_path):
    settings = settings_in(tmp_path / "nowhere")
    assert not found(settings, "data").ok
    assert not found(settings, "key").ok


def test_a_folder_in_which_others_write_is_named(tmp_path):
    tmp_path.chmod(0o777)
    wrong = found(settings_in(tmp_path), "data")
    assert (wrong.ok, str(wrong.fix)) == (False, f"Others may write in it. Run: chmod go-w {tmp_path}")


def test_a_port_that_another_program_holds_is_told_from_one_that_is_ours_or_free(tmp_path):
    settings = settings_in(tmp_path)
    with listening(b"220 mail.example ESMTP\r\n") as port:
        assert not found(on_port(settings, port), "port").ok
    assert found(on_port(settings, port), "port").ok
    with listening(b'HTTP/1.0 200 OK\r\n\r\n{"status":"ok"}') as port:
        assert found(on_port(settings, port), "port").ok


@contextlib.contextmanager
def certificate(folder: Path, *, days: int) -> Iterator[int]:
    """A server on loopback that shows one with so many days left."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - timedelta(days=90)).not_valid_after(now + timedelta(days=days, hours=1))
    signed = made.sign(key, hashes.SHA256())
    pem = signed.public_bytes(serialization.Encoding.PEM)
    pem += key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "shown.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "shown.pem")
    with socket.create_server(("127.0.0.1", 0)) as door, context.wrap_socket(door, server_side=True) as safe:

        def serve() -> None:
            with contextlib.suppress(OSError):
                line, _address = safe.accept()
                line.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield door.getsockname()[1] if door.fileno() > 0 else safe.getsockname()[1]
        thread.join(60)


@pytest.mark.parametrize(("days", "ok"), [(60, True), (3, False), (-2, False)])
def test_a_certificate_that_ends_soon_is_told_with_its_days(tmp_path, days, ok):
    settings = settings_in(tmp_path)
    with certificate(tmp_path, days=days) as port:
        public = settings.server.model_copy(update={"public_url": f"https://localhost:{port}"})
        told = found(settings.model_copy(update={"server": public}), "certificate")
    assert told.ok is ok
    assert f"({days})" in told.detail


@pytest.mark.parametrize("name", machine.RECEIVERS)
def test_receivers_to_which_the_network_mode_lets_nothing_go_are_named(tmp_path, name):
    settings = settings_in(tmp_path)
    assert settings.network.mode is NetworkMode.SEALED
    for address, ok in (("https://abc@8.8.8.8:4318/1", False), ("http://abc@127.0.0.1:4318/1", True)):
        (tmp_path / "dsn").write_text(address)
        value = {"traces": address, "log lines": address, "errors": tmp_path / "dsn"}[name]
        setting = {"traces": "otlp_endpoint", "log lines": "logs_endpoint", "errors": "sentry_dsn_file"}[name]
        told = found(settings.model_copy(update={"telemetry": settings.telemetry.model_copy(update={setting: value})}), name)
        assert told.ok is ok
        assert "abc" not in f"{told.detail} {told.fix}", "a DSN is a key"


def test_a_file_that_went_while_the_box_runs_is_named(tmp_path):
    settings = settings_in(tmp_path)
    gone = settings.telemetry.model_copy(update={"sentry_dsn_file": tmp_path / "gone"})
    told = found(settings.model_copy(update={"telemetry": gone}), "errors")
    assert (told.ok, told.needed) == (False, False)
    assert str(told.fix).startswith(f"The file {tmp_path}/gone cannot be read: ")


def test_the_database_of_a_box_is_set_up_as_it_should(box):
    assert footing.check_database_set_up(box).ok
    assert footing.check_database_file(box).ok


@pytest.mark.only_database("postgresql")
def test_a_role_that_passes_the_walls_is_named(box, postgresql_owner):
    engine, box.database.engine = box.database.engine, postgresql_owner
    read_only, box.database.read_only = box.database.read_only, postgresql_owner
    try:
        told = footing.check_database_set_up(box)
    finally:
        box.database.engine, box.database.read_only = engine, read_only
    assert (told.ok, told.fix) == (False, footing.STRONG_ROLE)


@pytest.mark.only_database("sqlite")
def test_a_redis_that_forgets_or_throws_away_is_named(box):
    told = footing.check_redis_set_up(box)
    assert (told.ok, told.fix) == (False, footing.FORGETS), "the tests' own keeps nothing"
    box.redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert footing.check_redis_set_up(box).fix == footing.EVICTS
    finally:
        box.redis.config_set("maxmemory-policy", "noeviction")


def test_a_clock_that_went_back_is_seen_by_what_was_written(box, tenant_id):
    assert footing.check_order_of_time(box).ok
    with box.unit(tenant_id) as uow:
        uow.now = clock.now() + timedelta(days=1)
        ledger.make_entry(uow, "a")
    told = footing.check_order_of_time(box)
    assert (told.ok, told.fix) == (False, footing.CLOCK_WENT_BACK)


def test_swap_that_cannot_be_seen_is_not_called_well(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "SWAPS", tmp_path / "none")
    unseen = found(settings_in(tmp_path), "swap")
    assert (unseen.ok, unseen.detail, unseen.needed) == (False, "cannot be seen", False)
    (tmp_path / "none").write_text("Filename Type Size\n/swapfile file 9\n")
    assert (found(settings_in(tmp_path), "swap").ok, found(settings_in(tmp_path), "swap").detail) == (False, "/swapfile")
