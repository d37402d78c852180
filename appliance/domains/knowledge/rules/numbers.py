"""Amounts and ranges: `3 mil` lies inside `R$ 2.500,00 a R$ 5.999,99`, `8 quartos` below `a partir de 10 quartos`."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from appliance.domains.knowledge.rules.vocabulary import SILENT
from appliance.domains.knowledge.rules.words import fold, stem

_NUMBER = r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?"
_AMOUNT = re.compile(rf"(?P<money>r\$|us\$|\$|€)?\s*(?<![\d.,/:-])(?P<number>{_NUMBER})(?![\d/:])(?:[oa]\b)?\s*(?P<mil>mil\b|k\b|thousand\b)?\s*(?P<percent>%)?\s*(?P<noun>[^\W\d_]+)?")
_BELOW = re.compile(r"(?:\bate|\babaixo de|\bmenos de|\bmenor(?:es)? (?:de|que)|\bno maximo|\bup to|\bbelow|\bunder|\bless than)\s*(?:o|a|as|os)?\s*$")
_ABOVE = re.compile(r"(?:\ba partir de|\bacima de|\bmais de|\bmaior(?:es)? (?:de|que)|\bno minimo|\bfrom|\bover|\babove|\bmore than|\bat least|\bdesde)\s*(?:o|a|as|os)?\s*$")
_SPAN = re.compile(r"^\s*(?:ate|a|ao|as|e|to|and|[-–—])\s*$")
_OR_MORE = re.compile(r"^\s*(?:ou mais|or more|\+|e acima|em diante|and (?:over|above|up))")
_LINKING = frozenset("a ao as e o os de do da ate ou por em no na com para to and or of per in at by for".split())
_TIMES = {"x": "vezes"}
MONEY, PERCENT = "$", "%"
MONEY_FROM = 100
_CURRENCY_NOUNS = frozenset({"reais", "real", "conto", "contos", "dolares", "dollars", "brl"})


@dataclass(frozen=True, slots=True)
class Amount:
    """`kind` is `$`, `%`, the stem of the noun counted, or empty when the text does not say."""

    value: float
    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Range:
    low: float
    high: float
    kind: str

    def holds(self, amount: Amount) -> bool:
        return self.kind == amount.kind and self.low <= amount.value <= self.high


def amounts(text: str, language: str) -> list[Amount]:
    return [_amount(found, language) for found in _AMOUNT.finditer(fold(text))]


def _amount(found: re.Match[str], language: str) -> Amount:
    value = to_number(found["number"]) * (1000 if found["mil"] else 1)
    noun = found["noun"] or ""
    if found["money"] or noun in _CURRENCY_NOUNS or (found["mil"] and (not noun or noun in _LINKING)):
        kind = MONEY
    elif found["percent"]:
        kind = PERCENT
    else:
        kind = "" if not noun or noun in _LINKING or noun in SILENT.get(language, ()) else stem(_TIMES.get(noun, noun), language)
    end = found.start("noun") if noun and noun in _LINKING else found.end()
    return Amount(value, kind, found.start(), end)


def to_number(written: str) -> float:
    """Brazilian or English notation: the last separator followed by other than three digits is the decimal one."""
    whole, separator, cents = written.rpartition("," if written.rfind(",") > written.rfind(".") else ".")
    if not separator or len(cents) == 3:
        return float(re.sub(r"[.,]", "", written))
    return float(f"{re.sub(r'[.,]', '', whole)}.{cents}")


@lru_cache(maxsize=8192)
def ranges(text: str, language: str) -> tuple[Range, ...]:
    """Every span, floor or ceiling that the text states."""
    return tuple(_ranges(fold(text), amounts(text, language)))


def _ranges(folded: str, found: list[Amount]) -> Iterator[Range]:
    used = -1
    for index, amount in enumerate(found):
        if index <= used:
            continue
        before, after = folded[max(0, amount.start - 18):amount.start], folded[amount.end:amount.end + 14]
        following = found[index + 1] if index + 1 < len(found) else None
        if following and _spans(folded, amount, following):
            used = index + 1
            kind = following.kind or amount.kind
            yield Range(amount.value, following.value, kind)
        elif _OR_MORE.match(after):
            yield Range(amount.value, math.inf, amount.kind)
        elif _ABOVE.search(before):
            yield Range(math.nextafter(amount.value, math.inf) if "acima" in before else amount.value, math.inf, amount.kind)
        elif _BELOW.search(before):
            yield Range(-math.inf, amount.value, amount.kind)


def _spans(folded: str, first: Amount, second: Amount) -> bool:
    same = first.kind == second.kind or not first.kind or not second.kind
    return same and first.value < second.value and bool(_SPAN.match(folded[first.end:second.start]))


def contains(question: Iterable[Amount], stated: Sequence[Range]) -> bool:
    """True when an amount the customer named lies inside a stated range of the same kind."""
    return any(span.holds(amount) for amount in map(_likely, question) if amount.kind for span in stated)


def _likely(amount: Amount) -> Amount:
    """A large bare number in a customer's message is money."""
    return Amount(amount.value, MONEY, amount.start, amount.end) if not amount.kind and amount.value >= MONEY_FROM else amount


def figures(text: str) -> frozenset[str]:
    """Numbers of a text in one notation, to compare a claim with its source."""
    return frozenset(f"{to_number(found):g}" for found in re.findall(_NUMBER, text))
