"""Alembic's entry. The caller hands over an open connection; nothing here knows an address."""

from alembic import context
from sqlalchemy.engine import Connection

from appliance.core.db import Rows
from appliance.entrypoints import domains  # noqa: F401 - imports every table

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Rows.metadata,
    transactional_ddl=True,
    compare_type=True,
    render_as_batch=False,
    include_object=lambda _object, name, _kind, _reflected, _compare_to: not str(name).startswith("test_"),
)
with context.begin_transaction():
    context.run_migrations()
