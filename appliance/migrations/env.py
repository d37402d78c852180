"""Alembic's entry. The caller hands over an open connection; nothing here knows an address."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON
from sqlalchemy.engine import Connection

from appliance.core import db
from appliance.entrypoints import domains  # noqa: F401 - imports every table

_PLAIN = {
    db.UtcDateTime: "sa.DateTime(timezone=True)",
    db.Sealed: "sa.LargeBinary()",
    db.SealedJson: "sa.LargeBinary()",
    db.SealedSentence: "sa.LargeBinary()",
    db.Sentence: "sa.Text()",
}
_JSON = "sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql')"


def render_item(kind: str, item: object, writing: AutogenContext) -> str | Literal[False]:
    """History must not change with our code: our own types are written down as what the database sees."""
    if kind != "type":
        return False
    if isinstance(item, JSON):
        writing.imports.add("from sqlalchemy.dialects import postgresql")
        return _JSON
    return _PLAIN.get(type(item), False)


connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=db.Rows.metadata,
    transactional_ddl=True,
    compare_type=True,
    render_item=render_item,
    render_as_batch=False,
    include_object=lambda _object, name, _kind, _reflected, _compare_to: not str(name).startswith("test_"),
)
with context.begin_transaction():
    context.run_migrations()
