"""What engines in tests wait for."""

import threading
from collections.abc import Iterator

import pytest


@pytest.fixture
def go_on() -> Iterator[threading.Event]:
    """Set at the latest when the test is over: nobody waits after it."""
    found = threading.Event()
    yield found
    found.set()
