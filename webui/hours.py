"""A week's opening hours in a form: a pair of boxes a day, and behind “add a break” those for what comes after it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import time
from typing import Any

from babel.dates import get_day_names
from pydantic import ConfigDict

from appliance.core.errors import Refused
from appliance.core.i18n import current_locale, gettext
from appliance.core.web import Schema
from appliance.core.working_hours import DAYS, overlapping
from appliance.domains.identity.schemas import WorkSpan, spans_of

LEAST_PAIRS, MOST_PAIRS = 2, 50
ENDS = ("opens", "closes")
_TO = " \N{EN DASH} "


class WeekForm(Schema):
    """Hours come as `mon_opens`, `mon_closes`, and after a break as `mon_opens_2`, `mon_closes_2`."""

    model_config = ConfigDict(extra="allow")

    def week(self) -> tuple[list[dict[str, str]], dict[str, str]]:
        """The spans, and what is wrong by box: a time that is none, a day that opens and never closes or the other way round."""
        found: list[dict[str, str]] = []
        wrong: dict[str, str] = {}
        at: list[str] = []
        for day, name in weekdays():
            for nth in range(1, MOST_PAIRS + 1):
                pair = {box(day, end, nth): str((self.model_extra or {}).get(box(day, end, nth), "")) for end in ENDS}
                wrong.update(_faults(pair, name))
                if all(pair.values()):
                    found.append({"day": day, **dict(zip(ENDS, pair.values(), strict=True))})
                    at.append(box(day, "opens", nth))
        return found, wrong or _overlaps(found, at)

    def spans(self) -> list[dict[str, str]]:
        """Raises Refused with what is wrong by box."""
        found, wrong = self.week()
        refuse(wrong)
        return found


def _faults(pair: Mapping[str, str], day: str) -> dict[str, str]:
    if any(pair.values()) and not all(pair.values()):
        missing = next(name for name, at in pair.items() if not at)
        return {missing: gettext("%(day)s: say when it opens and when it closes, or neither.", day=day)}
    return {name: gettext("%(day)s: this is not a time.", day=day) for name, at in pair.items() if at and not _is_time(at)}


def _overlaps(spans: Sequence[Mapping[str, str]], boxes: Sequence[str]) -> dict[str, str]:
    """By the box where they open."""
    names = dict(weekdays())
    places = overlapping(spans_of(WorkSpan.model_validate(span) for span in spans))
    return {boxes[at]: gettext("%(day)s: this begins before the hours before it have ended.", day=names[spans[at]["day"]]) for at in places}


def _is_time(text: str) -> bool:
    try:
        return bool(time.fromisoformat(text).tzinfo is None)
    except ValueError:
        return False


def refuse(wrong: Mapping[str, str]) -> None:
    """Raises Refused when anything is wrong."""
    if wrong:
        raise Refused(" ".join(dict.fromkeys(wrong.values())), fields=wrong)


def weekdays() -> list[tuple[str, str]]:
    """(day, name), Monday first."""
    names = get_day_names("wide", locale=current_locale())
    return [(day, names[at].capitalize()) for at, day in enumerate(DAYS)]


def box(day: str, end: str, nth: int) -> str:
    return f"{day}_{end}" if nth == 1 else f"{day}_{end}_{nth}"


def shown(spans: Iterable[WorkSpan]) -> dict[str, Any]:
    """What stands in the boxes; `pairs`: how many a day has."""
    seen: Counter[str] = Counter()
    values: dict[str, Any] = {}
    for span in spans:
        seen[span.day] += 1
        values[box(span.day, "opens", seen[span.day])] = f"{span.opens:%H:%M}"
        values[box(span.day, "closes", seen[span.day])] = f"{span.closes:%H:%M}"
    return {**values, "pairs": max([LEAST_PAIRS, *seen.values()])}


def has_times(values: Mapping[str, Any]) -> bool:
    """Of what stands in the boxes."""
    return any(values.get(box(day, end, nth)) for day in DAYS for end in ENDS for nth in range(1, LEAST_PAIRS + 1))


def summary(spans: Iterable[WorkSpan]) -> list[tuple[str, str]]:
    """(days, times) with neighbouring days of the same hours together, closed days left out: Monday to Friday, 09:00 to 18:00."""
    of_day: dict[str, list[str]] = {day: [] for day in DAYS}
    for span in spans:
        until = f"{span.closes:%H:%M}"
        until = gettext("%(time)s of the next day", time=until) if span.closes <= span.opens else until
        of_day[span.day].append(f"{span.opens:%H:%M}{_TO}{until}")
    runs: list[tuple[str, str, str]] = []
    for day, name in weekdays():
        times = ", ".join(sorted(of_day[day]))
        if runs and runs[-1][2] == times:
            runs[-1] = (runs[-1][0], name, times)
        else:
            runs.append((name, name, times))
    return [(first if first == last else f"{first}{_TO}{last}", times) for first, last, times in runs if times]
