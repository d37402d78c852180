"""Filters frozen into lists: who fitted then, changed by hand since."""

import pytest

from appliance.core.errors import Conflict, Refused
from appliance.core.web import PageQuery
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.actions import freezing
from appliance.domains.contacts.errors import ContactNotFound, InvalidField, SegmentNotFound
from appliance.domains.contacts.schemas import Condition, ContactFields, ContactsQuery, SegmentGroup, SegmentIn, SegmentTree
from appliance.domains.contacts.types import SegmentKind
from tests.domains.contacts.feed import emitted
from tests.factories.contacts import make_contact

VIP = SegmentTree(groups=[SegmentGroup(conditions=[Condition(field="tag", test="has", value="vip")])])


@pytest.fixture
def ana(uow):
    return make_contact(uow, name="Ana", tags=["vip"])


@pytest.fixture
def bia(uow):
    return make_contact(uow, name="Bia")


@pytest.fixture
def vips(uow, ana):
    made = actions.create_segment(uow, SegmentIn(name="VIP", tree=VIP))
    return actions.freeze_segment(uow, made.id)


def people_in(uow, segment):
    listed = queries.list_segment_contacts(uow, segment.id, PageQuery())
    found = queries.list_contacts(uow, ContactsQuery(segment_id=segment.id))
    assert [one.id for one in listed.items] == [one.id for one in found.items]
    assert queries.count_members(uow).get(segment.id, 0) == listed.total == len(listed.items)
    return [one.name for one in listed.items]


def test_a_list_keeps_who_fitted_when_it_was_frozen(uow, ana, vips):
    make_contact(uow, name="Caio", tags=["vip"])
    actions.change_contact(uow, ana.id, ContactFields(tags=[]))
    assert people_in(uow, vips) == ["Ana"]
    assert (vips.kind, vips.frozen_at) == (SegmentKind.STATIC, uow.now)
    assert emitted(uow)[-1] == "contact.changed"
    assert emitted(uow).count("segment.changed") == 2


def test_a_segment_without_conditions_freezes_everybody(uow, ana, bia):
    everybody = actions.create_segment(uow, SegmentIn(name="Todos", tree=SegmentTree()))
    actions.freeze_segment(uow, everybody.id)
    make_contact(uow, name="Caio")
    assert people_in(uow, everybody) == ["Ana", "Bia"]


def test_nobody_who_fits_makes_an_empty_list(uow):
    nobody = actions.create_segment(uow, SegmentIn(name="Ninguém", tree=VIP))
    actions.freeze_segment(uow, nobody.id)
    assert people_in(uow, nobody) == []


def test_a_live_segment_as_a_filter_of_the_contacts_asks_anew(uow, ana):
    live = actions.create_segment(uow, SegmentIn(name="Ao vivo", tree=VIP))
    make_contact(uow, name="Caio", tags=["vip"])
    assert [one.name for one in queries.list_contacts(uow, ContactsQuery(segment_id=live.id)).items] == ["Ana", "Caio"]
    with pytest.raises(SegmentNotFound):
        queries.list_contacts(uow, ContactsQuery(segment_id=ana.id))


def test_people_are_put_in_and_taken_out_by_hand(uow, ana, bia, vips):
    actions.add_member(uow, vips.id, bia.id)
    actions.add_member(uow, vips.id, bia.id)
    assert people_in(uow, vips) == ["Ana", "Bia"]
    actions.remove_member(uow, vips.id, ana.id)
    actions.remove_member(uow, vips.id, ana.id)
    assert people_in(uow, vips) == ["Bia"]
    with pytest.raises(ContactNotFound):
        actions.add_member(uow, vips.id, vips.id)


def test_let_go_it_follows_its_conditions_again_and_can_be_frozen_anew(uow, bia, vips):
    actions.add_member(uow, vips.id, bia.id)
    actions.thaw_segment(uow, vips.id)
    assert (vips.kind, vips.frozen_at) == (SegmentKind.LIVE, None)
    assert [one.name for one in queries.list_segment_contacts(uow, vips.id, PageQuery()).items] == ["Ana"]
    assert people_in(uow, actions.freeze_segment(uow, vips.id)) == ["Ana"]


def test_what_fits_only_the_other_kind_is_refused(uow, ana, vips):
    live = actions.create_segment(uow, SegmentIn(name="Ao vivo", tree=VIP))
    for refused in (
        lambda: actions.freeze_segment(uow, vips.id),
        lambda: actions.thaw_segment(uow, live.id),
        lambda: actions.add_member(uow, live.id, ana.id),
        lambda: actions.remove_member(uow, live.id, ana.id),
    ):
        with pytest.raises(Conflict):
            refused()


