"""SQLite picks an index without knowing that one tenant owns nearly every row: what it picked is looked at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from appliance.core.box import Box
from appliance.domains.knowledge import actions, queries
from tests.domains.knowledge.conftest import Put

TEXT = "A garantia da bomba {name} vale por 3 meses.\n"
LONG = "\n\n".join(" ".join(f"peça{place}x{number}" for number in range(100)) + "." for place in range(60))  # many chunks, many rare words
WHOLE = "(tenant_id=?)"


@contextmanager
def plans(box: Box) -> Iterator[list[tuple[str, str]]]:
    """(statement, how SQLite reads a table for it), of chunks and postings."""
    said: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, _context: object, many: bool) -> None:  # noqa: FBT001 - its signature
        if any(table in statement for table in (" chunks", " knowledge_postings")) and not statement.startswith("INSERT"):
            said.append((statement, parameters[0] if many else parameters))

    found: list[tuple[str, str]] = []
    event.listen(box.database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(box.database.engine, "before_cursor_execute", note)
    with box.database.engine.connect() as connection:
        for statement, parameters in said:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found += [(statement, row[3]) for row in rows if "chunks" in row[3] or "knowledge_postings" in row[3]]


@pytest.mark.only_database("sqlite")
def test_no_document_costs_a_look_at_all_the_others(
    box: Box, tenant_id: UUID, put: Put, run_deliveries: Callable[[], int],
) -> None:
    put("alfa.md", TEXT.format(name="alfa"))
    with plans(box) as seen:
        gone = put("beta.md", TEXT.format(name="beta") + LONG)
        put("beta.md", TEXT.format(name="beta nova") + LONG[:-9])
        queries.retrieve(box, tenant_id, "qual a garantia da bomba?")
        with box.unit(tenant_id) as uow:
            actions.delete_document(uow, gone)
        run_deliveries()
    assert seen
    assert [(statement, plan) for statement, plan in seen if plan.endswith(WHOLE) or plan.startswith("SCAN")] == []


def test_a_corpus_is_measured_in_a_few_transactions(box: Box, tenant_id: UUID, put: Put) -> None:
    """Some 240 questions: one transaction each took PostgreSQL longer than all else that is done with a small file."""
    put("pecas.md", LONG)
    with box.unit(tenant_id, read_only=True) as uow:
        snapshot = queries.get_snapshot(uow)
    begun: list[object] = []
    note = begun.append
    event.listen(box.database.engine, "begin", note)
    try:
        queries.measure_threshold(box, tenant_id, snapshot)
    finally:
        event.remove(box.database.engine, "begin", note)
    assert 0 < len(begun) <= 10
