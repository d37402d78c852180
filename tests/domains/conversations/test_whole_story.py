"""Everything that happened with a person, in order, through a merge and back."""

from sqlalchemy import select

from appliance.core.web import PageQuery
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.schemas import ContactFields
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.tables import Conversation
from tests.factories.contacts import say_yes
from tests.factories.leads import capture, make_source


def story(uow, contact_id):
    """The oldest first."""
    return people.list_timeline(uow, contact_id, PageQuery(limit=100)).items[::-1]


def test_all_that_happened_stands_in_one_story_in_order_and_goes_apart_again(box, tenant_id, says, bruno, run_deliveries):
    first = says("Quanto custa?", visitor="ana")
    run_deliveries()
    with box.unit(tenant_id) as uow:
        actions.reply(uow, first, user_id=bruno, content={"text": "Cem reais."})
    run_deliveries()
    second = says("Sou eu de novo", visitor="aninha")
    run_deliveries()
    with box.unit(tenant_id) as uow:
        ana, aninha = (queries.get_conversation(uow, found).contact_id for found in (first, second))
        say_yes(uow, aninha)
        contacts.add_note(uow, aninha, "Prefere de manhã")
        contacts.change_contact(uow, aninha, ContactFields(email="aninha@x.example"))
        lead = capture(uow, make_source(uow).id, {"email": "aninha@x.example"})
        assert lead.contact_id == aninha
    run_deliveries()
    with box.unit(tenant_id) as uow:
        hers = [entry.kind for entry in story(uow, ana)]
        assert hers == ["contact.created", "message.received", "message.sent"]
        before = [entry.kind for entry in story(uow, aninha)]
        assert before == ["contact.created", "message.received", "consent.granted", "note.added", "lead.captured"]
        merge = contacts.merge_contacts(uow, ana, aninha)
    run_deliveries()
    with box.unit(tenant_id) as uow:
        told = story(uow, ana)
        assert [entry.kind for entry in told] == [*hers, *before, "contacts.merged"]
        assert [entry.happened_at for entry in told] == sorted(entry.happened_at for entry in told)
        assert [entry.summary for entry in told if entry.kind.startswith("message")] == ["Quanto custa?", "Cem reais.", "Sou eu de novo"]
        assert set(uow.session.scalars(select(Conversation.contact_id))) == {ana}
        contacts.undo_merge(uow, merge.id)
    run_deliveries()
    with box.unit(tenant_id) as uow:
        assert [entry.kind for entry in story(uow, aninha)] == before
        assert [entry.kind for entry in story(uow, ana)] == [*hers, "contacts.merged", "merge.undone"]
        assert queries.get_conversation(uow, second).contact_id == aninha
