import re
from hashlib import sha256

import pytest

from appliance.core.i18n import LOCALES
from webui.assets import catalogues

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
BRACES = re.compile(r"\{\w+(?:!r)?\}")  # click fills these
REMEDY = "run: python -m webui.assets.catalogues, translate what it lists, run it again"


def texts(value):
    return [value] if isinstance(value, str) else list(value)


@pytest.mark.parametrize("locale", LOCALES)
def test_no_sentence_is_missing_or_left_over(locale):
    sources = {message.id for message in catalogues.collect() if message.id}
    known = {message.id for message in catalogues.read_catalogue(locale) if message.id}
    assert known == sources, REMEDY


@pytest.mark.parametrize("locale", LOCALES)
def test_every_sentence_is_translated(locale):
    assert catalogues.untranslated(catalogues.read_catalogue(locale)) == [], REMEDY


@pytest.mark.parametrize("locale", LOCALES)
def test_compiled_catalogues_match_their_source(locale):
    catalogue = catalogues.read_catalogue(locale)
    compiled, browsers = catalogues.po_path(locale).with_suffix(".mo"), catalogues.STATIC / "i18n" / f"{locale}.json"
    # sums, since the difference of two such files takes minutes to draw
    assert sha256(compiled.read_bytes()).digest() == sha256(catalogues.mo_bytes(catalogue)).digest(), REMEDY
    assert sha256(browsers.read_bytes()).digest() == sha256(catalogues.browser_json(catalogue)).digest(), REMEDY


@pytest.mark.parametrize("locale", LOCALES)
def test_translations_keep_their_placeholders(locale):
    for message in catalogues.read_catalogue(locale):
        if message.id:
            wanted = {name for text in texts(message.id) for name in PLACEHOLDER.findall(text)}
            assert all(set(PLACEHOLDER.findall(text)) <= wanted for text in texts(message.string)), message.id
            assert wanted == {name for text in texts(message.string) for name in PLACEHOLDER.findall(text)}, message.id
            if any(place.startswith("click/") for place, _line in message.locations):
                assert set(BRACES.findall("".join(texts(message.id)))) == set(BRACES.findall("".join(texts(message.string)))), message.id


@pytest.mark.parametrize("locale", LOCALES)
def test_a_per_cent_sign_stands_only_before_a_placeholder(locale):
    """A template formats every sentence it shows: a stray sign is a page that fails."""
    for message in catalogues.read_catalogue(locale):
        if message.id:
            stray = [text for text in texts(message.string) if "%" in PLACEHOLDER.sub("", text).replace("%%", "")]
            assert stray == [], message.id
