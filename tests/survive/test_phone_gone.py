"""A linked number whose network goes, for an hour, with messages waiting: none is lost, none is sent twice, none overtakes another."""

from datetime import timedelta

import pytest

from appliance.domains.channels.rules import warming
from appliance.domains.channels.types import LinkState
from appliance.domains.conversations.types import MessageStatus
from tests.domains.channels.qr.conftest import (  # noqa: F401 - fixtures
    await_link,
    begin,
    link,
    number,
    opened,
    patience,
    phones,
    said,
    settings,
    watch,
)

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """A person's pace takes a person's time."""
    monkeypatch.setattr(warming, "_STEPS", ((0, 1000, 0.01),))


def test_a_linked_number_without_a_network_for_an_hour(opened, phones, await_link, inbox, say, hours, message, run_deliveries):  # noqa: F811, PLR0917
    phones.say(said("Bom dia"))
    await_link(lambda _row: run_deliveries() is not None and inbox())
    talk = inbox()[0][0].id
    phones.drop()
    await_link(lambda row: row.state is not LinkState.OPEN)
    ids = [say(talk, text) for text in ("um", "dois", "três")]
    hours.pass_(timedelta(hours=1))
    assert ({message(one).status for one in ids}, phones.sent) == ({MessageStatus.QUEUED}, [])
    phones.come_back()
    await_link(LinkState.OPEN)
    hours.pass_(timedelta(minutes=1))
    assert [sent["content"]["text"] for sent in phones.sent] == ["um", "dois", "três"]
    assert {message(one).status for one in ids} == {MessageStatus.SENT}
