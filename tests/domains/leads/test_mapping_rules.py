"""What a payload says: with paths, and by the names of its keys."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import Refused
from appliance.domains.contacts.queries import guess_mapping
from appliance.domains.leads.rules import mapping
from appliance.domains.leads.types import LeadField as F

NESTED = {
    "event": {"eventId": "e-9"},
    "lead": {"full_name": "Ana Lima", "contact": {"e-mail": "ana@solara.example", "celular": 11988887777}},
    "utm_source": "google", "consent": True, "tags": ["vip", "feira"],
}  # fmt: skip
ANSWERS = {"field_data": [{"name": "full_name", "values": ["Ana Lima"]}, {"name": "e-mail", "values": ["ana@solara.example"]}]}


def read(payload, **paths):
    return mapping.read(payload, {F(name): path for name, path in paths.items()}, guess_mapping)


def values(reading):
    return {str(name): found.value for name, found in reading.found.items()}


def test_keys_are_known_by_their_names_wherever_they_are():
    assert values(read(NESTED)) == {
        "event_id": "e-9", "name": "Ana Lima", "email": "ana@solara.example", "phone": "11988887777",
        "utm_source": "google", "consent": "true", "tags": "vip, feira",
    }  # fmt: skip
    assert read(NESTED).utm() == {"source": "google"}


def test_lists_of_answers_are_read_by_the_names_in_them():
    assert values(read(ANSWERS)) == {"name": "Ana Lima", "email": "ana@solara.example"}


def test_the_value_less_deep_wins():
    assert read({"a": {"email": "in@x.example"}, "email": "out@x.example"}).get(F.EMAIL) == "out@x.example"


@pytest.mark.parametrize(
    "payload",
    [
        {"k" * 100_000: dict.fromkeys(map(str, range(20_000)), 1)},
        {"k" * 100: {"k" * 100: dict.fromkeys(map(str, range(100_000)), 1)}},
    ],
)
def test_keys_that_make_paths_longer_than_what_came_take_no_more_room_than_that(payload):
    tracemalloc.start()
    assert values(read({"email": "ana@solara.example", **payload})) == {"email": "ana@solara.example"}
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 * 2**20


def test_a_path_is_taken_instead_of_the_guess_and_an_empty_one_leaves_the_field_out():
    found = read({"name": "Loja", "who": {"n": "Ana"}, "email": "a@x.example"}, name="$.who.n", email="")
    assert values(found) == {"name": "Ana"}
    assert found.found[F.NAME].guessed is False


def test_what_was_mapped_is_not_taken_for_something_else_too():
    found = read({"contato": "ana@solara.example", "pessoa": {"nome": "Ana"}}, email="$.contato")
    assert values(found) == {"name": "Ana", "email": "ana@solara.example"}


def test_a_path_to_nothing_says_nothing():
    assert read({"a": 1}, email="b.c[0]", score="sum(a)").get(F.EMAIL) == ""


@pytest.mark.parametrize("path", ["a..b", "[", "a[?", "`"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(Refused, match="is not a path"):
        mapping.check_path(path)


@pytest.mark.parametrize(("said", "score"), [("80", 80), ("7,5", 8), ("900", 100), ("-3", 0), ("hot", None), ("", None), ("1e999", None)])
def test_a_score_is_a_number_of_at_most_a_hundred(said, score):
    assert mapping.score_of(said) == score


@pytest.mark.parametrize(("said", "yes"), [("Sim", True), ("true", True), ("on", True), ("não", False), ("", False), ("false", False)])
def test_only_a_clear_yes_is_consent(said, yes):
    assert mapping.is_yes(said) is yes


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_no_payload_breaks_the_reading_and_every_guess_leads_somewhere(payload):
    for path in mapping.suggest(payload, guess_mapping).values():
        mapping.check_path(path)
    read(payload)


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_a_key_of_any_signs_is_found_again(key, value):
    assert read({"x": {key: {"email": value}}}).get(F.EMAIL) == value.replace("\x00", "").strip()


@pytest.mark.parametrize("path", ["|".join(["[@,@]"] * 42), "to_string(" * 25 + "@" + ")" * 25], ids=["lists of lists", "quotes of quotes"])
def test_a_path_that_doubles_what_it_finds_again_and_again_is_refused(path):
    with pytest.raises(Refused):
        mapping.check_path(path)
    assert values(read({"a": 1}, name=path)) == {"name": ""}


@pytest.mark.parametrize(("path", "said"), [("join(' ', [a, b, c])", "x y z"), ("l[1:3]", "2, 3"), ("{n: a}.n", "x")])
def test_a_path_may_put_together(path, said):
    assert values(read({"a": "x", "b": "y", "c": "z", "l": [1, 2, 3]}, name=path))["name"] == said
