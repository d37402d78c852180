"""When the company works: the hours of each weekday, public holidays, days off."""

import re
from datetime import date
from http import HTTPStatus

from flask import flash, redirect, render_template, url_for
from pydantic import Field, ValidationError
from werkzeug import Response

from appliance.core.clock import now
from appliance.core.errors import Refused
from appliance.core.i18n import current_locale, gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Form, read_form
from appliance.domains.identity import actions, queries, schemas
from webui import formats
from webui import hours as week
from webui.admin.pages import pages
from webui.timezones import timezone_name

WRITE = "hours:write"
_BRAZILIAN = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4})$")
_YEARLESS = re.compile(r"\d{1,2}/\d{1,2}")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
STATES = (
    "AC", "AL", "AM", "AP", "BA", "CE", "DF", "ES", "GO", "MA", "MG", "MS", "MT", "PA", "PB", "PE", "PI", "PR", "RJ", "RN", "RO", "RR",
    "RS", "SC", "SE", "SP", "TO",
)  # fmt: skip
PLACES = [("", _("No public holidays")), ("BR", _("Brazil")), *((f"BR-{state}", _("Brazil, %(state)s", state=state)) for state in STATES)]


class HoursForm(week.WeekForm):
    """`days_off`: one to a line, the date first: `2026-12-24 Christmas Eve`."""

    holidays: str = Field("", max_length=6)
    days_off: str = Field("", max_length=12_000)

    def wanted(self) -> schemas.HoursIn:
        """Raises pydantic.ValidationError, Refused."""
        spans, wrong = self.week()
        off, faults = _days_off(self.days_off)
        week.refuse({**wrong, **({"days_off": " ".join(faults)} if faults else {})})
        return schemas.HoursIn.model_validate({"holidays": self.holidays, "spans": spans, "days_off": off})


def _iso(found: re.Match[str]) -> str:
    day, month, year = found.groups()
    return f"{year}-{month:0>2}-{day:0>2}"


def _days_off(text: str) -> tuple[list[schemas.DayOff], list[str]]:
    """And a sentence for each line that is none."""
    found, faults = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        day, _space, name = line.strip().partition(" ")
        try:
            if day:
                found.append(schemas.DayOff.model_validate({"day": _BRAZILIAN.sub(_iso, day), "name": name.strip()}))
        except ValidationError:
            faults.append(_fault(number, day))
    return found, faults


def _fault(number: int, day: str) -> str:
    if _YEARLESS.fullmatch(day):
        return gettext("Line %(number)s: %(day)s needs its year, as in %(day)s/%(year)s.", number=number, day=day, year=now().year)
    try:
        date.fromisoformat(_BRAZILIAN.sub(_iso, day))
    except ValueError:
        if _BRAZILIAN.match(day) or _ISO.fullmatch(day):
            return gettext("Line %(number)s: there is no day %(day)s.", number=number, day=day)
    return gettext("Line %(number)s: the date comes first, then a name of at most 60 letters.", number=number)


def _written(day: date) -> str:
    """As the page asks for it."""
    return f"{day:%d/%m/%Y}" if current_locale() == "pt_BR" else day.isoformat()


@pages.get("/admin/hours", permission=WRITE)
def hours(uow: UnitOfWork) -> str:
    return _page(uow, Form(None, {}, {}))


@pages.post("/admin/hours", permission=WRITE)
def set_hours(uow: UnitOfWork) -> Response | tuple[str, int]:
    form = read_form(HoursForm)
    if form.value is not None:
        try:
            actions.set_hours(uow, form.value.wanted())
        except (ValidationError, Refused) as err:
            form = form.refused(err)
    if form.value is None:
        return _page(uow, form), HTTPStatus.UNPROCESSABLE_ENTITY
    flash(gettext("Saved."))
    return redirect(url_for("admin.hours"))


def _page(uow: UnitOfWork, form: Form[HoursForm]) -> str:
    kept = queries.get_hours(uow)
    off = "\n".join(f"{_written(one.day)} {one.name}".strip() for one in kept.days_off)
    shown = {"holidays": kept.holidays, "days_off": off, **week.shown(kept.spans)}
    typed = {"holidays": "", "days_off": "", "pairs": shown["pairs"], **form.raw}
    return render_template(
        "admin/hours.html", shown=typed if form.raw else shown, errors=form.errors,
        weekdays=week.weekdays(), places=PLACES, timezone=timezone_name(formats.timezone().key),
    )  # fmt: skip
