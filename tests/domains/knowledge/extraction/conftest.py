import pytest


@pytest.fixture(autouse=True)
def models() -> None:
    """Extraction knows neither box nor model."""
