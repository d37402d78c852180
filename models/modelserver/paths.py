"""Where the files that travel with the program are: beside it in a checkout, or where SALESEDGE_MODELS_HOME points."""

import os
from pathlib import Path


def home() -> Path:
    named = os.environ.get("SALESEDGE_MODELS_HOME")
    return Path(named) if named else Path(__file__).parents[1]


def starter() -> Path:
    """Models small enough to ship."""
    return home() / "starter"
