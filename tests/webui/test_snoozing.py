from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from webui.inbox import snoozing

SAO_PAULO = ZoneInfo("America/Sao_Paulo")


@pytest.mark.parametrize(
    ("now", "offered"),
    [
        ("2026-11-18T10:00-03:00", ["18 11:00", "18 18:00", "19 09:00", "23 09:00"]),  # a Wednesday morning
        ("2026-11-18T17:00-03:00", ["18 18:00", "19 09:00", "23 09:00"]),
        ("2026-11-22T23:30-03:00", ["23 00:30", "23 09:00"]),  # on Sunday tomorrow is Monday
    ],
)
def test_times_to_come_are_offered_in_the_readers_own_day(now, offered):
    found = snoozing.choices(datetime.fromisoformat(now).astimezone(UTC), SAO_PAULO)
    assert [moment.strftime("%d %H:%M") for _words, moment in found] == offered
    assert all(moment > datetime.fromisoformat(now) for _words, moment in found)
