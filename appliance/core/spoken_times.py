"""When something will be, as a customer is told."""

from datetime import datetime

from babel.dates import format_skeleton, get_day_names

from appliance.core.working_hours import DAYS

_WORDS = {"pt": ("hoje às", "amanhã às", "na", "no", "em", "às"), "en": ("today at", "tomorrow at", "on", "on", "on", "at")}
_LOCALES = {"pt": "pt_BR", "en": "en"}
_WEEK = 7


def in_words(at: datetime, now: datetime, language: str) -> str:
    """ "hoje às 14:00", "amanhã às 8:00", "na segunda-feira às 8:00", "em 4 de janeiro às 8:00"."""
    today, tomorrow, weekday, weekend, date, at_time = _WORDS[language]
    days = (at.date() - now.astimezone(at.tzinfo).date()).days
    clock = f"{at.hour}:{at.minute:02d}"
    if days <= 1:
        return f"{tomorrow if days else today} {clock}"
    if days >= _WEEK:
        return f"{date} {format_skeleton('MMMMd', at, locale=_LOCALES[language])} {at_time} {clock}"
    word = weekend if at.weekday() >= DAYS.index("sat") else weekday
    return f"{word} {get_day_names('wide', locale=_LOCALES[language])[at.weekday()]} {at_time} {clock}"
