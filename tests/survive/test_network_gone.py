"""An hour without a network, by each channel: what was written waits where people see it, and leaves once each, in order."""

import re
from datetime import timedelta

import pytest

from appliance.domains.channels.types import ChannelStatus
from appliance.domains.conversations.types import MessageStatus

pytestmark = pytest.mark.only_database("sqlite")
TEXTS = ["um", "dois", "três"]
HOUR = timedelta(hours=1)


def test_whatsapp_cloud_without_a_network_for_an_hour(say, conversation_id, line, graph, hours, message, channel, cloud, impatient):  # noqa: PLR0917
    line.cut("silent")
    ids = [say(conversation_id, text) for text in TEXTS]
    with impatient():
        hours.pass_(HOUR)
    assert {message(one).status for one in ids} == {MessageStatus.QUEUED}
    assert re.search("does not answer|did not answer several times", message(ids[0]).error), "by chance the last try met the breaker"
    assert channel(cloud).status is ChannelStatus.FAILING
    line.mend()
    hours.pass_(HOUR)
    assert graph.bodies() == TEXTS
    assert {message(one).status for one in ids} == {MessageStatus.SENT}
    assert channel(cloud).status is ChannelStatus.CONNECTED
