"""What the end of a link means, how fast a young number may speak, and what makes it risky."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.channels.rules import linking, risk, warming
from appliance.domains.channels.types import Ending, Factor

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize(("code", "ending"), [
    (401, Ending.LOGGED_OUT), (403, Ending.BANNED), (405, Ending.OUTDATED), (440, Ending.REPLACED), (500, None),
    (408, None), (428, None), (503, None), (515, None), (0, None),
])
def test_what_a_person_must_mend_is_not_tried_again(code, ending):
    assert linking.ending_of(code) is ending


def test_every_ending_is_told_in_a_sentence():
    assert set(linking.SENTENCES) == set(Ending)


@given(st.integers(1, 100_000), st.floats(0, 1))
def test_waits_grow_to_their_most_and_a_link_is_tried_for_as_long_as_it_takes(attempt, chance):
    wait = linking.retry_after(attempt, 408, chance)
    assert timedelta(seconds=1) <= wait <= linking.retry_after(attempt + 1, 408, chance)
    assert wait <= timedelta(seconds=linking.LONGEST_WAIT_S * 1.5)


@given(st.integers(1, 100_000))
def test_numbers_that_were_lost_together_come_back_scattered(attempt):
    assert linking.retry_after(attempt, 408, 1) == linking.retry_after(attempt, 408, 0) * 3


@pytest.mark.parametrize(("issuer", "refused"), [("", False), ("smb:wa", False), ("ent:wa", True), ("other:wa", True)])
def test_a_number_of_the_free_business_app_is_no_verified_one(issuer, refused):
    assert linking.is_verified(issuer) is refused


@given(st.integers(1, 200), st.floats(0, 1))
def test_a_phone_that_cannot_be_told_is_tried_at_most_every_hour_and_a_bounded_number_of_times(attempt, chance):
    wait = linking.leave_again_after(attempt, chance)
    assert timedelta(seconds=15) <= wait <= timedelta(hours=1.5)
    tries = [linking.leave_again_after(number, 0) for number in range(1, 61)]
    assert sum(tries, timedelta(0)) > linking.LEAVE_FOR


def test_a_restart_that_whatsapp_asks_for_is_at_once():
    assert linking.retry_after(1, 515, 0.5) == timedelta(0)


@given(st.integers(0, 400), st.integers(0, 400))
def test_an_older_link_may_never_do_less(younger, more):
    first, second = (warming.pace_of(timedelta(days=days)) for days in (younger, younger + more))
    assert first.per_day <= second.per_day
    assert first.spacing_s >= second.spacing_s


def test_the_organisation_may_only_lower_what_a_number_does_in_a_day():
    assert warming.pace_of(timedelta(0), 10).per_day == 10
    assert warming.pace_of(timedelta(0), 900).per_day == warming.pace_of(timedelta(0)).per_day


@given(st.integers(0, 60), st.integers(0, 2000), st.floats(0, 1))
def test_a_turn_is_never_in_the_past_and_the_next_is_later(age, sent, chance):
    pace = warming.pace_of(timedelta(days=age))
    at, following = warming.next_turn(pace, taken_on=lambda day: sent if day == NOW.date() else 0, free_at=None, now=NOW, chance=chance)
    assert NOW <= at < following
    assert (at.date() > NOW.date()) is (sent >= pace.per_day)


@given(st.integers(0, 60), st.integers(1, 400))
def test_no_day_gets_more_than_its_number_however_much_waits(age, waiting):
    pace, free_at, taken = warming.pace_of(timedelta(days=age), 20), None, Counter()
    for _ in range(waiting):
        at, free_at = warming.next_turn(pace, taken_on=taken.__getitem__, free_at=free_at, now=NOW, chance=0.5)
        taken[at.date()] += 1
    assert max(taken.values()) <= pace.per_day
    assert len(taken) == -(-waiting // pace.per_day)


def test_a_calm_old_number_is_harmless_and_a_young_loud_one_is_not():
    calm = risk.readings(risk.Week(400, 5, 1000, sent=40, received=50, refused=0, reconnects_today=0))
    loud = risk.readings(risk.Week(1, 30, 30, sent=60, received=3, refused=5, reconnects_today=9))
    assert risk.level_of(risk.total(calm)) == "ok"
    assert risk.advice(calm) == []
    assert risk.level_of(risk.total(loud)) == "bad"
    assert Factor.VOLUME in risk.advice(loud)


def test_one_bad_factor_is_not_averaged_away():
    refused = risk.readings(risk.Week(400, 0, 1000, sent=0, received=0, refused=9, reconnects_today=0))
    assert [one.level for one in refused if one.factor is Factor.REFUSALS] == ["bad"]
    assert risk.total(refused) == 50


@given(st.builds(risk.Week, *(st.integers(0, 5000) for _ in range(7))))
def test_risk_is_a_hundred_at_most(week):
    assert all(0 <= one.score <= 100 for one in risk.readings(week))
    assert 0 <= risk.total(risk.readings(week)) <= 100
