"""Pairs that may be one person: found, decided, decided again."""


import pytest

from appliance.core import files
from appliance.domains.contacts import actions, jobs, queries
from appliance.domains.contacts.errors import AlreadyDecided, DuplicateNotFound, MergeRefused
from appliance.domains.contacts.manifest import MANIFEST as CONTACTS
from appliance.domains.contacts.rules import spreadsheets
from appliance.domains.contacts.rules.duplicates import pair
from appliance.domains.contacts.schemas import ContactFields, DuplicatesQuery, ImportStartIn
from appliance.domains.contacts.types import DuplicateState, Identity, IdentityKind, Likeness
from appliance.domains.identity.manifest import MANIFEST as IDENTITY
from tests.domains.contacts.feed import emitted
from tests.factories.contacts import make_contact
from tests.suspending import resume, suspend


@pytest.fixture
def manifests():
    return (IDENTITY, CONTACTS, files.MANIFEST)


def open_pairs(uow, state=DuplicateState.OPEN):
    return queries.list_duplicates(uow, DuplicatesQuery(state=state)).items


@pytest.fixture
def two(uow):
    one, other = make_contact(uow, name="Ana Prado", email=None), make_contact(uow, name="Prado, Ana", phone=None)
    actions.suggest(uow, [pair(one.id, other.id, Likeness.NAME, 95)])
    return one, other, open_pairs(uow)[0]


def test_looking_finds_those_who_look_alike_and_leaves_namesakes(box, tenant_id, run_deliveries):
    with box.unit(tenant_id) as uow:
        ana = make_contact(uow, name="Ana Prado", email=None, phone="11 98888-7777")
        same = make_contact(uow, name="ANA PRADO", email="ana@x.example", phone=None)
        make_contact(uow, name="Bia Souza", email=None, phone="11 95555-4444")
        make_contact(uow, name="Bia Souza", email=None, phone="11 95555-3333")
    for _again in range(2):
        jobs.look_for_duplicates(box)
        run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        [found] = open_pairs(uow)
        assert {found.first_id, found.second_id} == {ana.id, same.id}
        assert (found.likeness, found.score) == (Likeness.NAME, 100)


def test_a_suspended_organisation_is_not_looked_through(box, tenant_id):
    with box.unit(tenant_id) as uow:
        for name in ("Ana Prado", "ANA PRADO"):
            make_contact(uow, name=name)

    def looked_through():
        with box.whole_box("test", read_only=True) as uow:
            return queries.list_organisations(uow)

    suspend(box, tenant_id)
    assert looked_through() == []
    resume(box, tenant_id)
    assert looked_through() == [tenant_id]


def test_an_import_is_looked_through_and_a_row_with_ids_of_two_is_told(box, tenant_id, keep_file, run_deliveries):
    content = b"nome;email;celular\nAna;ana@x.example;\nAninha;;11 98888-7777\nAna P;ana@x.example;11 98888-7777\n"
    stored = keep_file(content)
    with box.unit(tenant_id) as uow:
        run = actions.create_import(uow, stored.id, "a.csv", spreadsheets.read_sheet(content))
        actions.start_import(uow, run.id, ImportStartIn(dry_run=True))
    run_deliveries()
    with box.unit(tenant_id) as uow:
        assert open_pairs(uow) == []
        actions.start_import(uow, run.id, ImportStartIn())
    run_deliveries()
    with box.unit(tenant_id, read_only=True) as uow:
        assert [found.likeness for found in open_pairs(uow)] == [Likeness.SAID_TOGETHER]


def test_two_ids_of_two_people_in_one_upsert_are_a_suggestion_and_no_merge(uow):
    one, other = make_contact(uow, name="Ana", email="ana@x.example", phone=None), make_contact(uow, name="Aninha", email=None)
    ids = [Identity(IdentityKind.EMAIL, "ana@x.example"), Identity(IdentityKind.PHONE, other.phone_e164)]
    actions.upsert_contact(uow, ids, fields=ContactFields(name="Ana"))
    [found] = open_pairs(uow)
    assert {found.first_id, found.second_id} == {one.id, other.id}
    assert queries.get_contact(uow, other.id) is other


def test_merging_a_pair_keeps_the_one_that_was_chosen_and_undoing_says_they_are_two(uow, two):
    one, other, found = two
    merge = actions.merge_duplicate(uow, found.id, other.id)
    uow.session.refresh(found)
    assert (merge.kept_id, merge.gone_id, found.state, found.merge_id) == (other.id, one.id, DuplicateState.MERGED, merge.id)
    assert "duplicate.decided" in emitted(uow)
    assert open_pairs(uow) == []
    assert open_pairs(uow, DuplicateState.MERGED) == [found]
    actions.undo_merge(uow, merge.id)
    uow.session.refresh(found)
    assert (found.state, found.merge_id, open_pairs(uow)) == (DuplicateState.DISMISSED, None, [])


def test_who_merges_on_the_page_of_a_contact_has_decided_too(uow, two):
    one, other, found = two
    actions.merge_contacts(uow, one.id, other.id)
    uow.session.refresh(found)
    assert found.state is DuplicateState.MERGED


def test_two_people_are_not_suggested_again_until_somebody_takes_that_back(uow, two):
    one, other, found = two
    actions.dismiss_duplicate(uow, found.id)
    assert actions.suggest(uow, [pair(other.id, one.id, Likeness.DOCUMENT)]) == 0
    assert open_pairs(uow) == []
    actions.reopen_duplicate(uow, found.id)
    assert open_pairs(uow) == [found]


def test_a_decided_pair_is_not_decided_again(uow, two):
    one, _other, found = two
    actions.merge_duplicate(uow, found.id, one.id)
    uow.session.refresh(found)
    for decide in (actions.dismiss_duplicate, actions.reopen_duplicate):
        with pytest.raises(AlreadyDecided):
            decide(uow, found.id)
    with pytest.raises(AlreadyDecided):
        actions.merge_duplicate(uow, found.id, one.id)


def test_one_of_the_two_is_kept(uow, two):
    with pytest.raises(MergeRefused):
        actions.merge_duplicate(uow, two[2].id, make_contact(uow).id)
    with pytest.raises(DuplicateNotFound):
        actions.dismiss_duplicate(uow, make_contact(uow).id)


def test_of_who_became_part_of_somebody_else_nothing_is_asked(uow, two):
    one, _other, _found = two
    actions.merge_contacts(uow, make_contact(uow).id, one.id)
    assert open_pairs(uow) == []


def test_nobody_is_shown_more_than_can_be_looked_through(uow, two, monkeypatch):
    monkeypatch.setattr("appliance.domains.contacts.actions.duplicates.MOST_OPEN", 1)
    assert actions.suggest(uow, [pair(two[0].id, make_contact(uow).id, Likeness.NAME)]) == 0


def test_deleting_a_person_takes_the_pair_along(uow, two):
    actions.delete_contact(uow, two[0].id)
    assert open_pairs(uow) == []
