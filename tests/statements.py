"""What a piece of code asks of the database."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from appliance.core.box import Box


@contextmanager
def statements_of(box: Box) -> Iterator[list[tuple[str, object]]]:
    """Each statement with its values, in order."""
    seen: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, values: object, *_rest: object) -> None:
        if "tenant_keys" not in statement:  # every process looks at them again after some seconds, whatever it does
            seen.append((statement, values))

    event.listen(box.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(box.database.engine, "before_cursor_execute", note)
