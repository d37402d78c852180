"""Rules are pure: their tests need no box."""

import pytest


@pytest.fixture(autouse=True)
def models() -> None:
    """Instead of the one that opens a box."""
