"""The copy from before an update: who comes back with it, what it still owes, and that nobody is at work while it is made."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, make_url, select, text, update

from appliance.core import clock, db, rls, updates
from appliance.core.config import Settings
from appliance.core.outbox import Delivery, DeliveryState
from appliance.core.tenancy import TenantKey
from appliance.core.updates import Journal, Outcome, Step
from appliance.domains.channels import actions as channels
from appliance.domains.channels.queries import find_mailbox
from appliance.domains.identity import actions as identity
from appliance.domains.identity.tables import Tenant
from appliance.domains.identity.types import TenantStatus
from appliance.domains.knowledge.tables import Corpus
from appliance.domains.ops.actions import rebuilding
from appliance.domains.ops.gateways import postgresql
from appliance.entrypoints import up
from appliance.entrypoints.terminal import UPDATING, Failed, at_the_console
from appliance.entrypoints.updating import copies, running
from tests.cast import make_cast
from tests.conftest import APP_ROLE, opened, settings_at
from tests.factories.channels import make_mailbox
from tests.factories.core import make_dead_delivery


@pytest.fixture
def database_url(database_kind, tmp_path, request):
    """One of its own: it is renamed and dropped."""
    if database_kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "salesedge.db")
        yield ""
        return
    request.getfixturevalue("postgresql_owner")
    address = request.getfixturevalue("postgresql_address")
    beside = create_engine(address.format(database="postgres"), isolation_level="AUTOCOMMIT")
    own = create_engine(address.format(database="updated"))
    with beside.connect() as connection:
        connection.execute(text("CREATE DATABASE updated"))
    with own.begin() as connection:
        db.Rows.metadata.create_all(connection)
        rls.raise_walls(connection, db.Rows.metadata)
        connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE}"))
        connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}"))
    own.dispose()
    yield address.format(database="updated").replace("owner@", f"{APP_ROLE}@")
    with beside.connect() as connection:
        for name in ("updated", "updated_before_update", "updated_undone_update"):
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    beside.dispose()


@pytest.fixture
def settings(tmp_path, database_url, redis_address, master_key_file, request):
    made = settings_at(tmp_path, database_url, redis_address, master_key_file)
    up.make_folders(made)
    if not database_url:
        return made
    owner = request.getfixturevalue("postgresql_address").format(database="updated")
    return made.model_copy(update={"database": made.database.model_copy(update={"owner_url": owner})})


@contextlib.contextmanager
def at_work(settings, manifests):
    """A box until it is stopped: its processes are gone, and their connections, which tests keep, with them."""
    with opened(settings, manifests) as box:
        yield box
    if settings.database.url:
        with postgresql.administering(make_url(settings.database.owner_url).set(database="postgres")) as connection:
            connection.execute(text("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = 'updated'"))


@pytest.fixture
def cast(settings, manifests, monkeypatch):
    """Two organisations on a box that stands still; of each something is owed."""
    monkeypatch.setenv("SALESEDGE_HOME", str(settings.home))
    with at_work(settings, manifests) as box:
        cast = make_cast(box)
        for person in (cast.ana, cast.carla):
            with box.unit(person.tenant_id) as uow:
                make_dead_delivery(uow)
        with box.whole_box("test") as uow:
            uow.session.execute(update(Delivery).values(state=DeliveryState.PENDING))
    return cast


def deliveries(settings, manifests):
    with at_work(settings, manifests) as box, box.whole_box("test", read_only=True) as uow:
        return sorted((one.state, str(one.last_error)) for one in uow.session.scalars(select(Delivery)))


def forget_old(settings):
    """As after an update that has just changed tables."""
    ended = (clock.now() - timedelta(minutes=1)).isoformat()
    journal = Journal(Step.DONE, "1.0", "1.1", "", "1.1-0123456789ab", ended, migrates=True, outcome=Outcome.UPDATED, ended_at=ended)
    here = updates.releases()
    here.root.mkdir(exist_ok=True)
    here.write(journal)
    copies.forget_old(settings)


def test_what_was_owed_then_is_held_and_not_done_again(settings, manifests, cast):
    copies.keep(settings)
    with at_work(settings, manifests) as box, box.whole_box("test") as uow:
        uow.session.execute(update(Delivery).values(state=DeliveryState.DONE))
    copies.check_kept(settings)
    held = copies.hold(settings)["held"]
    assert copies.hold(settings)["held"] == 0
    copies.put_back(settings)
    copies.put_back(settings)  # once more, as after a power cut, changes nothing
    found = deliveries(settings, manifests)
    assert len(found) == held >= 2
    assert {state for state, _why in found} == {DeliveryState.DEAD}
    assert {why for _state, why in found} == {"The box was put back to before an update, and this may have been done since."}


def test_what_waited_of_a_suspended_organisation_is_held_too(settings, manifests, cast):
    with at_work(settings, manifests) as box, box.whole_box("test") as uow:
        uow.session.execute(update(Delivery).values(state=DeliveryState.HELD))
    copies.keep(settings)
    assert copies.hold(settings)["held"] >= 2


def test_what_was_not_due_yet_is_done_in_its_time(settings, manifests, cast):
    with at_work(settings, manifests) as box, box.whole_box("test") as uow:
        uow.session.execute(update(Delivery).values(next_at=clock.now() + timedelta(hours=1)))
    copies.keep(settings)
    assert copies.hold(settings)["held"] == 0


def put_status(box, tenant_id, status):
    with box.whole_box("test", read_only=True) as uow:
        slug = uow.session.get(Tenant, tenant_id).slug
    identity.put_status(box, slug, status)


def make_held(box, tenant_id):
    """As the relay leaves what is due of who is suspended."""
    put_status(box, tenant_id, TenantStatus.SUSPENDED)
    with box.whole_box("test") as uow:
        uow.session.execute(update(Delivery).where(Delivery.tenant_id == tenant_id).values(state=DeliveryState.HELD))


def found_of(box, tenant_id):
    """Since when it is suspended, and the states of what is owed to it."""
    with box.whole_box("test", read_only=True) as uow:
        one = uow.session.get(Tenant, tenant_id)
        assert (one.status is TenantStatus.SUSPENDED) == (one.suspended_at is not None)
        return one.suspended_at, {*uow.session.scalars(select(Delivery.state).where(Delivery.tenant_id == tenant_id))}


def test_who_was_suspended_since_stays_so_and_who_was_resumed_stays_open(settings, manifests, cast):
    ana, carla = cast.ana.tenant_id, cast.carla.tenant_id
    with at_work(settings, manifests) as box:
        make_held(box, carla)
    copies.keep(settings)
    with at_work(settings, manifests) as box:
        put_status(box, ana, TenantStatus.SUSPENDED)
        put_status(box, carla, TenantStatus.ACTIVE)
        since, _states = found_of(box, ana)
    copies.hold(settings)
    copies.hold(settings)  # once more, as after a power cut
    copies.put_back(settings)
    with at_work(settings, manifests) as box:
        assert found_of(box, ana) == (since, {DeliveryState.DEAD})
        assert found_of(box, carla) == (None, {DeliveryState.DEAD})


def test_what_was_held_all_the_time_goes_on_waiting(settings, manifests, cast):
    """It cannot have been done; of who was resumed in between it can."""
    ana, carla = cast.ana.tenant_id, cast.carla.tenant_id
    with at_work(settings, manifests) as box:
        make_held(box, ana)
        make_held(box, carla)
        since, _states = found_of(box, ana)
    copies.keep(settings)
    with at_work(settings, manifests) as box:
        put_status(box, carla, TenantStatus.ACTIVE)
        put_status(box, carla, TenantStatus.SUSPENDED)
        again, _states = found_of(box, carla)
    copies.hold(settings)
    copies.put_back(settings)
    with at_work(settings, manifests) as box:
        assert found_of(box, ana) == (since, {DeliveryState.HELD})
        assert found_of(box, carla) == (again, {DeliveryState.DEAD})


def test_a_release_that_tells_suspensions_otherwise_is_gone_back_from(settings, manifests, cast):
    with at_work(settings, manifests) as box:
        make_held(box, cast.ana.tenant_id)
        since, _states = found_of(box, cast.ana.tenant_id)
    copies.keep(settings)
    with rebuilding.opened(settings, copies._keys(settings), copies._own(settings)) as engine, engine.begin() as connection:
        connection.execute(text("ALTER TABLE tenants DROP COLUMN suspended_at"))
    copies.hold(settings)
    copies.put_back(settings)
    with at_work(settings, manifests) as box:
        assert found_of(box, cast.ana.tenant_id) == (since, {DeliveryState.DEAD})


def test_mail_that_was_read_since_is_not_read_again(settings, manifests, cast):
    with at_work(settings, manifests) as box, box.unit(cast.ana.tenant_id) as uow:
        channel_id = make_mailbox(uow)
        channels.open_mailbox(uow, channel_id, source="INBOX", validity=1, last_uid=3)
    copies.keep(settings)
    with at_work(settings, manifests) as box, box.unit(cast.ana.tenant_id) as uow:
        channels.open_mailbox(uow, channel_id, source="INBOX", validity=2, last_uid=9)
    copies.hold(settings)
    copies.put_back(settings)
    with at_work(settings, manifests) as box, box.unit(cast.ana.tenant_id, read_only=True) as uow:
        found = find_mailbox(uow, channel_id)
        assert (found.source, found.uid_validity, found.last_uid) == ("INBOX", 2, 9)


def test_vectors_that_went_on_are_not_trusted(settings, manifests, cast):
    with at_work(settings, manifests) as box, box.unit(cast.ana.tenant_id) as uow:
        uow.session.add(Corpus(dense_weights={}))
    copies.keep(settings)
    copies.hold(settings)
    copies.put_back(settings)
    with at_work(settings, manifests) as box, box.unit(cast.ana.tenant_id, read_only=True) as uow:
        assert uow.session.scalars(select(Corpus.vectors_in)).all() == ["?"]


def test_who_is_erased_while_the_box_stops_does_not_come_back(settings, manifests, cast):
    copies.keep(settings)
    copies.check_kept(settings)
    with at_work(settings, manifests) as box:
        identity.erase_tenant(box, cast.carla.tenant_id, namespaces=[])
    copies.hold(settings)
    copies.put_back(settings)
    with at_work(settings, manifests) as box, box.whole_box("test", read_only=True) as uow:
        assert uow.session.get(Tenant, cast.carla.tenant_id) is None
        assert uow.session.get(Tenant, cast.ana.tenant_id) is not None


def test_nobody_who_was_erased_comes_back(settings, manifests, cast):
    copies.keep(settings)
    forget_old(settings)
    copies.check_kept(settings)
    with at_work(settings, manifests) as box:
        identity.erase_tenant(box, cast.carla.tenant_id, namespaces=[])
    with pytest.raises(Failed, match="one was erased"):
        copies.check_kept(settings)
    forget_old(settings)
    with pytest.raises(Failed, match="not kept any more"):
        copies.check_kept(settings)


def test_a_key_that_was_given_up_does_not_come_back(settings, manifests, cast):
    copies.keep(settings)
    with at_work(settings, manifests) as box, box.whole_box("test") as uow:
        other = update(TenantKey).where(TenantKey.tenant_id == cast.ana.tenant_id)
        uow.session.execute(other.values(wrapped=b"another"))
    with pytest.raises(Failed, match="Keys of organisations changed"):
        copies.check_kept(settings)


@pytest.mark.only_database("sqlite")
def test_data_are_not_copied_or_put_back_under_somebody_at_work(settings, cast, monkeypatch):
    """Under whichever supervisor; who was killed is waited for, for a while."""
    monkeypatch.setattr(up, "GONE_S", 0.0)
    for kind in (fcntl.LOCK_SH, fcntl.LOCK_EX):
        with up.take_lock(settings, kind):
            for verb in (copies.keep, copies.put_back):
                with pytest.raises(Failed, match="already runs"):
                    verb(settings)
    with at_the_console():
        for verb in (copies.keep, copies.check_kept, copies.put_back):
            with pytest.raises(Failed, match="A command of SalesEdge works"):
                verb(settings)
    assert not (settings.home / copies.BEFORE).exists()
    copies.keep(settings)
    assert up.holder_of(settings) is None


@pytest.mark.only_database("sqlite")
def test_a_copy_without_what_its_log_holds_is_none(settings, manifests, cast):
    """Whoever reads on, as the doctor does, keeps the log from being written into the file."""
    quick = settings.model_copy(update={"database": settings.database.model_copy(update={"busy_timeout_s": 0})})
    with opened(settings, manifests) as box, box.whole_box("test", read_only=True) as reading:
        reading.session.scalars(select(Tenant)).all()
        with box.whole_box("test") as uow:
            uow.session.execute(update(Delivery).values(attempts=3))
        with pytest.raises(Failed, match="A command of SalesEdge works"):
            copies.keep(quick)
    assert not (settings.home / copies.BEFORE).exists()


@pytest.mark.only_database("sqlite")
def test_a_halted_box_is_taken_by_nobody_else(settings, cast, monkeypatch):
    here = updates.releases()
    here.root.mkdir(exist_ok=True)
    here.write(Journal(Step.MIGRATE, "1.0", "1.1", "", "", clock.now().isoformat(), halted=True))
    for kind in (fcntl.LOCK_SH, fcntl.LOCK_EX):
        with pytest.raises(up.CannotStart, match="is being updated"):
            up.take_lock(settings, kind)
    with pytest.raises(Failed, match="is being updated"), at_the_console():
        pass
    monkeypatch.setenv(UPDATING, "1")
    with at_the_console():  # what the update itself asks of it
        pass
    copies.keep(settings)
    copies.put_back(settings)


@pytest.mark.only_database("sqlite")
def test_a_number_that_a_dead_box_left_is_asked_of_nobody(settings, cast):
    (settings.run_dir / "up.lock").write_text('{"pid": 1, "address": "127.0.0.1:1"}')
    with up.take_lock(settings, fcntl.LOCK_EX):
        assert up.holder_of(settings) is None


def test_who_takes_longer_than_it_may_ends_itself(tmp_path):
    """Root without CAP_KILL may not end what it started as the box's user."""
    with pytest.raises(subprocess.TimeoutExpired):
        running.call(Settings(home=tmp_path), ["sleep", "600"], 1)
    has_a_clock = "import signal, sys; sys.exit(signal.getitimer(signal.ITIMER_REAL)[0] == 0)"
    assert running.call(Settings(home=tmp_path), [sys.executable, "-c", has_a_clock], 600).returncode == 0


def test_nobody_waits_for_what_a_program_left_or_for_who_does_not_heed_its_clock(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "OVERDUE_S", 1.0)
    said, began = tmp_path / "left", time.monotonic()
    leaves = f"sleep 600 & echo $! > {said}; exec sleep 600"
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            running.call(Settings(home=tmp_path), ["sh", "-c", leaves], 1)
    finally:
        os.kill(int(said.read_text()), signal.SIGKILL)
    with pytest.raises(subprocess.TimeoutExpired):
        running.call(Settings(home=tmp_path), ["sh", "-c", "trap '' ALRM; exec sleep 600"], 1)
    assert time.monotonic() - began < 120


def test_what_a_program_says_comes_back_whole(tmp_path):
    done = running.call(Settings(home=tmp_path), ["sh", "-c", "head -c 300000 /dev/zero; echo não >&2; exit 3"], 600)
    assert (len(done.stdout), done.stderr, done.returncode) == (300000, "não\n", 3)
