from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.ops.rules import journals, sets, timing
from appliance.domains.ops.rules.addresses import Place, place_of
from appliance.domains.ops.types import BASE, DATABASE, FILES, KEYS, UNREAD, WAL, BackupSet, Snapshot

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(("address", "place"), [
    ("/mnt/usb/box", Place("folder", "/mnt/usb/box")),
    ("sftp:ana@nas.lan:/srv/box", Place("sftp", "/srv/box", "nas.lan", 22, "ana")),
    ("sftp:nas.lan:box", Place("sftp", "box", "nas.lan", 22)),
    ("sftp://ana@nas.lan:2222//srv/box", Place("sftp", "/srv/box", "nas.lan", 2222, "ana")),
    ("s3:https://s3.example.com/bucket/box", Place("s3", "/bucket/box", "s3.example.com", 443)),
    ("s3:http://127.0.0.1:9000/bucket", Place("s3", "/bucket", "127.0.0.1", 9000)),
    ("s3:s3.example.com/bucket", None), ("s3:https://s3.example.com/", None), ("sftp:nas", None), ("box", None), ("rclone:x:y", None),
])  # fmt: skip
def test_place_of_an_address(address, place):
    assert place_of(address) == place


def test_after_failures_the_box_tries_sooner_than_planned_and_then_less_often():
    ways = [timing.next_try(every=DAY, last_begun=NOW, failures=number, now=NOW) - NOW for number in range(12)]
    assert ways[:4] == [DAY, timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1)]
    assert max(ways) == DAY
    assert timing.next_try(every=DAY, last_begun=None, failures=0, now=NOW) == NOW


def test_a_backup_leaves_the_journal_a_fifth_of_the_turn():
    shares = [timing.share_of_turn(left, 3300, has_journal=is_kept) for left in (3300, 1500) for is_kept in (False, True)]
    assert shares == [3300, 2640, None, None]


def test_a_box_without_a_good_backup_is_overdue():
    assert timing.is_overdue(None, DAY, NOW)
    assert timing.is_overdue(NOW - 2 * DAY, DAY, NOW)
    assert not timing.is_overdue(NOW, DAY, NOW)


def test_what_the_clock_dated_into_the_future_does_not_count():
    assert timing.next_try(every=DAY, last_begun=NOW + DAY, failures=0, now=NOW) == NOW
    assert timing.is_overdue(NOW + DAY, DAY, NOW)
    assert not timing.is_overdue(NOW + timedelta(seconds=2), DAY, NOW)


def chain(*parts):
    return [Snapshot(f"{part}{place}", part, "", "", NOW, place, chain="a", moment=moment) for place, (part, moment) in enumerate(parts)]


def test_a_time_that_a_clock_put_back_makes_unclear_has_no_way():
    ahead = chain((BASE, 5), (WAL, 10), (WAL, 500), (WAL, 20), (WAL, 30))
    assert journals.way_to(ahead, 8).journals[-1].moment == 10
    assert journals.way_to(ahead, 18) is None  # PostgreSQL would stop where its clock said 500
    assert journals.way_to(ahead, 25) is None
    behind = chain((BASE, 5), (WAL, 10), (WAL, 500), (WAL, 20), (BASE, 21), (WAL, 30))
    assert journals.way_to(behind, 25).base.number == 4


def test_times_that_can_be_named_are_those_that_have_a_way():
    whole = chain((BASE, 5), (WAL, 10), (WAL, 500), (WAL, 20), (BASE, 21), (WAL, 30))
    assert journals.clear(whole) == [(5, 10), (21, 30)]
    for moment in range(40):
        named = any(since <= moment <= until for since, until in journals.clear(whole))
        assert named == (journals.way_to(whole, moment) is not None), moment
    assert journals.clear(chain((BASE, 5), (WAL, 10), (BASE, 11), (WAL, 30))) == [(5, 30)]
    assert journals.clear(chain((WAL, 10), (BASE, 11))) == []


def test_of_journals_that_begin_alike_a_restore_takes_the_last():
    told = [replace(one, begins=begins) for one, begins in zip(chain(*[(WAL, 1)] * 6), ("a", "a", "b", "", "", "c"), strict=True)]
    assert [one.id for one in journals.needed(told)] == ["wal1", "wal2", "wal3", "wal4", "wal5"]


def test_behind_a_clock_that_leapt_another_base_is_wanted_and_no_time_is_promised():
    every, kept = timedelta(seconds=1000), {"chain": "a"}
    leapt = [(BASE, 5), (WAL, 10), (BASE, 500), (WAL, 510), (WAL, 20)]
    assert journals.clear(chain(*leapt)) == [(5, 10)]
    assert journals.wants_base(chain(*leapt), every=every, **kept)
    assert journals.wants_base(chain((BASE, 5), (WAL, 10), (WAL, 500), (WAL, 20)), every=every, **kept)
    assert not journals.wants_base(chain(*leapt, (BASE, 21), (WAL, 30)), every=every, **kept)
    assert journals.clear(chain(*leapt, (BASE, 21), (WAL, 30))) == [(5, 10), (21, 30)]
    assert journals.wants_base(chain((BASE, 5), (WAL, 2000)), every=every, **kept)
    assert journals.wants_base([], every=every, **kept)


