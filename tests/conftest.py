"""A real box for every test that asks: each runs once on SQLite and once on PostgreSQL, with a real Redis."""

import contextlib
import functools
import io
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from flask import Request
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sqlalchemy import Engine, column, create_engine, func, select, table, text

from appliance.core import crypto, db, files, i18n, metrics, rls, telemetry
from appliance.core.blobs import BlobRef
from appliance.core.box import Box, open_box
from appliance.core.config import Settings
from appliance.core.ids import new_id
from appliance.core.manifest import Manifest
from appliance.core.tenancy import TenantKey
from appliance.core.web import Authenticator, Principal, create_app
from appliance.entrypoints.domains import MANIFESTS
from appliance.inference.fake import FakeInference
from appliance.inference.types import Inference, VectorIndex
from tests import kept, thrift
from tests.draining import run_due
from tests.remains import pytest_runtest_makereport  # noqa: F401 - a hook
from tests.servers import postgresql_server, redis_server
from tests.skipping import pytest_runtest_logreport, pytest_sessionfinish, pytest_terminal_summary  # noqa: F401 - hooks

BROWSERS = ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")  # the first draws no window that nobody sees: half the processor
# Without the last two a process of its own draws what nobody sees: a fifth of the processor.
SWITCHES = ["--no-sandbox", "--disable-background-networking", "--disable-gpu", "--disable-software-rasterizer"]
PATIENCE_S = 60  # of a box with its database
PATIENCE_MS = 180_000  # of a browser with a page of a slow machine that has other work, too; said here alone
LISTENS = "html[data-ready], html:not(:has(script[src$='/js/shell.js']))"
DEAF = "html:not([data-ready]):has(script[src$='/js/shell.js'])"
DATABASES = ("sqlite", "postgresql")
PAGE_BYTES = 8192
# Tables that have held a row since their files were made, each with the bytes it takes.
WRITTEN = """SELECT relname, size FROM (SELECT relname, pg_relation_size(oid) AS size FROM pg_class
             WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) AS tables WHERE size > 0"""
