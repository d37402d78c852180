"""Asking a customer how it was: whom, and what counts as an answer."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from appliance.core.folding import fold

BEST = 5
OPEN_FOR = timedelta(days=7)
_PREFIX = "rate"
_STARS = re.compile(r"^[⭐★🌟\ufe0f\s]+$")
_NUMBER = re.compile(
    r"^(?:nota|score|rating)?\s*:?\s*([1-5])\s*(?:/\s*5|de 5|out of 5|estrelas?|stars?)?\s*(?:[.,;:!\u2013\u2014\n-]+\s*(.*))?$",
    re.IGNORECASE | re.DOTALL,
)


def may_ask(*, now: datetime, was_answered: bool, last_asked_at: datetime | None, rest: timedelta) -> bool:
    """`was_answered`: somebody, or the agent, said something to the customer. Nobody is asked again before `rest` is over."""
    return was_answered and (last_asked_at is None or now - last_asked_at >= rest)


def choices(survey: str, words: Sequence[str]) -> list[dict[str, str]]:
    """From the worst to the best, so that the number before a line written out is its score."""
    return [{"id": f"{_PREFIX}-{survey}-{score}", "title": f"{'★' * score} {word}"[:24]} for score, word in enumerate(words, 1)]


def chosen_score(content: Mapping[str, Any], survey: str) -> int | None:
    """Of who tapped one of the choices."""
    choice = content.get("choice")
    found = re.fullmatch(rf"{_PREFIX}-{survey}-([1-{BEST}])", str(choice.get("id", ""))) if isinstance(choice, Mapping) else None
    return int(found[1]) if found else None


def written_score(text: str, titles: Sequence[str] = ()) -> tuple[int, str] | None:
    """The score and what was said beside it. `5 caixas, por favor` is an order, not praise: words need a stop before them."""
    said = text.strip()
    if _STARS.match(said):
        return (stars, "") if (stars := sum(char in "⭐★🌟" for char in said)) in range(1, BEST + 1) else None
    for score, title in enumerate(titles, 1):
        if _bare(said) == _bare(title):
            return score, ""
    found = _NUMBER.match(said)
    return (int(found[1]), (found[2] or "").strip()) if found else None


def _bare(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", fold(text)).split())
