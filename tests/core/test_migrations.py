from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy import create_engine, inspect, text

from appliance.core import crypto, db, migrate
from appliance.core.config import Settings
from appliance.core.ids import new_id
from appliance.domains.identity.tables import Tenant


@pytest.fixture
def empty(database_kind, tmp_path, request):
    """Settings of a box whose database has no tables; on PostgreSQL as the owner."""
    settings = Settings(home=tmp_path)
    if database_kind == "sqlite":
        return settings
    address = request.getfixturevalue("postgresql_address")
    name = f"empty_{tmp_path.name}".replace("-", "_").lower()[:50]
    with create_engine(address.format(database="postgres"), isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    owner = address.format(database=name)
    return settings.model_copy(update={"database": settings.database.model_copy(update={"url": owner, "owner_url": owner})})


@pytest.fixture
def keys():
    return crypto.Keyring(b"k" * 32)


def test_the_migrations_make_exactly_the_tables_the_code_maps(empty, keys):
    migrate.upgrade(empty, keys)
    database = db.connect(empty, keys.database_key)
    with database.engine.connect() as connection:
        command.check(migrate.config_for(connection))
    database.close()


def test_migrating_twice_changes_nothing(empty, keys):
    migrate.upgrade(empty, keys)
    once = columns_of(empty, keys)
    migrate.upgrade(empty, keys)
    assert columns_of(empty, keys) == once != set()


def columns_of(settings, keys):
    database = db.connect(settings, keys.database_key)
    tables = inspect(database.engine).get_multi_columns()
    database.close()
    return {(table, column["name"], str(column["type"])) for (_, table), columns in tables.items() for column in columns}


def test_an_organisation_that_was_suspended_before_is_since_its_last_change(empty, keys):
    changed_at = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    database = db.connect(empty, keys.database_key)
    with database.engine.begin() as connection:
        command.upgrade(migrate.config_for(connection), "720bb747cb68")
        said = {"locale": "en", "timezone": "UTC", "settings": "{}", "created_at": changed_at, "updated_at": changed_at}
        rows = [{"id": new_id(), "name": status, "slug": status, "status": status, **said} for status in ("active", "suspended")]
        before = sa.table("tenants", *[sa.column(name, sa.Uuid() if name == "id" else None) for name in rows[0]])
        connection.execute(sa.insert(before), rows)
        command.upgrade(migrate.config_for(connection), "eeab9a24dcfb")
    with database.engine.connect() as connection:
        found = {row.slug: row.suspended_at for row in connection.execute(sa.select(Tenant.slug, Tenant.suspended_at))}
    database.close()
    assert found == {"active": None, "suspended": changed_at}


def test_tables_of_another_release_are_left_as_they_are(empty, keys):
    migrate.upgrade(empty, keys)
    database = db.connect(empty, keys.database_key)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'fromlater'"))
    database.close()
    once = columns_of(empty, keys)
    with pytest.raises(migrate.UnknownTables):
        migrate.upgrade(empty, keys)
    assert columns_of(empty, keys) == once


@pytest.mark.only_database("postgresql")
def test_every_table_of_a_tenant_is_behind_the_wall(empty, keys):
    migrate.upgrade(empty, keys)
    database = db.connect(empty, keys.database_key)
    with database.engine.connect() as connection:
        found = connection.execute(
            text("SELECT relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE relrowsecurity AND relforcerowsecurity")
        )
        walled = {row.relname for row in found}
    database.close()
    wanted = {table.name for table in db.tenant_tables(db.Rows.metadata) if not table.name.startswith("test_")}
    assert walled == wanted