APP_ROLE = "salesedge_app"  # owns no table, so that the walls stand in its way
# Begun first, a whole box beside pages by turns: one that is begun last is waited for by everybody.
LONGEST = (
    "tests/deploy/test_bundle.py", "tests/deploy/test_network.py",
    "tests/journeys/test_nothing_is_lost.py", "tests/webui/test_every_page.py",
    "tests/deploy/test_up.py", "tests/routes/test_every_route.py",
    "tests/deploy/test_quickstart.py", "tests/journeys/test_inbox.py",
    "tests/webui/test_inbox_ready.py", "tests/entrypoints/test_worker.py",
    "tests/webui/test_journeys.py", "tests/webui/test_composer.py",
    "tests/webui/test_webchat.py", "tests/domains/knowledge/test_pipeline.py",
    "tests/survive/test_faults.py",
)
thrift.begin()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("only_database")
        metafunc.parametrize("database_kind", only.args if only else DATABASES, scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    turns = {name: turn for turn, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turns.get(item.nodeid.split("::")[0], len(turns)))


@pytest.fixture(autouse=True)
def english() -> None:
    """Sentences are asserted in the language of the source, whatever the default is."""
    i18n.use_locale("en")


@pytest.fixture(autouse=True)
def counts_for_itself() -> Iterator[None]:
    """A process names where it counts for as long as it lives: not the tests after it."""
    before = os.environ.get(metrics.SHARED)
    yield
    if before is None:
        os.environ.pop(metrics.SHARED, None)
    else:
        os.environ[metrics.SHARED] = before


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One for the whole run: the library keeps an event loop open in this thread for as long as it lives."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        found = next((path for path in BROWSERS if os.access(path, os.X_OK)), BROWSERS[-1])
        browser = playwright.chromium.launch(executable_path=found, args=SWITCHES)
        make = browser.new_context

        def new_context(**options: Any) -> BrowserContext:
            context = make(**options)
            context.set_default_timeout(PATIENCE_MS)
            if options.get("java_script_enabled", True):
                open_page = context.new_page
                context.new_page = lambda: _listening(open_page())  # type: ignore[method-assign]
            return context

        browser.new_context = new_context  # type: ignore[method-assign]
        yield browser
        browser.close()


def _listening(page: Page) -> Page:
    """Whoever comes to a page, by a link or by its address, acts once its scripts listen: they wait for their words, which is no loading.

    A test that means to be earlier says until when it waits.
    """
    deaf = page.locator(DEAF)
    page.add_locator_handler(deaf, _wait)

    def then_ready(move: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(move)
        def moved(*where: Any, **how: Any) -> Any:
            if "wait_until" in how:
                page.remove_locator_handler(deaf)
                return move(*where, **how)
            answer = move(*where, **how)
            page.locator(LISTENS).wait_for(state="attached")
            return answer

        return moved

    for name in ("goto", "reload", "go_back", "wait_for_url"):
        setattr(page, name, then_ready(getattr(page, name)))
    return page


def _wait() -> None:
    """Until it is gone, which is what the browser does of itself after an empty handler."""


@pytest.fixture(scope="session")
def redis_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture(scope="session")
def postgresql_address() -> Iterator[str]:
    with postgresql_server() as address:
        yield address


@pytest.fixture(scope="session")
def postgresql_owner(postgresql_address: str) -> Iterator[Engine]:
    """Of the one database all tests use in turn: making one for each test took longer than the test."""
    with create_engine(postgresql_address.format(database="postgres"), isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE ROLE {APP_ROLE} LOGIN"))
        connection.execute(text("CREATE DATABASE box"))
    owner = create_engine(postgresql_address.format(database="box"))
    with owner.begin() as connection:
        db.Rows.metadata.create_all(connection)
        rls.raise_walls(connection, db.Rows.metadata)
        connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE}"))
        connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}"))
    yield owner
    owner.dispose()


def _empty(owner: Engine) -> None:
    """As after its making; whoever a test left connected is sent away.

    New files for a table, its indexes and whoever refers to it take fifty times as long as its few rows: they are made once a page is full.
    Later than that the rows of a test would not lie in the order of their making.
    """
    with owner.begin() as connection:
        others = select(column("pid")).select_from(table("pg_stat_activity")).where(
            column("datname") == func.current_database(), column("pid").not_in([func.pg_backend_pid(), *kept.servers_ends()])
        )
        connection.execute(select(func.pg_terminate_backend(others.subquery().c.pid)))
        written = connection.execute(text(WRITTEN)).all()
        if full := [name for name, size in written if size > PAGE_BYTES]:
            connection.execute(text(f"TRUNCATE {', '.join(full)} CASCADE"))
        if written:
            names = [name for name, _size in written]
            connection.execute(text("SET LOCAL session_replication_role = replica"))  # each is emptied: nothing is left to refer to
            connection.execute(text(f"LOCK TABLE {', '.join(names)} IN EXCLUSIVE MODE"))  # whoever is sent away may still be writing
            connection.execute(text("; ".join(f"DELETE FROM {name}" for name in names)))
            connection.execute(text("SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"))


@pytest.fixture(scope="session")
def master_key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "master.key"
    crypto.create_master_key(path)
    return path


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory, master_key_file: Path) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    keys = crypto.Keyring(crypto.read_master_key(master_key_file))
    database = db.connect(Settings(home=path.parent), keys.database_key, url=f"sqlite:///{path}")
    db.Rows.metadata.create_all(database.engine)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    database.close()
    return path


@pytest.fixture
def database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    if database_kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "salesedge.db")
        yield ""
        return
    owner: Engine = request.getfixturevalue("postgresql_owner")
    yield request.getfixturevalue("postgresql_address").format(database="box").replace("owner@", f"{APP_ROLE}@")
    _empty(owner)


@pytest.fixture
def manifests() -> tuple[Manifest, ...]:
    """Override to run a box with other domains."""
    return MANIFESTS


def settings_at(home: Path, database_url: str, redis_address: str, master_key_file: Path) -> Settings:
    plain = Settings(home=home)
    return plain.model_copy(
        update={
            "database": plain.database.model_copy(
                update={"url": database_url, "pool_size": 5, "busy_timeout_s": PATIENCE_S, "statement_timeout_s": PATIENCE_S}
            ),
            "redis": plain.redis.model_copy(update={"url": redis_address}),
            "keys": plain.keys.model_copy(update={"master_key_file": master_key_file}),
        }
    )


