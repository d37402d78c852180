"""Who is named behind an @ in a group: a number for WhatsApp, a name for people."""

from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.channels.rules import mentions
from appliance.domains.channels.types import Member

DAVI, EVA = "111222333@lid", "5531999990002@s.whatsapp.net"
JIDS = st.integers(10_000, 10**14).map(lambda user: f"{user}@lid")


def test_a_number_becomes_a_name_only_where_somebody_is_named():
    text, named = mentions.with_names("@111222333, @5531999990002! (@99999) a@111222333", {DAVI: "Davi", EVA: ""})
    assert text == "@Davi, @5531999990002! (@99999) a@Davi"
    assert named == [{"jid": DAVI, "name": "Davi"}, {"jid": EVA, "name": "5531999990002"}, {"jid": DAVI, "name": "Davi"}]


def test_the_beginning_of_a_longer_number_names_nobody():
    assert mentions.with_names("@1112223334", {DAVI: "Davi"}) == ("@1112223334", [])


def test_many_times_the_same_long_name_does_not_make_a_book_of_a_message():
    written = "@111222333 " * 5_000
    text, named = mentions.with_names(written, {DAVI: "D" * 200})
    assert (len(named), len(text) < 2 * len(written)) == (mentions.MOST_CALLS, True)
    assert mentions.with_numbers(text, named) == written


@given(st.lists(st.tuples(JIDS, st.sampled_from(["Ana", "Ana Paula", "+5511988887777", ""])), max_size=6), st.text("ab \n.", max_size=3))
def test_what_people_read_is_written_back_as_it_came(known, gap):
    names = dict(known)
    text = gap + " ".join(f"@{mentions.user_of(jid)}{gap}" for jid, _ in known)
    assert mentions.with_numbers(*mentions.with_names(text, names)) == text


def test_what_has_no_text_of_its_own_stays_as_it_is():
    for content in ({"text": "oi"}, {"mentions": [{"jid": DAVI, "name": "Davi"}]}):
        assert mentions.as_written(content) == content
    assert mentions.as_written({"text": "@Davi", "mentions": [{"jid": DAVI, "name": "Davi"}]})["text"] == "@111222333"


def test_a_whole_name_names_whom_it_fits_alone():
    bia = [("Bia", "5@lid")]
    known = [("Ana", "1@lid"), ("Ana Paula", "2@lid"), ("Rui", "3@lid"), ("rui", "4@lid"), *bia, *bia, ("", "6@lid")]
    assert mentions.find_named("@ana paula e @Ana, @Rui, @Bia, x@Ana, @Anabel", known) == [
        {"jid": "2@lid", "name": "ana paula"}, {"jid": "1@lid", "name": "Ana"}, {"jid": "5@lid", "name": "Bia"},
    ]  # fmt: skip
    assert mentions.find_named("@Ana", [("Rui", "3@lid"), ("Rui", "4@lid")]) == []
    assert mentions.find_named("Ana", known) == []
    assert mentions.find_named("@Ana @casa, @Weiß", [("Ana @casa", "1@lid"), ("casa", "2@lid"), ("Weiß", "3@lid")]) == [
        {"jid": "1@lid", "name": "Ana @casa"}, {"jid": "3@lid", "name": "Weiß"},
    ]  # fmt: skip


def test_many_calls_in_a_large_group_are_looked_up_and_not_tried_one_by_one():
    known = [(f"Pessoa {number}", f"{number}@lid") for number in range(2000)]
    text = "@Pessoa " * 500 + "@pessoa 1999"
    assert mentions.find_named(text, known) == [{"jid": "1999@lid", "name": "pessoa 1999"}]


def test_members_are_known_by_phone_and_lid_and_what_is_left_out_stays():
    known = [Member("551", "", "Davi"), Member("", "222", "Eva")]
    seen = [Member("551", "111"), Member("552", "222"), Member("553", "333", "Rui"), Member(name="Nobody")]
    everybody = mentions.joined(known, seen)
    assert everybody == [Member("551", "111", "Davi"), Member("552", "222", "Eva"), Member("553", "333", "Rui")]
    assert mentions.joined(everybody, [Member("", "111", "Davi Souza")])[0] == Member("551", "111", "Davi Souza")
    assert mentions.within(everybody, [Member("", "222")]) == everybody[1:2]


def test_ours_goes_before_their_own_name_and_a_phone_before_nothing():
    member = Member("5531999990001", "111", " Davi  S. ")
    assert mentions.called(member, {"111": "Davi Souza"}) == "Davi Souza"
    assert mentions.called(member, {}) == "Davi S."
    assert mentions.called(Member("5531999990001"), {}) == "+5531999990001"
    assert mentions.called(Member(lid="111"), {}) == ""
