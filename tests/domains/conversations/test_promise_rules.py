"""What is promised by working time."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from appliance.core.ids import new_id
from appliance.core.working_hours import Calendar, Span
from appliance.domains.conversations.rules import promises
from appliance.domains.conversations.rules.promises import Scope
from appliance.domains.conversations.types import Priority, PromiseEnd, PromiseKind

SP = ZoneInfo("America/Sao_Paulo")
OFFICE = Calendar(SP, tuple(Span(day, time(9), time(18)) for day in range(5)))
FIRST, NEXT, RESOLUTION = PromiseKind
HOUR = timedelta(hours=1)


def at(day, hour, minute=0):
    """In São Paulo, November 2026: the 16th is a Monday."""
    return datetime(2026, 11, day, hour, minute, tzinfo=SP)


def test_near_is_when_a_quarter_of_the_time_is_left_also_of_what_went_on_after_a_pause():
    found = promises.times(OFFICE, at(16, 10), 2 * HOUR, 2 * HOUR)
    assert (found.warn_at, found.due_at) == (at(16, 11, 30), at(16, 12))
    rest = promises.times(OFFICE, at(16, 10), timedelta(minutes=20), 2 * HOUR)
    assert (rest.warn_at, rest.due_at) == (at(16, 10), at(16, 10, 20))


def test_the_policy_that_speaks_most_closely_is_taken():
    channel, team = new_id(), new_id()
    general, of_channel, of_team, of_both = (
        Scope(new_id(), None, None), Scope(new_id(), channel, None), Scope(new_id(), None, team), Scope(new_id(), channel, team),
    )  # fmt: skip
    scopes = [of_both, general, of_team, of_channel]
    assert promises.choose(scopes, channel_id=channel, team_id=team) == of_both.id
    assert promises.choose(scopes, channel_id=new_id(), team_id=team) == of_team.id
    assert promises.choose(scopes, channel_id=channel, team_id=None) == of_channel.id
    assert promises.choose(scopes, channel_id=new_id(), team_id=None) == general.id
    assert promises.choose([of_team], channel_id=channel, team_id=None) is None


def test_an_answer_is_promised_once_and_an_end_once():
    targets = {FIRST: 15, NEXT: 30, RESOLUTION: None}
    assert promises.wanted(targets, (), is_taken=False) == {FIRST: 15}
    assert promises.wanted(targets, (), is_taken=True) == {NEXT: 30}
    assert promises.wanted({**targets, RESOLUTION: 99}, {FIRST}, is_taken=True) == {RESOLUTION: 99}
    assert promises.wanted({}, (), is_taken=True) == {}


def test_what_came_late_was_missed():
    noon = at(16, 12)
    assert promises.verdict(noon, noon, is_kept=True) is PromiseEnd.MET
    assert promises.verdict(noon, noon - HOUR, is_kept=False) is PromiseEnd.DROPPED
    assert promises.verdict(noon, noon + HOUR, is_kept=False) is PromiseEnd.MISSED
    assert promises.verdict(None, noon, is_kept=True) is PromiseEnd.MET


def test_why_a_person_is_called_makes_it_more_urgent_never_less():
    assert promises.raised(Priority.NORMAL, "complaint") is Priority.HIGH
    assert promises.raised(Priority.LOW, "emergency") is Priority.URGENT
    assert promises.raised(Priority.URGENT, "complaint") is Priority.URGENT
    assert promises.raised(Priority.LOW, "wants_person") is Priority.LOW


def test_who_is_told():
    ana, bia, boss, chief = new_id(), new_id(), new_id(), new_id()
    tell = promises.whom_to_tell
    assert tell(assignee_id=ana, team={bia}, managers={boss}, is_missed=False) == {ana}
    assert tell(assignee_id=None, team={ana, bia}, managers={boss}, is_missed=False) == {ana, bia}
    assert tell(assignee_id=None, team=(), managers={boss, chief}, is_missed=False) == {boss, chief}
    assert tell(assignee_id=ana, team={ana, boss}, managers={boss, chief}, is_missed=True) == {ana, boss}
    assert tell(assignee_id=ana, team=(), managers={boss, chief}, is_missed=True) == {ana, boss, chief}
