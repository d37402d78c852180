"""Who looks like whom."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.contacts.rules import duplicates, spreadsheets
from appliance.domains.contacts.rules.duplicates import Card
from appliance.domains.contacts.rules.emails import normalise_email
from appliance.domains.contacts.rules.text import unscrambled
from appliance.domains.contacts.types import Likeness

PHONE, OTHER_PHONE = "+5511988887777", "+5511955554444"


def card(name="", company=None, email=None, phone=None, document=None):
    return Card(uuid4(), name, company, email, phone, document)


def likeness(one, other):
    found = duplicates.compare(one, other)
    return None if found is None else found.likeness


ALIKE = [
    (card("Mércia Damasceno Lacerda", phone=PHONE), card("M?RCIA DAMASCENO  LACERDA", email="m@x.example"), Likeness.NAME),
    (card("Firmino Sampaio", phone=PHONE), card("Sampaio, Firmino", email="f@x.example"), Likeness.NAME),
    (card("Ana Souza", "Sol Ltda", phone=PHONE), card("Ana Paula Souza", "Sol", phone=OTHER_PHONE), Likeness.NAME_AND_COMPANY),
    (card("A. Souza", document=b"1"), card("Ana Souza", document=b"1"), Likeness.DOCUMENT),
]
APART = [
    (card("Ana Souza", phone=PHONE), card("Ana Souza", phone=OTHER_PHONE)),  # namesakes
    (card("Ana Souza", email="a@x.example"), card("Ana Souza", email="b@x.example", phone=PHONE)),
    (card("Ana Souza", "Padaria Sol"), card("Ana Souza", "Oficina Lua")),
    (card("Ana Souza", document=b"1"), card("Ana Souza", document=b"2")),
    (card("Ana Souza", "Padaria Sol"), card("Bia Souza", "Padaria Sol")),
    (card("Ana Souza"), card("Caio Prado")),
    (card("Cliente da Loja 1042", "Sol"), card("Cliente da Loja 1043", "Sol")),
]


@pytest.mark.parametrize(("one", "other", "why"), ALIKE)
def test_people_who_may_be_one_are_found_whichever_comes_first(one, other, why):
    assert likeness(one, other) is likeness(other, one) is why
    assert duplicates.compare(one, other) == duplicates.compare(other, one)
    assert set(duplicates.keys(one)) & set(duplicates.keys(other))


@pytest.mark.parametrize(("one", "other"), APART)
def test_people_of_whom_something_differs_that_should_not_are_two(one, other):
    assert likeness(one, other) is None


def test_a_first_name_alone_says_nothing():
    assert list(duplicates.keys(card("Ana", phone=PHONE))) == []


def test_a_name_that_many_bear_is_not_compared():
    namesakes = [card("João da Silva") for _number in range(duplicates.MOST_NAMESAKES + 1)]
    assert duplicates.groups((one.id, duplicates.keys(one)) for one in namesakes) == []
    [few] = duplicates.groups((one.id, duplicates.keys(one)) for one in namesakes[:3])
    assert len(list(duplicates.pairs([one for one in namesakes if one.id in few]))) == 3


@given(st.lists(st.tuples(st.uuids(), st.sampled_from("ab")), max_size=40))
def test_groups_hold_nobody_alone_and_never_too_many(named):
    people: dict[UUID, str] = dict(named)
    found = duplicates.groups((person, [f"name {key}"]) for person, key in people.items())
    assert all(1 < len(group) <= duplicates.MOST_NAMESAKES for group in found)


@given(st.text(), st.text())
def test_no_name_breaks_it(one, other):
    duplicates.compare(card(one), card(other))
    list(duplicates.keys(card(one, other)))


@pytest.mark.parametrize("name", ["João Inácio", "CONCEIÇÃO", "Ágata", "Íris Útil Órfã", "Zoë", "naïve", "“aspas”"])
def test_a_name_that_was_read_in_the_wrong_encoding_is_whole_again(name):
    wrong = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in name.encode())
    assert unscrambled(wrong) == unscrambled(name) == name


@given(st.text(alphabet="abcãéç ÂÃ"))
def test_what_was_not_scrambled_stays(text):
    assert unscrambled(unscrambled(text)) == unscrambled(text)
    assert "Ã" in text or "Â" in text or unscrambled(text) == text


def test_a_row_that_was_written_with_another_delimiter_is_read_with_that_one():
    text = 'id;nome;email\n1;Ana;ana@x.example\n2,Bia,"bia@x.example"\n3 Caio\n4,"Davi, o velho",d@x.example\n'
    rows = [row.cells for row in spreadsheets.iter_rows(text.encode(), "utf-8", ";")]
    assert rows[2:] == [("2", "Bia", "bia@x.example"), ("3 Caio",), ("4", "Davi, o velho", "d@x.example")]


def test_a_single_column_is_never_cut():
    rows = spreadsheets.iter_rows(b"nome\nSouza, Ana\n", "utf-8", ";")
    assert [row.cells for row in rows] == [("nome",), ("Souza, Ana",)]


@pytest.mark.parametrize("raw", [" ana@x.example;", "<ana@x.example>", '"ana@x.example",'])
def test_an_address_copied_out_of_a_list_is_an_address(raw):
    assert normalise_email(raw) == "ana@x.example"
