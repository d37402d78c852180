"""What was said about a contact, and what is kept of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.contacts.errors import InvalidField, MergeRefused
from appliance.domains.contacts.rules import fields, merges, text
from appliance.domains.contacts.types import Identity, IdentityKind

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_only_what_was_given_is_kept():
    assert fields.columns({"name": "Ana"}, "BR") == {"name": "Ana"}


def test_given_fields_become_canonical_columns():
    kept = fields.columns({"email": "Ana@X.example", "phone": "11 98888-7777", "document": "529.982.247-25", "tags": ["B", "a "]}, "BR")
    assert kept == {
        "email": "ana@x.example",
        "phone_raw": "11 98888-7777",
        "phone_e164": "+5511988887777",
        "phone_invalid": False,
        "document": "52998224725",
        "tags": ["a", "b"],
    }


def test_an_impossible_phone_is_flagged_and_kept():
    assert fields.columns({"phone": "123"}, "BR") == {"phone_raw": "123", "phone_e164": None, "phone_invalid": True}


@pytest.mark.parametrize("nothing", [None, ""])
def test_a_field_can_be_emptied(nothing):
    assert fields.columns({"email": nothing, "document": nothing, "phone": nothing}, "BR") == {
        "email": None, "document": None, "phone_raw": None, "phone_e164": None, "phone_invalid": False,
    }  # fmt: skip


@pytest.mark.parametrize("field", ["email", "document"])
def test_what_cannot_be_is_refused_by_name(field):
    with pytest.raises(InvalidField) as refused:
        fields.columns({field: "nonsense"}, "BR")
    assert list(refused.value.fields) == [field] == [refused.value.field]


GOOD_PHONE = {"phone_raw": "11 98888-7777", "phone_e164": "+5511988887777", "phone_invalid": False}
BAD_PHONE = {"phone_raw": "123", "phone_e164": None, "phone_invalid": True}
NO_PHONE = {"phone_raw": None, "phone_e164": None, "phone_invalid": False}


def test_completing_overwrites_nothing():
    known = {"name": "Ana", "company": None, "tags": ["a"], "attributes": {"cor": "azul"}}
    kept = {"name": "Aninha", "company": "Solara", "tags": ["b"], "attributes": {"cor": "verde", "time": "sul"}, "region": None}
    assert fields.completion(known, kept) == {"company": "Solara", "tags": ["a", "b"], "attributes": {"cor": "azul", "time": "sul"}}


@pytest.mark.parametrize(
    ("known", "kept", "left"),
    [
        (NO_PHONE, GOOD_PHONE, GOOD_PHONE),
        (NO_PHONE, BAD_PHONE, BAD_PHONE),
        (BAD_PHONE, GOOD_PHONE, GOOD_PHONE),
        (BAD_PHONE, {"phone_e164": "+5511988887777"}, GOOD_PHONE | {"phone_raw": "123"}),
        (GOOD_PHONE, BAD_PHONE, GOOD_PHONE),
        (GOOD_PHONE, {"phone_raw": "x", "phone_e164": "+14155552671", "phone_invalid": False}, GOOD_PHONE),
        (BAD_PHONE, BAD_PHONE | {"phone_raw": "456"}, BAD_PHONE),
    ],
)
def test_a_phone_replaces_only_one_that_is_none(known, kept, left):
    assert known | fields.completion(known, kept) == left


@given(st.dictionaries(st.sampled_from(["name", "email", "region", "document"]), st.none() | st.text(max_size=3)))
def test_completing_twice_adds_nothing(kept):
    once = fields.completion({}, kept)
    assert fields.completion(once, kept) == {}


def test_columns_name_their_identities():
    assert fields.identities_in({"email": "a@b.example", "phone_e164": None}) == [Identity(IdentityKind.EMAIL, "a@b.example")]
    assert fields.identities_in({"phone_e164": "+5511988887777"}) == [Identity(IdentityKind.PHONE, "+5511988887777")]


def test_what_is_searched_is_folded_and_leaves_out_what_is_empty():
    assert text.search_text(["Ana", None, "", "São"]) == "ana sao"


@given(st.lists(st.text(max_size=10)))
def test_tags_are_tidy_once_and_for_all(tags):
    tidy = text.tidy_tags(tags)
    assert tidy == sorted(set(tidy)) == text.tidy_tags(tidy)
    assert "" not in tidy


def undo(*, age=timedelta(days=1), undone_at=None, merged_again=False):
    merges.check_may_undo(merged_at=NOW - age, undone_at=undone_at, merged_again=merged_again, now=NOW)


def test_a_merge_is_undone_within_thirty_days():
    undo(age=timedelta(days=30))


@pytest.mark.parametrize("reason", [{"age": timedelta(days=30, seconds=1)}, {"undone_at": NOW}, {"merged_again": True}])
def test_a_merge_is_not_undone_late_twice_or_out_of_order(reason):
    with pytest.raises(MergeRefused):
        undo(**reason)
