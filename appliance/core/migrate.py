"""Brings the tables to this release, one process at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script.revision import ResolutionError
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.engine import Connection

from appliance.core import canary, crypto, db
from appliance.core.config import Settings

FOLDER = Path(__file__).parents[1] / "migrations"
LOCK = 0x5A1E5ED6  # PostgreSQL advisory lock: "salesedge migrates"


class UnknownTables(Exception):
    """The tables were made by a release that this one does not know."""


def config_for(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(hour).2d%%(minute).2d_%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(settings: Settings, keys: crypto.Keyring) -> None:
    """Run what is missing, on PostgreSQL as the tables' owner; nothing when the tables are current. Raises UnknownTables, KeyUnreadable."""
    database = db.connect(settings, keys.database_key, url=settings.database.owner_url)
    try:
        with database.engine.begin() as connection:
            if database.is_postgresql:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            command.upgrade(config_for(connection), "head")
            if database.is_postgresql:
                canary.leave(connection, keys)
    except CommandError as err:
        if isinstance(err.__cause__, ResolutionError):
            raise UnknownTables from err
        raise
    finally:
        database.close()
