"""What happened today and in the last two weeks, in the days of the reader's time zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from flask import render_template, url_for

from appliance.core.i18n import gettext as _
from appliance.core.i18n import ngettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import current_principal
from appliance.core.web.auth import check_access
from appliance.domains.agents import queries as agents
from appliance.domains.channels import queries as channels
from appliance.domains.contacts import queries as contacts
from appliance.domains.conversations import queries as conversations
from appliance.domains.knowledge import queries as knowledge
from webui import formats
from webui.home import charts
from webui.home.pages import pages
from webui.inbox.presenting import CHANNELS, HANDOFF_REASONS
from webui.naming import person_name
from webui.navigation import has_endpoint

READ = "conversations:read"
DAYS = 14
SHOWN_WAITING = 5
SHOWN_FAILING = 5


@dataclass(frozen=True)
class Day:
    date: date
    received: int
    by_agents: int
    by_people: int
    handed_over: int

    @property
    def stack(self) -> tuple[int, int, int]:
        return self.by_agents, self.by_people, self.handed_over


@dataclass(frozen=True)
class Tile:
    name: str
    value: int
    url: str
    note: str = ""


@dataclass(frozen=True)
class Waiting:
    name: str
    why: str
    channel: str
    since: datetime
    url: str


@pages.get("/today", permission=READ)
def today(uow: UnitOfWork) -> str:
    """The part of the first page that changes while one looks at it."""
    return render_template("home/_today.html", **todays(uow))


def todays(uow: UnitOfWork) -> dict[str, object]:
    waiting = conversations.list_waiting(uow, limit=SHOWN_WAITING)
    total = conversations.count_inbox(uow, user_id=uow.actor.id).waiting
    failing = channels.list_failing(uow, limit=SHOWN_FAILING) if check_access(current_principal(), None).can("channels:read") else ()
    return {"tiles": _tiles(uow, total), "waiting": _waiting(uow, waiting), "waiting_total": total, "failing": failing}


def two_weeks(uow: UnitOfWork) -> dict[str, object]:
    days = list_days(uow, DAYS)
    is_quiet = not any(day.received or sum(day.stack) for day in days)
    return {"days": days, "chart": None if is_quiet else charts.stacked([day.stack for day in days])}


def list_days(uow: UnitOfWork, count: int) -> list[Day]:
    """The last `count` days of the calendar, the last one today."""
    zone = formats.timezone()
    last = uow.now.astimezone(zone).date()
    dates = [last - timedelta(days=back) for back in reversed(range(count))]
    starts = [datetime.combine(day, time(), zone) for day in dates]
    said, handed = conversations.list_days(uow, starts), agents.count_hand_offs(uow, starts)
    return [
        Day(day, found.received, found.by_agents, found.by_people, calls)
        for day, found, calls in zip(dates, said, handed, strict=True)
    ]


def _tiles(uow: UnitOfWork, waiting: int) -> list[Tile]:
    before, now = list_days(uow, 2)
    inbox, queue = url_for("inbox.inbox"), url_for("inbox.inbox", view="waiting")
    tiles = [
        Tile(_("Messages received today"), now.received, inbox, _yesterday(before.received)),
        Tile(_("Answered by the AI today"), now.by_agents, inbox, _yesterday(before.by_agents)),
        Tile(_("Answered by people today"), now.by_people, inbox, _yesterday(before.by_people)),
        Tile(_("Handed to people today"), now.handed_over, queue, _yesterday(before.handed_over)),
        Tile(_("Waiting for a person"), waiting, queue, _("now")),
    ]
    if unsent := conversations.count_unsent(uow):
        tiles.append(Tile(_("Answers that were not sent"), unsent, url_for("inbox.inbox", view="unsent"), _("see why")))
    who = check_access(current_principal(), None)
    if who.can("knowledge:read") and has_endpoint("knowledge.gaps"):
        gaps = knowledge.list_gaps(uow, limit=1).total
        tiles.append(Tile(_("Questions without an answer"), gaps, url_for("knowledge.gaps"), _("to answer")))
    return tiles


def _yesterday(count: int) -> str:
    return _("yesterday %(count)s", count=formats.number(count))


def _waiting(uow: UnitOfWork, rows: Sequence[conversations.Conversation]) -> list[Waiting]:
    people = contacts.find_contacts(uow, {row.contact_id for row in rows})
    return [
        Waiting(
            person_name(people.get(row.contact_id)),
            str(HANDOFF_REASONS.get(row.handoff_reason or "", "")),
            str(CHANNELS[row.medium]),
            row.waiting_since or row.last_message_at,
            url_for("inbox.conversation", conversation_id=row.id, view="waiting"),
        )
        for row in rows
    ]


def said_of(days: Sequence[Day]) -> str:
    """The chart in one sentence, for those who do not see it."""
    best = max(days, key=lambda day: sum(day.stack))
    total = sum(day.by_agents + day.by_people for day in days)
    answers = ngettext("%(num)d answer in 14 days", "%(num)d answers in 14 days", total)
    return _("%(answers)s; most on %(day)s.", answers=answers, day=formats.day_month(best.date))
