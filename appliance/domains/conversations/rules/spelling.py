"""What a word is for the search: a form that is kept, a stem that its inflections share, and the first letters it is looked up by.

Not the stems of the knowledge domain: those are tuned for answering and made anew with every document that is read.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import Stemmer

from appliance.core.folding import fold

WORD = re.compile(r"[^\W_]+")
MAX_WORD = 40
HEAD = 3  # letters that a beginning needs, too
_NUMBERS = (re.compile(r"(?<!\d)\d++(?:[./-]\d++)+"), re.compile(r"\d(?:[\d ().\u00a0/-]*\d)?"))  # as CPF and prices, as phones
_LEAST_SPACED = 8  # digits that are one number though a space or brackets are between them
_ENDINGS = (11, 10, 9, 8)  # a phone without its country, area or ninth digit
_LONGEST_PHONE = 13
# typed without accents these would be stemmed differently; plurals that the stemmer leaves alone
_PLURALS = (("coes", "ção"), ("cao", "ção"), ("oes", "ão"), ("aes", "ão"), ("ais", "al"), ("eis", "el"), ("ois", "ol"), ("ns", "m"))
_LEAST, _SHORTEST = 5, 3


class Spelled(NamedTuple):
    start: int
    end: int
    form: str


@lru_cache(maxsize=1)
def _stemmers() -> tuple[Stemmer.Stemmer, ...]:
    """One after the other, since messages do not say which language they are in."""
    return Stemmer.Stemmer("portuguese"), Stemmer.Stemmer("english")


def form_of(word: str) -> str:
    found = fold(word)[:MAX_WORD]
    return (found.lstrip("0") or "0") if found.isdigit() else found


@lru_cache(maxsize=65536)
def stem_of(form: str) -> str:
    if form.isdigit():
        return form
    found = form
    if len(found) >= _LEAST:
        found = next((found.removesuffix(old) + new for old, new in _PLURALS if found.endswith(old)), found)
    for stemmer in _stemmers():
        found = fold(stemmer.stemWord(found))
    return found[:-1] if len(found) > _SHORTEST and found[-1] in "aeo" else found


def head_of(form: str) -> str:
    """What a form is looked up by: of its stem, so that forms of one word (`leões`, `leão`) share it."""
    stem = stem_of(form)
    return (stem if len(stem) >= HEAD else form)[:HEAD]


def heads_of(form: str) -> set[str]:
    """Where the forms stand that begin like this one or are of the same word."""
    return {form[:HEAD], head_of(form)}


def digits_of(number: str) -> str:
    return "".join(character for character in number if character.isdigit())


def spellings(text: str) -> Iterator[Spelled]:
    """The words of a text that can be found, and its numbers as one whatever stands between their digits. Letters alone say nothing."""
    for word in WORD.finditer(text):
        if len(word[0]) > 1 or word[0].isdigit():
            yield Spelled(*word.span(), form_of(word[0]))
    for pattern in _NUMBERS:
        for number in pattern.finditer(text):
            for digits in _numbers_in(number[0]):
                yield Spelled(*number.span(), form_of(digits))


def _numbers_in(number: str) -> Iterator[str]:
    digits = digits_of(number)
    is_glued = not any(character in " ()\u00a0" for character in number)
    if is_glued or len(digits) >= _LEAST_SPACED:
        yield digits
    if len(digits) <= _LONGEST_PHONE:
        yield from (digits[-ending:] for ending in _ENDINGS if len(digits) > ending)
