"""config.example.toml documents every setting with its default, and nothing else."""

import os
import tomllib
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from appliance.core.config import Settings
from tests.architecture.config_example import EXAMPLE, render


def test_example_is_what_the_settings_say() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == render(), "run: python -m tests.architecture.config_example"


def _undescribed(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _undescribed(field.annotation, f"{prefix}{name}.")
        elif not (field.description or "").endswith("."):
            yield f"{prefix}{name}"


def test_every_setting_says_what_it_is_for_in_a_sentence() -> None:
    assert list(_undescribed(Settings)) == []


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SALESEDGE")]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("plain_environment")
def test_box_that_copies_the_whole_example_runs_on_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESEDGE_CONFIG", os.devnull)
    defaults = Settings()
    monkeypatch.setenv("SALESEDGE_CONFIG", str(EXAMPLE))
    assert Settings() == defaults


def test_every_line_that_sets_something_is_toml() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    commented = [line.removeprefix("# ") for line in lines if line.startswith("# ") and " = " in line]
    settings = [line for line in commented if line.partition(" = ")[0].isidentifier()]
    assert settings
    for line in settings:
        assert tomllib.loads(line)