def test_a_list_is_renamed_and_its_conditions_wait(uow, vips):
    assert actions.change_segment(uow, vips.id, SegmentIn(name="Melhores", tree=VIP)).name == "Melhores"
    with pytest.raises(InvalidField):
        actions.change_segment(uow, vips.id, SegmentIn(name="Todos", tree=SegmentTree()))
    assert people_in(uow, vips) == ["Ana"]


def test_a_list_has_an_end(uow, bia, vips, monkeypatch):
    monkeypatch.setattr(freezing, "MOST_MEMBERS", 1)
    with pytest.raises(Refused):
        actions.add_member(uow, vips.id, bia.id)
    everybody = actions.create_segment(uow, SegmentIn(name="Todos", tree=SegmentTree()))
    with pytest.raises(Refused):
        actions.freeze_segment(uow, everybody.id)
    assert everybody.kind is SegmentKind.LIVE


def test_a_merge_carries_the_place_in_a_list_and_undone_gives_it_back(uow, ana, bia, vips):
    merge = actions.merge_contacts(uow, bia.id, ana.id)
    assert people_in(uow, vips) == ["Bia"]
    actions.undo_merge(uow, merge.id)
    assert people_in(uow, vips) == ["Ana"]


def test_two_of_one_list_become_one_in_it_and_two_again(uow, ana, bia, vips):
    actions.add_member(uow, vips.id, bia.id)
    merge = actions.merge_contacts(uow, bia.id, ana.id)
    assert people_in(uow, vips) == ["Bia"]
    actions.undo_merge(uow, merge.id)
    assert people_in(uow, vips) == ["Ana", "Bia"]


def test_who_is_taken_out_while_merged_stays_out_when_parted(uow, ana, bia, vips):
    actions.add_member(uow, vips.id, bia.id)
    merge = actions.merge_contacts(uow, bia.id, ana.id)
    actions.remove_member(uow, vips.id, ana.id)
    actions.undo_merge(uow, merge.id)
    assert people_in(uow, vips) == []


def test_an_export_of_a_person_names_the_lists_and_erasing_leaves_them(uow, ana, bia, vips):
    actions.add_member(uow, vips.id, bia.id)
    [held] = queries.export_contact(uow, ana.id)["segments"]
    assert (held["segment_id"], held["name"]) == (str(vips.id), "VIP")
    before = len(queries.list_fitting(uow, SegmentTree(), limit=9))
    actions.delete_contact(uow, ana.id)
    assert people_in(uow, vips) == ["Bia"]
    assert len(queries.list_fitting(uow, SegmentTree(), limit=9)) == before - 1
    assert queries.list_memberships(uow, ana.id) == []


def test_a_deleted_list_leaves_its_people(uow, ana, vips):
    actions.delete_segment(uow, vips.id)
    uow.session.flush()
    assert queries.list_memberships(uow, ana.id) == []
    assert queries.get_contact(uow, ana.id) is ana


def test_over_http_a_segment_is_frozen_changed_and_exported(client):
    ana = client.post("/api/v1/contacts", json={"name": "Ana", "tags": ["vip"]}).json["id"]
    bia = client.post("/api/v1/contacts", json={"name": "Bia"}).json["id"]
    made = client.post("/api/v1/segments", json={"name": "VIP", "tree": VIP.model_dump(mode="json")}).json
    assert (made["kind"], made["frozen_at"]) == ("live", None)
    address = f"/api/v1/segments/{made['id']}"
    assert client.post(f"{address}/contacts/{bia}").status_code == 409
    frozen = client.post(f"{address}/freeze").json
    assert (frozen["kind"], frozen["frozen_at"] is None) == ("static", False)
    assert client.post(f"{address}/contacts/{bia}").status_code == 204
    assert client.delete(f"{address}/contacts/{ana}").status_code == 204
    assert [one["name"] for one in client.get(f"{address}/contacts").json["items"]] == ["Bia"]
    assert [one["name"] for one in client.get(f"/api/v1/contacts?segment_id={made['id']}").json["items"]] == ["Bia"]
    [_header, line] = client.get(f"/api/v1/contacts/export?segment_id={made['id']}").text.splitlines()
    assert ",Bia," in line
    assert client.post(f"{address}/thaw").json["kind"] == "live"
    assert client.get(f"/api/v1/contacts/export?segment_id={ana}").status_code == 404


def test_nobody_freezes_and_thaws_all_day(client):
    made = client.post("/api/v1/segments", json={"name": "VIP", "tree": VIP.model_dump(mode="json")}).json
    asked = [client.post(f"/api/v1/segments/{made['id']}/{what}").status_code for what in ("freeze", "thaw") * 7]
    assert asked == [200] * 12 + [429] * 2
