from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from appliance.domains.agents.types import OpenSpan

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = {
    "pt": ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_WORDS = {"pt": ("hoje às", "amanhã às", "na", "no", "às"), "en": ("today at", "tomorrow at", "on", "on", "at")}
WEEK = 7


def is_open(spans: Sequence[OpenSpan], timezone: str, now: datetime) -> bool:
    """No spans: always open. A span that closes before it opens runs past midnight."""
    local = now.astimezone(ZoneInfo(timezone))
    return not spans or any(_covers(span, local.weekday(), local.time()) for span in spans)


def _covers(span: OpenSpan, weekday: int, moment: time) -> bool:
    if span.opens < span.closes:
        return span.weekday == weekday and span.opens <= moment < span.closes
    return (span.weekday == weekday and moment >= span.opens) or ((span.weekday + 1) % WEEK == weekday and moment < span.closes)


def next_opening(spans: Sequence[OpenSpan], timezone: str, now: datetime) -> datetime | None:
    """In the agent's own time zone; None when it never opens or never closes."""
    local = now.astimezone(ZoneInfo(timezone))
    starts = [
        datetime.combine((local + timedelta(days=ahead)).date(), span.opens, local.tzinfo)
        for ahead in range(WEEK + 1)
        for span in spans
        if span.weekday == (local.weekday() + ahead) % WEEK
    ]
    return min((start for start in starts if start > local), default=None)


def in_words(opening: datetime, now: datetime, language: str) -> str:
    """ "hoje às 14:00", "amanhã às 8:00", "na segunda-feira às 8:00"."""
    today, tomorrow, weekday_word, weekend_word, at = _WORDS[language]
    days = (opening.date() - now.astimezone(opening.tzinfo).date()).days
    clock = f"{opening.hour}:{opening.minute:02d}"
    if days <= 1:
        return f"{tomorrow if days else today} {clock}"
    word = weekend_word if opening.weekday() >= DAYS.index("sat") else weekday_word
    return f"{word} {_NAMES[language][opening.weekday()]} {at} {clock}"
