"""How numbers, times and names are written, in the reader's language and the tenant's time zone. All are Jinja filters."""

import datetime as dt
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from math import log
from zoneinfo import ZoneInfo

import phonenumbers
from babel import dates, numbers
from flask import g

from appliance.core.clock import now
from appliance.core.i18n import current_locale, gettext

DEFAULT_TIMEZONE = "America/Sao_Paulo"
_HUES = 5
_KILO = 1024
_UNITS = ("B", "KB", "MB", "GB", "TB")
_DAWN, _NOON, _DUSK = 5, 12, 18


def timezone() -> ZoneInfo:
    return ZoneInfo(g.get("timezone") or DEFAULT_TIMEZONE)


def date(value: datetime, form: str = "medium") -> str:
    return dates.format_date(value.astimezone(timezone()), form, locale=current_locale())


def clock_time(value: datetime) -> str:
    return dates.format_time(value.astimezone(timezone()), "short", locale=current_locale())


def moment(value: datetime | None) -> str:
    """`hoje 14:02`-like for today, the short date and time otherwise."""
    if value is None:
        return "-"
    if value.astimezone(timezone()).date() == now().astimezone(timezone()).date():
        return gettext("today, %(time)s", time=clock_time(value))
    return dates.format_datetime(value.astimezone(timezone()), "short", locale=current_locale())


def recent(value: datetime) -> str:
    """For narrow lists: `14:02` today, `20/11` before."""
    local = value.astimezone(timezone())
    if local.date() == now().astimezone(timezone()).date():
        return clock_time(value)
    return dates.format_skeleton("Md", local, locale=current_locale())


def said_at(value: datetime) -> str:
    """For messages: `14:02` today, `20/11 14:02` before."""
    told = recent(value)
    return told if told == clock_time(value) else f"{told} {clock_time(value)}"


def day_month(value: dt.date) -> str:
    """`20/11`."""
    return dates.format_skeleton("Md", value, locale=current_locale())


def weekday(value: datetime) -> str:
    """`Sexta-feira, 20 de novembro`."""
    pattern = "EEEE, d 'de' MMMM" if current_locale() == "pt_BR" else "EEEE, d MMMM"
    said = dates.format_date(value.astimezone(timezone()), pattern, locale=current_locale())
    return said[:1].upper() + said[1:]  # English months keep their capital


def number(value: float) -> str:
    return numbers.format_decimal(value, locale=current_locale())


def percent(value: float, digits: int = 0) -> str:
    """0.94 → 94%."""
    return numbers.format_percent(value, format=f"#,##0.{'0' * digits}%" if digits else "#,##0%", locale=current_locale())


def filesize(size: float) -> str:
    power = min(int(log(max(size, 1), _KILO)), len(_UNITS) - 1)
    return f"{numbers.format_decimal(round(size / _KILO**power, min(power, 1)), locale=current_locale())} {_UNITS[power]}"


def initials(name: str) -> str:
    words = [word for word in name.split() if word[:1].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


def hue(name: str) -> str:
    """One of five quiet colours, the same for the same person everywhere."""
    return f"p{sha256(name.encode()).digest()[0] % _HUES + 1}"


def greeting(at: datetime) -> str:
    hour = at.astimezone(timezone()).hour
    if _DAWN <= hour < _NOON:
        return gettext("Good morning")
    return gettext("Good afternoon") if _NOON <= hour < _DUSK else gettext("Good evening")


def iso(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def phone(number: str) -> str:
    """`+5511955120148`, with or without its plus → `+55 11 95512-0148`."""
    try:
        found = phonenumbers.parse(f"+{number.lstrip('+')}")
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


FILTERS: dict[str, Callable[..., str]] = {
    "clock_time": clock_time, "date": date, "day_month": day_month, "filesize": filesize, "hue": hue, "initials": initials, "iso": iso,
    "moment": moment, "number": number, "percent": percent, "phone": phone,
    "recent": recent, "said_at": said_at, "weekday": weekday,
}  # fmt: skip
