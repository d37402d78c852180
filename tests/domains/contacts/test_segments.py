"""Saved filters: who fits, asked anew each time."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from appliance.core.errors import Refused
from appliance.core.ids import new_id
from appliance.core.web import PageQuery
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.actions import segmenting
from appliance.domains.contacts.errors import InvalidField, SegmentNotFound
from appliance.domains.contacts.schemas import Condition, ContactFields, SegmentGroup, SegmentIn, SegmentTree
from appliance.domains.contacts.types import TESTS, WITHOUT_VALUE, Channel, Match, SegmentField, SegmentTest
from tests.factories.contacts import make_contact, say_no, say_yes


def ask(*conditions, match=Match.ALL):
    return SegmentGroup(match=match, conditions=[Condition(field=f, test=t, value=str(v)) for f, t, v in conditions])


def one(field, test, value=""):
    return SegmentTree(groups=[ask((field, test, value))])


def asked_of_attribute(key, test, value=""):
    return SegmentTree(groups=[SegmentGroup(conditions=[Condition(field="attribute", key=key, test=test, value=value)])])


def captured(test, days):
    return SegmentTree(groups=[SegmentGroup(conditions=[Condition(field="event", test=test, value="lead.captured", key=days)])])


@pytest.fixture
def people(uow):
    ana = make_contact(uow, name="Érica Lima", company="Padaria São João", email="erica@manaca.example", region="SP", tags=["vip", "feira"])
    actions.change_contact(uow, ana.id, ContactFields(attributes={"cor": "Azul", "filhos": 2}))
    bia = make_contact(uow, name="Bia", company=None, email=None, phone="(31) 95512-0148", region="MG", tags=["feira"])
    caio = make_contact(uow, name="Caio", company="Loja 10% off", email="caio@loja.example", phone=None, tags=[])
    actions.add_note(uow, caio.id, "Ligar depois")
    for person, days in ((ana, 40), (bia, 2)):
        happened = uow.now - timedelta(days=days)
        actions.add_timeline_entry(uow, person.id, kind="lead.captured", object_id=new_id(), happened_at=happened)
    say_yes(uow, ana.id)
    say_yes(uow, bia.id)
    say_no(uow, bia.id)
    actions.record_seen(uow, ana.id, Channel.WHATSAPP, uow.now - timedelta(days=2))
    actions.record_seen(uow, bia.id, Channel.WHATSAPP, uow.now - timedelta(days=40))
    uow.session.flush()
    return {contact.id: name for contact, name in ((ana, "ana"), (bia, "bia"), (caio, "caio"))}


def test_one_segment_more_than_a_list_shows_is_refused(uow, monkeypatch):
    monkeypatch.setattr(segmenting, "MOST_SEGMENTS", 1)
    tree = one("name", "is_set")
    actions.create_segment(uow, SegmentIn(name="um", tree=tree))
    with pytest.raises(Refused):
        actions.create_segment(uow, SegmentIn(name="dois", tree=tree))


def fitting(uow, people, tree):
    segment = actions.create_segment(uow, SegmentIn(name=str(uow.session.info.setdefault("n", 0)), tree=tree))
    uow.session.info["n"] += 1
    found = queries.list_segment_contacts(uow, segment.id, PageQuery())
    assert found.total == queries.count_fitting(uow, tree)
    return {people[contact.id] for contact in found.items}


ASKED = [
    (one("name", "contains", "érica"), {"ana"}),
    (one("name", "contains", "LIMA"), {"ana"}),
    (one("company", "contains", "são"), {"ana"}),
    (one("company", "contains", "10% o"), {"caio"}),
    (one("company", "contains", "_"), set()),
    (one("company", "is_empty"), {"bia"}),
    (one("email", "is_set"), {"ana", "caio"}),
    (one("email", "equals", "CAIO@loja.example"), {"caio"}),
    (one("phone", "contains", "5531"), {"bia"}),
    (one("region", "equals", "sp"), {"ana"}),
    (one("tag", "has", " Feira "), {"ana", "bia"}),
    (one("tag", "has_not", "vip"), {"bia", "caio"}),
    (one("consent", "has", "marketing"), {"ana"}),
    (one("consent", "has_not", "marketing"), {"bia", "caio"}),
    (one("consent", "has", "marketing:whatsapp"), {"ana"}),
    (one("consent", "has", "marketing:email"), set()),
    (one("last_seen", "within_days", 7), {"ana"}),
    (one("last_seen", "not_within_days", 7), {"bia", "caio"}),
    (one("last_seen", "is_empty"), {"caio"}),
    (one("last_seen", "is_set"), {"ana", "bia"}),
    (one("owner", "is_empty"), {"ana", "bia", "caio"}),
    (one("owner", "equals", "0190f0a0-0000-7000-8000-000000000000"), set()),
    (asked_of_attribute("cor", "equals", "azul"), {"ana"}),
    (asked_of_attribute("filhos", "contains", "2"), {"ana"}),
    (asked_of_attribute("filhos", "is_empty"), {"bia", "caio"}),
    (one("event", "has", "note.added"), {"caio"}),
    (one("event", "has_not", "note.added"), {"ana", "bia"}),
    (captured("within_days", "7"), {"bia"}),
    (captured("within_days", "41"), {"ana", "bia"}),
    (captured("not_within_days", "7"), {"ana", "caio"}),
    (one("created", "within_days", 1), {"ana", "bia", "caio"}),
    (one("created", "not_within_days", 1), set()),
    (SegmentTree(), {"ana", "bia", "caio"}),
    (SegmentTree(groups=[SegmentGroup()]), {"ana", "bia", "caio"}),
    (SegmentTree(groups=[ask(("tag", "has", "feira"), ("region", "equals", "MG"))]), {"bia"}),
    (SegmentTree(groups=[ask(("tag", "has", "vip"), ("region", "equals", "MG"), match=Match.ANY)]), {"ana", "bia"}),
    (SegmentTree(match=Match.ANY, groups=[ask(("name", "equals", "Caio")), ask(("tag", "has", "vip"))]), {"ana", "caio"}),
    (SegmentTree(groups=[ask(("tag", "has", "vip"), ("name", "equals", "Bia"), match=Match.ANY), ask(("email", "is_empty", ""))]), {"bia"}),
]


def test_each_question_finds_whom_it_means(uow, people):
    found = [fitting(uow, people, tree) for tree, _expected in ASKED]
    assert found == [expected for _tree, expected in ASKED]


def test_who_was_merged_away_is_counted_once(uow, people):
    ana, bia, _caio = people
    actions.merge_contacts(uow, ana, bia)
    assert queries.count_fitting(uow, one("tag", "has", "feira")) == 1


SPOKEN = {
    SegmentField.CONSENT: "marketing", SegmentField.EVENT: "lead.captured", SegmentField.OWNER: "0190f0a0-0000-7000-8000-000000000000",
}  # fmt: skip


def test_every_question_that_may_be_asked_is_answered(uow):
    for field, tests in TESTS.items():
        for test in tests:
            value = "" if test in WITHOUT_VALUE else SPOKEN.get(field, "7")
            asked = Condition(field=field, test=test, value=value, key="7")
            assert queries.count_fitting(uow, SegmentTree(groups=[SegmentGroup(conditions=[asked])])) == 0


@pytest.mark.parametrize(
    ("field", "test", "value"),
    [("tag", "contains", "x"), ("name", "equals", ""), ("created", "within_days", "soon"), ("created", "within_days", "99999"),
     ("created", "within_days", "²"), ("consent", "has", "fun"),
     ("consent", "has", "marketing:"), ("consent", "has", "marketing:fax"), ("created", "is_set", ""),
     ("owner", "equals", "ana"), ("event", "has", "bought"), ("attribute", "is_set", "")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(field, test, value):
    with pytest.raises(ValidationError):
        one(field, test, value)


def test_a_name_is_taken_once_and_a_segment_goes_without_its_people(uow, people):
    first = actions.create_segment(uow, SegmentIn(name="VIP", tree=one("tag", "has", "vip")))
    with pytest.raises(InvalidField):
        actions.create_segment(uow, SegmentIn(name="VIP", tree=SegmentTree()))
    assert actions.change_segment(uow, first.id, SegmentIn(name="VIP", tree=SegmentTree())).tree["groups"] == []
    actions.delete_segment(uow, first.id)
    assert queries.list_segments(uow) == []
    with pytest.raises(SegmentNotFound):
        queries.get_segment(uow, first.id)
    assert queries.count_fitting(uow, SegmentTree()) == 3


def test_over_http_a_segment_is_made_counted_and_read(client):
    client.post("/api/v1/contacts", json={"name": "Ana", "tags": ["vip"]})
    tree = {"groups": [{"conditions": [{"field": "tag", "test": "has", "value": "vip"}]}]}
    assert client.post("/api/v1/segments/count", json=tree).json == {"count": 1}
    made = client.post("/api/v1/segments", json={"name": "VIP", "tree": tree}).json
    address = f"/api/v1/segments/{made['id']}"
    assert [one["name"] for one in client.get(f"{address}/contacts").json["items"]] == ["Ana"]
    assert client.put(address, json={"name": "All", "tree": {}}).json["name"] == "All"
    wrong = {"groups": [{"conditions": [{"field": "tag", "test": SegmentTest.EQUALS.value, "value": "vip"}]}]}
    assert client.post("/api/v1/segments/count", json=wrong).status_code == 422
    assert [one["name"] for one in client.get("/api/v1/segments").json] == ["All"]
    assert client.delete(address).status_code == 204
