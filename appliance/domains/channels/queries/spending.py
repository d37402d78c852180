"""What was sent in some days, and what it cost by the list that holds."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.channels.queries.prices import list_prices
from appliance.domains.channels.rules import spending
from appliance.domains.channels.rules.spending import Counted, Spent, Sum
from appliance.domains.channels.schemas import MOST_DAYS, SpendingQuery
from appliance.domains.channels.tables import MessageCharge
from appliance.domains.identity import queries as identity

COLUMNS = ("day", "channel", "charge", "country", "messages", "charged", "told_by_meta", "currency", "amount")
MOST = 20_000  # groups: half a year of two numbers that write to ten countries


@dataclass(frozen=True)
class Spending:
    since: date
    until: date
    lines: Sequence[Spent]
    sums: Sequence[Sum]


def get_spending(uow: UnitOfWork, since: date, until: date) -> Spending:
    """Both days are part of it. Raises Refused for more than can be added up."""
    keys = (
        MessageCharge.day, MessageCharge.channel_id, MessageCharge.charge, MessageCharge.country, MessageCharge.is_billable,
        MessageCharge.is_told,
    )  # fmt: skip
    own = select(*keys, func.count()).where(MessageCharge.day.between(since, until)).group_by(*keys).order_by(*keys)
    found = [Counted(*row) for row in uow.session.execute(own.limit(MOST + 1))]
    if len(found) > MOST:
        raise Refused(_("So much was sent in these days that it cannot be added up at once. Choose fewer days."))
    lines = spending.priced(found, list_prices(uow))
    return Spending(since, until, lines, spending.sums_of(lines))


def days_of(uow: UnitOfWork, query: SpendingQuery) -> tuple[date, date]:
    """What is left out: until today, a year at most, from the first of that month."""
    today = uow.now.astimezone(identity.get_zone(uow)).date()
    if query.since is None:
        until = query.until or today
        return until.replace(day=1), until
    if query.since >= today:
        return query.since, query.until or query.since
    return query.since, query.until or min(today, query.since + timedelta(days=MOST_DAYS - 1))


def spending_csv(found: Spending) -> str:
    """One line for each day, channel, kind and country. An empty amount: nobody told how much."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(COLUMNS)
    for spent in found.lines:
        one = spent.counted
        amount = "" if spent.amount is None else f"{spent.amount:.6f}"
        said = (one.day.isoformat(), one.channel_id, one.charge.value, one.country, one.count)
        lines.writerow((*said, *("yes" if is_so else "no" for is_so in (one.is_billable, one.is_told)), spent.currency, amount))
    return written.getvalue()
