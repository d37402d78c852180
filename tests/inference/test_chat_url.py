"""Addresses of a language model, as they are written."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from appliance.core import i18n
from appliance.core.config import ModelSettings, Settings
from tests.inference.test_engines import PEERS


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", ()),
        ("http://a:1", ("http://a:1",)),
        ("http://a:1/; http://b:2/v1;", ("http://a:1", "http://b:2/v1")),
        (["http://a:1", "http://b:2"], ("http://a:1", "http://b:2")),
        (["http://a:1", "http://a:1/"], ("http://a:1",)),
        ('["http://a:1", "http://b:2"]', ("http://a:1", "http://b:2")),
    ],
)
def test_addresses_are_one_text_or_a_list_also_from_the_environment(
    written: str | list[str], read: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ModelSettings(chat_url=written).chat_url == read
    if isinstance(written, str):
        monkeypatch.setenv("SALESEDGE__MODELS__CHAT_URL", written)
        assert Settings().models.chat_url == read


@pytest.mark.parametrize(
    "written",
    [
        "10.0.0.5:11434",
        "10.0.0.5",
        "ftp://a:1",
        "http://",
        "http://a:x",
        "http://[::1",
        ["http://a:1", "b:1"],
        "http://a:1, http://b:1",
        "http://a,http://b",
        "http://a/v1,http://b/v1",
        "http://a:1 http://b:1",
        ["http://a:1;http://b:1"],
    ],
)
def test_what_is_no_address_is_refused_in_both_languages(written: str | list[str]) -> None:
    for language, said in (("en", "is no address such as http://10.0.0.5:11434"), ("pt", "não é um endereço como http://10.0.0.5:11434")):
        i18n.use_locale(language)
        with pytest.raises(ValidationError, match=said):
            ModelSettings(chat_url=written)


def test_a_password_in_an_address_that_is_refused_is_not_told() -> None:
    with pytest.raises(ValidationError) as refused:
        ModelSettings(chat_url="http://ana:secret@gpu:x")
    assert "gpu:x is no address" in str(refused.value.errors()[0]["msg"])
    assert "secret" not in str(refused.value.errors()[0]["msg"])


def test_a_list_that_is_no_json_is_told_as_that() -> None:
    with pytest.raises(ValidationError, match="A list is written as"):
        ModelSettings(chat_url="[http://a:1]")


@pytest.mark.parametrize("kind", PEERS)
def test_settings_of_one_address_in_a_file_are_read_as_before(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    monkeypatch.setenv("SALESEDGE_CONFIG", str(file))
    file.write_text(f'[models]\nchat_engine = "{kind}"\nchat_url = "http://a:1"\n', encoding="utf-8")
    assert Settings().models.chat_url == ("http://a:1",)
    file.write_text(f'[models]\nchat_engine = "{kind}"\nchat_url = ["http://a:1", "http://b:1"]\n', encoding="utf-8")
    assert Settings().models.chat_url == ("http://a:1", "http://b:1")
