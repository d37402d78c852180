"""A linked number whose network goes, for an hour, with messages waiting: none is lost, none is sent twice, none overtakes another."""

from dataclasses import replace
from datetime import timedelta
from itertools import accumulate, count

import pytest

from appliance.domains.channels.rules import linking, warming
from appliance.domains.channels.types import LinkState
from appliance.domains.conversations.types import MessageStatus
from tests.domains.channels.qr.conftest import (  # noqa: F401 - fixtures
    QUICK,
    await_link,
    begin,
    link,
    number,
    opened,
    phones,
    said,
    settings,
    watch,
)

pytestmark = pytest.mark.only_database("sqlite")
HOUR = timedelta(hours=1)
# so many tries take an hour at least, however chance falls
TRIES = next(tries for tries, gone in enumerate(accumulate(linking.retry_after(at, 408, 0) for at in count(1)), 1) if gone >= HOUR)
TEXTS = ["um", "dois", "três"]


@pytest.fixture
def patience():
    """An hour of the link's own waiting takes it some seconds."""
    return replace(QUICK, retries=0.001, reopening=0.5)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """A person's pace takes a person's time."""
    monkeypatch.setattr(warming, "_STEPS", ((0, 1000, 0.01),))


def test_a_linked_number_without_a_network_for_an_hour(opened, phones, await_link, inbox, say, hours, message, run_deliveries):  # noqa: F811, PLR0917
    def words():
        return [text for sent in phones.sent if (text := sent["content"]["text"]) in TEXTS]

    phones.say(said("Bom dia"))
    await_link(lambda _row: run_deliveries() is not None and inbox())
    talk = inbox()[0][0].id
    phones.drop()
    await_link(lambda row: row.state is not LinkState.OPEN)
    ids = [say(talk, text) for text in TEXTS]
    hours.pass_(HOUR)
    row = await_link(lambda row: row.attempts > TRIES, timeout_s=300)
    assert (row.wanted, row.ending, row.retry_at is None) == (True, None, False)
    assert ({message(one).status for one in ids}, words()) == ({MessageStatus.QUEUED}, [])
    phones.come_back()
    await_link(LinkState.OPEN)
    hours.pass_(timedelta(minutes=1))
    assert words() == TEXTS
    assert {message(one).status for one in ids} == {MessageStatus.SENT}
