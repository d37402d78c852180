"""What messages cost in some days: by kind, by channel and by day, with what Meta told and what the box expects."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Any

from babel.dates import format_date
from flask import render_template

from appliance.core.i18n import current_locale
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.queries import Spent
from appliance.domains.channels.schemas import SpendingQuery
from webui.costs import CHARGES, amount
from webui.studio.pages import pages
from webui.studio.templates import WRITE


@pages.get("/templates/spending", permission=WRITE, query=SpendingQuery)
def spending(uow: UnitOfWork, query: SpendingQuery) -> str:
    since, until = queries.days_of(uow, query)
    found = queries.get_spending(uow, since, until)
    names = {channel.id: channel.name for channel in queries.list_channels(uow)}
    count = sum(one.count for one in found.sums)
    return render_template(
        "studio/spending.html", since=since, until=until, sums=found.sums, totals=_totals(found.lines), charges=CHARGES, amount=amount,
        count=count, told=sum(one.told for one in found.sums), unknown=sum(one.unknown for one in found.sums),
        channels=[(names.get(key, ""), lines) for key, lines in _by(found.lines, "channel_id")],
        days=[(format_date(day, "medium", locale=current_locale()), lines) for day, lines in _by(found.lines, "day")],
        counted=lambda lines: sum(one.counted.count for one in lines), said=_said,
    )  # fmt: skip


def _by(lines: Iterable[Spent], name: str) -> list[tuple[Any, list[Spent]]]:
    key = attrgetter(f"counted.{name}")
    return [(value, list(group)) for value, group in groupby(sorted(lines, key=key), key=key)]


def _totals(lines: Iterable[Spent]) -> list[str]:
    return [amount(micros, currency) for currency, micros in sorted(queries.totals_of(lines).items())]


def _said(lines: Iterable[Spent]) -> str:
    """All currencies of a line; empty where nothing is known to cost anything."""
    return " + ".join(_totals(lines))