def test_days_pass_by_what_was_stored_and_not_by_a_clock_that_leaps():
    hour = 3600
    steps = [(BASE if place in (0, 25) else WAL, hour * place) for place in range(51)]
    kept = {"chain": "a", "only_chain": False}
    assert journals.outlived(chain(*steps[:26]), days=1, **kept) == []
    assert journals.outlived(chain(*steps), days=1, **kept) == [one.id for one in chain(*steps[:25])]
    for leapt in (9 * 24 * hour, 9000 * 24 * hour):
        ahead = [*steps[:26], *((part, moment + leapt) for part, moment in steps[26:36])]
        assert journals.outlived(chain(*ahead), days=1, **kept) == []
        assert journals.outlived(chain(*ahead, *steps[36:40]), days=1, **kept) == []
    orphan = [*steps[:3], (BASE, 3 * hour), *steps[3:]]
    alone = [replace(one, chain="b") if one.id == "base3" else one for one in chain(*orphan)]
    assert "base0" not in journals.outlived(alone[:40], days=1, **kept)  # of a machine that did not take over in the end


def snapshots(*moments):
    """Newest first."""
    return [
        Snapshot(f"{part}{place}", part, str(place), "", at, len(moments) - place)
        for place, at in enumerate(moments) for part in (DATABASE, FILES)
    ]  # fmt: skip


def test_the_newest_is_the_last_one_whatever_the_clock_said():
    taken = snapshots(NOW, NOW + DAY)
    keys = [Snapshot("ahead", KEYS, "", "a", NOW + DAY, 1), Snapshot("now", KEYS, "", "b", NOW, 2)]
    assert [one.id for one in sets.whole_sets(taken)] == ["0", "1"]
    assert sets.newest_keys([*taken, *keys]).id == "now"
    assert sets.dispensable([*taken, *keys], {"0", "1"}) == ["ahead"]
    assert sets.next_number([*taken, *keys]) == 3
    assert sets.next_number([]) == 1


def test_keys_of_a_backup_that_did_not_end_take_no_place():
    taken, half = snapshots(NOW - DAY), Snapshot("half", DATABASE, "9", "", NOW, 2)
    keys = [Snapshot("whole", KEYS, "", "a", NOW - DAY, 1), Snapshot("half-keys", KEYS, "", "b", NOW, 2)]
    assert sets.newest_keys([*taken, half, *keys]).id == "whole"
    assert sets.last_keys([*taken, half, *keys]).id == "half-keys"
    assert sets.dispensable([*taken, half, *keys], {"0"}) == ["half", "half-keys"]


def test_files_that_were_not_all_read_make_no_backup():
    unread = Snapshot("unread", UNREAD, "9", "", NOW, 2)
    assert sets.whole_sets([Snapshot("database", DATABASE, "9", "", NOW, 2), unread]) == []
    assert sets.dispensable([*snapshots(NOW), unread], {"0"}) == ["unread"]


def test_half_a_backup_and_older_keys_may_go():
    taken = snapshots(NOW, NOW - DAY)
    half = Snapshot("half", DATABASE, "9", "", NOW)
    keys = [Snapshot("old", KEYS, "", "a", NOW - DAY, 1), Snapshot("new", KEYS, "", "b", NOW, 2)]
    foreign = Snapshot("else", "", "", "", NOW)
    assert sets.dispensable([*taken, half, *keys, foreign], {"0", "1"}) == ["half", "old"]
    assert sets.dispensable([*taken, *keys], {"0"}) == ["database1", "files1", "old"]


@given(st.lists(st.integers(0, 800), unique=True, max_size=60), st.integers(1, 4), st.integers(1, 9), st.integers(0, 5), st.integers(0, 5))
def test_the_newest_of_each_kept_day_stays(days, last, daily, weekly, monthly):
    found = sets.whole_sets(snapshots(*(NOW - day * DAY for day in days)))
    stay = sets.kept(found, last=last, daily=daily, weekly=weekly, monthly=monthly)
    newest = [one.id for one in found]
    assert set(newest[: max(last, daily)]) <= stay
    assert len(stay) <= last + daily + weekly + monthly
    again = sets.kept([one for one in found if one.id in stay], last=last, daily=daily, weekly=weekly, monthly=monthly)
    assert again == stay


def test_of_one_day_only_the_newest_stays():
    found = [BackupSet(str(hour), NOW - timedelta(hours=hour), "", "") for hour in range(6)]
    assert sets.kept(found, last=1, daily=7, weekly=4, monthly=12) == {"0"}
