"""What engines in tests wait for, and vectors in PostgreSQL."""

import threading
from collections.abc import Iterator

import pytest

from tests.inference.pgvectors import connect, index, server, space, url  # noqa: F401 - fixtures


@pytest.fixture
def go_on() -> Iterator[threading.Event]:
    """Set at the latest when the test is over: nobody waits after it."""
    found = threading.Event()
    yield found
    found.set()