@contextlib.contextmanager
def opened(settings: Settings, manifests: tuple[Manifest, ...]) -> Iterator[Box]:
    telemetry.configure_logs(settings.logs.model_copy(update={"level": "error"}), "test")
    box = open_box(settings, manifests)
    fake = FakeInference()
    box.provide(Inference, fake)
    box.provide(VectorIndex, fake)
    box.redis.flushdb()
    yield box
    box.close()
    structlog.reset_defaults()


@pytest.fixture
def settings(tmp_path: Path, database_url: str, redis_address: str, master_key_file: Path) -> Settings:
    return settings_at(tmp_path, database_url, redis_address, master_key_file)


@pytest.fixture
def box(settings: Settings, manifests: tuple[Manifest, ...]) -> Iterator[Box]:
    with opened(settings, manifests) as opened_box:
        yield opened_box


@pytest.fixture(scope="module")
def shared_box(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, redis_address: str, master_key_file: Path) -> Iterator[Box]:
    """One on SQLite for all tests of a file, for those that only look: such a file names it `box`."""
    home = tmp_path_factory.mktemp("shared")
    shutil.copy(sqlite_template, home / "salesedge.db")
    with opened(settings_at(home, "", redis_address, master_key_file), MANIFESTS) as box:
        yield box


@pytest.fixture
def impatient(box: Box) -> Callable[..., contextlib.AbstractContextManager[None]]:
    """Within it the box soon gives up who does not answer; everywhere else a test has the patience of a slow machine."""

    @contextlib.contextmanager
    def within(timeout_s: float = 0.25) -> Iterator[None]:
        patient, box.outbound.timeout_s = box.outbound._settings, timeout_s
        box.outbound._settings = patient.model_copy(update={"timeout_s": timeout_s})
        yield
        box.outbound._settings, box.outbound.timeout_s = patient, patient.timeout_s

    return within


@pytest.fixture
def new_tenant(box: Box) -> Callable[[], UUID]:
    """Makes a tenant that has its key, which is all that the other domains ask of one."""

    def make() -> UUID:
        tenant_id = new_id()
        with box.whole_box("test") as uow:
            uow.session.add(TenantKey(tenant_id=tenant_id, wrapped=box.keys.new_tenant_key(tenant_id)))
        return tenant_id

    return make


@pytest.fixture
def tenant_id(new_tenant: Callable[[], UUID]) -> UUID:
    return new_tenant()


@pytest.fixture
def other_tenant_id(new_tenant: Callable[[], UUID]) -> UUID:
    return new_tenant()


class Somebody:
    """An authenticator that lets in whom the test names; None is a stranger."""

    def __init__(self, principal: Principal | None) -> None:
        self.principal = principal

    def authenticate(self, box: Box, request: Request) -> Principal | None:
        return self.principal

    def may(self, *permissions: str) -> None:
        assert self.principal is not None
        self.principal = replace(self.principal, permissions=frozenset(permissions))


@pytest.fixture
def somebody(box: Box, tenant_id: UUID) -> Somebody:
    """An owner of `tenant_id` with every permission, signed in by bearer token."""
    return Somebody(
        Principal(
            user_id=new_id(), tenant_id=tenant_id, name="Ana", email="ana@solara.example", role="owner",
            permissions=box.registry.all_permissions(), via="bearer", credential_id=new_id(), locale="en",
        )
    )


@pytest.fixture
def client(box: Box, somebody: Somebody) -> FlaskClient:
    """Asks the API as `somebody`."""
    box.provide(Authenticator, somebody)
    return create_app(box).test_client()


@pytest.fixture
def keep_file(box: Box, tenant_id: UUID) -> Callable[[bytes], BlobRef]:
    """A file as a reader stores it; a message may name it."""
    return lambda content: files.put(box, tenant_id, io.BytesIO(content), files.Origin.ARRIVED)


@pytest.fixture
def run_deliveries(box: Box) -> Callable[[], int]:
    """Run every delivery that is due, as workers would, until none is. Returns how many ran."""
    return functools.partial(run_due, box)
