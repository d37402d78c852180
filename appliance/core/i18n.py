"""Sentences in the reader's language, in a request as well as in a worker. Source strings are English."""

import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations, translation
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from babel.support import LazyProxy

from appliance.core.errors import DomainError

DEFAULT_LOCALE = "pt_BR"
LOCALES = ("pt_BR", "en")
DOMAIN = "messages"  # gettext's own default, so that libraries which use gettext find their sentences here too
CATALOGUES = Path(__file__).parents[2] / "webui" / "translations"
_MARK = "\x1f"  # begins a kept sentence; no plain text that is kept begins with it
_LONGEST_PART = 500

_locale: ContextVar[str] = ContextVar("locale", default=DEFAULT_LOCALE)
_words: ContextVar[Mapping[str, str]] = ContextVar("words", default=MappingProxyType({}))


def current_locale() -> str:
    return _locale.get()


def current_language() -> str:
    """`pt` of pt_BR."""
    return _locale.get().split("_")[0]


def use_locale(locale: str) -> None:
    """Set the language for the rest of this request or job; unknown ones fall back to the default."""
    _locale.set(normalise(locale))


def use_words(words: Mapping[str, str]) -> None:
    """Say these sentences in other words for the rest of this request; a brand's."""
    _words.set(words)


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
def catalogue(locale: str) -> GNUTranslations | NullTranslations:
    return translation(DOMAIN, CATALOGUES, [locale])


def own_word(message: str) -> str:
    """A brand's own for one of ours, or nothing. Not markup, whatever it looks like."""
    return _words.get().get(message, "")


def gettext(message: str, **values: object) -> str:
    text = own_word(message) or catalogue(_locale.get()).gettext(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, number: int, **values: object) -> str:
    text = catalogue(_locale.get()).ngettext(singular, plural, number)
    return text % {"num": number, **values}


def lazy_gettext(message: str, **values: object) -> LazyProxy:
    """For sentences written at import time and read later."""
    return LazyProxy(gettext, message, enable_cache=False, **values)


_SYSTEM = {
    errno.ENOENT: lazy_gettext("it does not exist"),
    errno.EACCES: lazy_gettext("this user may not"),
    errno.EPERM: lazy_gettext("this user may not"),
    errno.ENOTDIR: lazy_gettext("part of the path is no folder"),
    errno.EROFS: lazy_gettext("it is read-only"),
    errno.ENOSPC: lazy_gettext("the disk is full"),
}


def reason_of(err: OSError) -> str:
    """What the system said, in the reader's language where people meet it."""
    return str(_SYSTEM.get(err.errno or 0, err.strerror))


class Told(str):
    """A sentence in the language of its present reader, with what it is made of: kept in a row, it is told to the next in theirs."""

    __slots__ = ("made_of",)
    made_of: Any

    def __new__(cls, made_of: Any) -> Self:
        told = super().__new__(cls, _worded(made_of))
        told.made_of = made_of
        return told


def told(sentence: object) -> str:
    """What to keep of an error of ours or of a lazy sentence. What somebody else said stays as it was said."""
    made_of = _made_of(sentence)
    return Told(made_of) if isinstance(made_of, list) else str(made_of)


def pack(text: str) -> str:
    """As it is kept: of a sentence of ours what it is made of, of any other text the text."""
    return _MARK + json.dumps(text.made_of, ensure_ascii=False) if isinstance(text, Told) else text.lstrip(_MARK)


def unpack(kept: str) -> str:
    return Told(json.loads(kept[1:])) if kept.startswith(_MARK) else kept


def _made_of(sentence: object) -> Any:
    """JSON: a list of a message and its values, or a plain value."""
    while isinstance(sentence, DomainError):
        sentence = sentence.message
    if isinstance(sentence, Told):
        return sentence.made_of
    if isinstance(sentence, LazyProxy):
        values = sentence._kwargs  # noqa: SLF001 - there is no other door to what it is made of
        return [sentence._args[0], {name: _made_of(value) for name, value in values.items()}]  # noqa: SLF001
    return sentence if isinstance(sentence, int | float) else str(sentence)[:_LONGEST_PART]


def _worded(made_of: Any) -> Any:
    if not isinstance(made_of, list):
        return made_of
    message, values = made_of
    return gettext(message, **{name: _worded(value) for name, value in values.items()})
