"""What was told is remembered until it is kept, and not longer."""

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domains.channels.gateways.qr import driver_unheard
from appliance.domains.channels.gateways.qr.driver_unheard import Unheard, left_behind


def line(number):
    return b'{"number":%d}\n' % number


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=40))
def test_everything_that_was_told_and_not_kept_is_left_behind(tmp_path_factory, steps):
    """A None is one more letter, a number is what the parent has kept by then."""
    store = tmp_path_factory.mktemp("unheard") / "store.db"
    unheard, told, kept = Unheard(store), 0, 0
    for step in steps:
        if step is None:
            unheard.add(line(told))
            told += 1
        else:
            kept = max(kept, min(step, told))
            unheard.keep(step)
    left = [int(one[len('{"number":') : -1]) for one in left_behind(store)]
    assert left == sorted(left)
    assert set(range(kept, told)) <= set(left)
    if kept == told:
        assert left == []


def test_what_is_kept_does_not_pile_up(tmp_path, monkeypatch):
    monkeypatch.setattr(driver_unheard, "LARGEST", 1000)
    store = tmp_path / "store.db"
    unheard = Unheard(store)
    for number in range(1000):
        unheard.add(line(number))
        unheard.keep(number)
    assert sum(map(len, left_behind(store))) < 1500


def test_line_that_was_cut_off_was_never_told(tmp_path):
    store = tmp_path / "store.db"
    assert list(left_behind(store)) == []
    (tmp_path / "store.db-unheard").write_bytes(line(1) + b'{"num')
    assert list(left_behind(store)) == [line(1)[:-1]]
