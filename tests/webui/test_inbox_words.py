"""Whoever opens a conversation that waits reads why in words."""

import pytest

from appliance.domains.agents.types import Reason
from webui.inbox.presenting import HANDOFF_REASONS

SAID_ELSEWHERE = ("asked_by_colleague", "no_agent", "unassigned")


@pytest.mark.parametrize("reason", [*Reason, *SAID_ELSEWHERE])
def test_every_reason_for_calling_a_person_is_said_in_words(reason):
    assert str(HANDOFF_REASONS[reason]) != reason
