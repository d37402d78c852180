"""Sentences in the reader's language, in a request as well as in a worker. Source strings are English."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from babel.support import LazyProxy, NullTranslations, Translations

DEFAULT_LOCALE = "pt_BR"
LOCALES = ("pt_BR", "en")
CATALOGUES = Path(__file__).parents[2] / "webui" / "translations"

_locale: ContextVar[str] = ContextVar("locale", default=DEFAULT_LOCALE)


def current_locale() -> str:
    return _locale.get()


def use_locale(locale: str) -> None:
    """Set the language for the rest of this request or job; unknown ones fall back to the default."""
    _locale.set(normalise(locale))


def normalise(locale: str) -> str:
    """`pt`, `pt-BR`, `pt_PT` → pt_BR; `en-US` → en."""
    language = locale.replace("-", "_").split("_")[0].lower()
    return next((known for known in LOCALES if known.split("_")[0] == language), DEFAULT_LOCALE)


@contextmanager
def in_locale(locale: str) -> Iterator[None]:
    token = _locale.set(normalise(locale))
    try:
        yield
    finally:
        _locale.reset(token)


@lru_cache(maxsize=len(LOCALES))
def catalogue(locale: str) -> NullTranslations:
    return Translations.load(CATALOGUES, [locale])


def gettext(message: str, **values: object) -> str:
    text = catalogue(_locale.get()).ugettext(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, number: int, **values: object) -> str:
    text = catalogue(_locale.get()).ungettext(singular, plural, number)
    return text % {"num": number, **values}


def lazy_gettext(message: str, **values: object) -> LazyProxy:
    """For sentences written at import time and read later."""
    return LazyProxy(gettext, message, enable_cache=False, **values)
