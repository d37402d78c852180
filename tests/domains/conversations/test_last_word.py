"""Of a wish for silence and of what was written before and after it, the last word counts, in whatever order they come."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from appliance.core import clock
from appliance.core.ids import new_id
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.contacts import actions as people
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.errors import ConsentRefused
from appliance.domains.contacts.queries import conditions
from appliance.domains.contacts.schemas import ConsentIn
from appliance.domains.contacts.tables import Contact
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import ConsentMode, Identity, IdentityKind, Purpose
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.actions import handle, service_levels
from appliance.domains.conversations.schemas import SlaPolicyIn
from appliance.domains.conversations.tables import Conversation
from appliance.domains.conversations.types import Arrival, Incoming, MessageKind, MessageStatus, Person, Revision, Route
from tests.draining import due_for
from tests.statements import statements_of

BIA = Person((Identity(IdentityKind.WHATSAPP, "5531999990001"),), "Bia")
WAITING, HEARD = {"transcript": {"state": "waiting"}}, {"state": "written", "text": "para de me mandar mensagem"}
NO_WORDS = [
    (MessageKind.UNSUPPORTED, {"type": "missed_call"}),
    (MessageKind.UNSUPPORTED, {"type": "call"}),
    (MessageKind.UNSUPPORTED, {"type": "system", "raw": {}}),
    (MessageKind.DOCUMENT, {"mail": {"automatic": True, "part": 1}, "media": {}}),
    (MessageKind.TEXT, {"text": "Qual dia?\n- seg\n- ter", "poll": {"options": ["seg", "ter"]}}),
    (MessageKind.REACTION, {"emoji": "👍"}),
]
WORDS = [
    (MessageKind.TEXT, {"text": "me ajuda?"}),
    (MessageKind.TEXT, {"text": "Sim", "choice": {"id": "choice-1", "title": "Sim"}}),
    (MessageKind.UNSUPPORTED, {"type": "vote"}),
    (MessageKind.UNSUPPORTED, {"type": "order", "raw": {}}),
    (MessageKind.UNSUPPORTED, {"type": "interactive", "raw": {"type": "nfm_reply"}}),
    (MessageKind.UNSUPPORTED, {"type": "placeholderMessage", "raw": {}}),
    (MessageKind.IMAGE, {"media": {}}),
    (MessageKind.STICKER, {"media": {}}),
    (MessageKind.LOCATION, {"location": {"latitude": 1, "longitude": 2}}),
]


@pytest.fixture
def do(box, tenant_id):
    def act(action, *given, **named):
        with box.unit(tenant_id) as uow:
            return action(uow, *given, **named)

    return act


@pytest.fixture
def number(do):
    return do(channels.create_channel, ChannelIn(kind="whatsapp_qr", name="Loja")).id


@pytest.fixture
def comes(do, number):
    """From Bia, written so many minutes after the first; answers the message."""
    begun = clock.now() - timedelta(hours=1)

    def come(minute, *said, by=number, is_group=False):
        messages = tuple(Incoming(new_id().hex, kind, content, begun + timedelta(minutes=minute)) for kind, content in said)
        route = Route(by, "whatsapp_qr", Medium.WHATSAPP, "g@g.us" if is_group else "5531999990001", is_group=is_group)
        person = Person((Identity(IdentityKind.WHATSAPP_GROUP, "g"),)) if is_group else BIA
        return do(actions.receive_messages, [Arrival(route, person, messages)])[-1]

    return come


@pytest.fixture
def writes(comes):
    def write(minute, *texts, **how):
        return comes(minute, *((MessageKind.TEXT, {"text": text}) for text in texts), **how)

    return write


@pytest.fixture
def answer(do):
    def write(message, text="Bom dia!", **how):
        return do(actions.reply, message.conversation_id, user_id=new_id(), content={"text": text}, **how)

    return write


@pytest.fixture
def is_silent(do):
    return lambda message: do(lambda uow: queries.is_silenced(uow, queries.get_conversation(uow, message.conversation_id)))


def test_what_was_written_before_the_stop_and_comes_after_it_lifts_no_silence(writes, is_silent, do):
    writes(0, "oi")
    writes(10, "PARAR")
    late = writes(5, "quanto custa?")
    assert is_silent(late)
    conversation = do(queries.get_conversation, late.conversation_id)
    assert (conversation.waiting_since, conversation.sla_due_at) == (None, None)
    assert do(queries.list_unanswered, conversation) == []
    assert not is_silent(writes(11, "mudei de ideia"))


def test_who_says_stop_twice_is_silent_from_the_second_on(writes, is_silent):
    writes(0, "PARAR")
    writes(10, "SAIR")
    assert is_silent(writes(5, "quanto custa?"))
    writes(3, "PARAR")
    assert is_silent(writes(7, "e o frete?"))
    assert not is_silent(writes(12, "oi"))


def test_a_stop_that_comes_after_a_newer_word_takes_only_advertising_and_notices(writes, is_silent, answer, do):
    asked = writes(10, "vocês abrem hoje?")
    stop = writes(5, "PARAR")
    assert not is_silent(stop)
    assert asked.id in {one.id for one in do(queries.list_unanswered, do(queries.get_conversation, asked.conversation_id))}
    assert answer(stop, "Abrimos.").status is MessageStatus.QUEUED
    with pytest.raises(ConsentRefused):
        answer(stop, "Promoção!", purpose=Purpose.MARKETING)


@pytest.mark.parametrize("said", NO_WORDS, ids=lambda said: f"{said[0]}-{next(iter(said[1].values()))}")
def test_what_is_no_word_lifts_no_silence(writes, comes, is_silent, said):
    writes(0, "oi")
    writes(5, "PARAR")
    assert is_silent(comes(10, said))


@pytest.mark.parametrize("said", WORDS, ids=lambda said: f"{said[0]}-{next(iter(said[1].values()))}")
def test_who_says_shows_or_chooses_something_is_answered_again(writes, comes, is_silent, do, said):
    writes(0, "oi")
    writes(5, "PARAR")
    said_at_last = comes(10, said)
    assert not is_silent(said_at_last)
    assert [one.id for one in do(queries.list_unanswered, do(queries.get_conversation, said_at_last.conversation_id))] == [said_at_last.id]


def test_what_others_write_in_a_group_lifts_no_silence(writes, is_silent, do, box, tenant_id):
    talk = writes(0, "PARAR")
    group = writes(5, "bom dia a todos", is_group=True)
    assert is_silent(talk)
    with box.unit(tenant_id) as uow:  # whoever the group's own contact is
        silent = queries.get_conversation(uow, talk.conversation_id).contact_id
        uow.session.execute(update(Conversation).where(Conversation.id == group.conversation_id).values(contact_id=silent))
    writes(6, "boa tarde", is_group=True)
    assert is_silent(talk)


def test_a_stop_that_was_spoken_before_a_written_word_silences_nobody(comes, writes, is_silent, answer, do):
    spoken = comes(0, (MessageKind.AUDIO, WAITING))
    written = writes(1, "aliás, vocês abrem hoje?")
    waits = answer(written, "Abrimos.")
    do(actions.keep_words, spoken.id, HEARD)
    assert not is_silent(written)
    assert do(queries.get_message, waits.id).status is MessageStatus.QUEUED
    with pytest.raises(ConsentRefused):
        answer(written, "Promoção!", purpose=Purpose.MARKETING)


@pytest.mark.parametrize("after", [[], [(MessageKind.UNSUPPORTED, {"type": "missed_call"})], [(MessageKind.TEXT, {"text": "SAIR"})]])
def test_a_spoken_stop_that_nothing_newer_gainsays_silences(comes, is_silent, answer, do, after):
    spoken = comes(0, (MessageKind.AUDIO, WAITING))
    waits = answer(spoken)
    for said in after:
        comes(1, said)
    do(actions.keep_words, spoken.id, HEARD)
    assert is_silent(spoken)
    assert do(queries.get_message, waits.id).status is MessageStatus.CANCELLED


def test_a_word_changed_into_a_stop_is_one_of_that_moment(writes, is_silent, do):
    said = writes(0, "oi")
    writes(5, "tem alguém?")
    changed = Revision(said.provider_message_id, clock.now(), by_contact=True, text="PARAR")
    assert do(actions.revise, said.id, changed)
    assert is_silent(said)


def test_two_stops_in_one_batch_are_confirmed_once(writes, is_silent, do):
    last = writes(0, "PARAR", "sair")
    assert is_silent(last)
    assert len([one for one in do(queries.list_messages, last.conversation_id) if one.direction == "outbound"]) == 1


def word(purpose, mode, channel=Medium.WHATSAPP):
    return ConsentIn(channel=channel, purpose=purpose, mode=mode, source="test", evidence={})


def contact_of(do, message):
    return do(queries.get_conversation, message.conversation_id).contact_id


def test_what_was_queued_does_not_leave_once_its_contact_refuses(writes, answer, do):
    talk = writes(0, "oi")
    person = contact_of(do, talk)
    do(people.grant_consent, person, word(Purpose.MARKETING, ConsentMode.OPT_IN))
    offer, said = answer(talk, "Promoção!", purpose=Purpose.MARKETING), answer(talk)
    do(people.opt_out, person, Medium.WHATSAPP, source="unsubscribe", evidence={})
    assert do(actions.begin_sending, offer.id) is None
    assert do(actions.begin_sending, said.id) is not None, "who wants no offers is still answered"
    stopped = do(queries.get_message, offer.id)
    assert (stopped.status, stopped.error_code) == (MessageStatus.CANCELLED, "opted_out")
    assert "asked not to receive these messages" in stopped.error
    late = answer(talk, "Mais uma coisa")
    do(people.withdraw_consent, person, word(Purpose.REPLY, ConsentMode.OPT_OUT))
    assert do(actions.begin_sending, late.id) is None
    assert do(queries.get_message, late.id).error_code == "silenced"


def test_the_word_that_confirms_a_stop_leaves(writes, do):
    talk = writes(0, "PARAR")
    [confirmed] = [one for one in do(queries.list_messages, talk.conversation_id) if one.direction == "outbound"]
    writes(1, "SAIR")
    assert do(actions.begin_sending, confirmed.id) is not None


def test_a_failed_offer_is_not_tried_again_with_who_left(writes, answer, do):
    talk = writes(0, "oi")
    person = contact_of(do, talk)
    do(people.grant_consent, person, word(Purpose.MARKETING, ConsentMode.OPT_IN))
    failed = [answer(talk, "Promoção!", purpose=Purpose.MARKETING), answer(talk)]
    for message in failed:
        do(actions.begin_sending, message.id)
        do(actions.mark_failed, message.id, code="x", error="no")
    do(people.opt_out, person, Medium.WHATSAPP, source="unsubscribe", evidence={})
    with pytest.raises(ConsentRefused):
        do(actions.retry_message, failed[0].id)
    assert do(actions.retry_message, failed[1].id).status is MessageStatus.QUEUED


def test_nobody_is_called_to_who_asked_for_silence(writes, do, bruno, comes, run_deliveries):
    do(service_levels.create_policy, SlaPolicyIn(name="Padrão", targets={"normal": {"first_reply": 15}}))
    other = do(channels.create_channel, ChannelIn(kind="whatsapp_qr", name="Outra")).id
    talks = [writes(0, "quero falar com alguém"), writes(1, "tem alguém?", by=other)]
    for talk in talks:
        do(actions.call_person, talk.conversation_id, "no_agent")
    assert len(do(queries.list_notices, bruno)) == 2
    assert all(do(queries.get_conversation, talk.conversation_id).waiting_since for talk in talks)
    writes(5, "PARAR")
    run_deliveries()
    for talk in talks:
        conversation = do(queries.get_conversation, talk.conversation_id)
        assert (conversation.waiting_since, conversation.handoff_reason, conversation.sla_due_at) == (None, None, None)
    assert do(queries.list_notices, bruno) == []
    assert do(queries.list_waiting) == []
    comes(6, (MessageKind.UNSUPPORTED, {"type": "missed_call"}))
    assert do(queries.list_waiting) == []
    writes(7, "voltei")
    assert [one.id for one in do(queries.list_waiting)] == [talks[0].conversation_id]


def test_a_call_that_was_on_its_way_when_they_asked_for_silence_comes_to_nothing(writes, do, bruno):
    talk = writes(0, "PARAR")
    do(lambda uow: handle.await_person(uow, queries.lock_conversation(uow, talk.conversation_id), "wants_person"))
    do(actions.call_person, talk.conversation_id, "wants_person")
    assert do(queries.get_conversation, talk.conversation_id).waiting_since is None
    assert do(queries.list_notices, bruno) == []


def test_whoever_is_merged_stays_silent_before_their_conversations_follow(box, tenant_id, writes, answer, is_silent, do):
    talk = writes(0, "oi")
    waits = answer(talk)
    gone = contact_of(do, talk)
    kept = do(people.upsert_contact, (Identity(IdentityKind.EMAIL, "bia@example.com"),)).id
    last = do(people.upsert_contact, (Identity(IdentityKind.EMAIL, "bia@example.org"),)).id
    do(people.merge_contacts, kept, gone)
    do(people.merge_contacts, last, kept)
    do(people.opt_out, last, Medium.WHATSAPP, source="test", evidence={}, silent_from=clock.now() - timedelta(minutes=58))
    assert is_silent(talk)
    assert do(actions.begin_sending, waits.id) is None
    with box.unit(tenant_id, read_only=True) as uow:
        assert contacts.find_silenced(uow, {gone, kept, last}).keys() == {(one, Medium.WHATSAPP) for one in (gone, kept, last)}
    assert not is_silent(writes(5, "oi de novo"))


@pytest.fixture
def other(do):
    """Another number of the company."""
    return do(channels.create_channel, ChannelIn(kind="whatsapp_qr", name="Outra")).id


def test_a_stop_settles_the_other_threads_one_by_one(box, writes, answer, do, other, run_deliveries):
    elsewhere = writes(0, "quanto custa?", "e o frete?", by=other)
    waits = answer(elsewhere)
    writes(1, "ainda estão aí?", by=other)
    writes(5, "PARAR")
    assert len(do(queries.list_unanswered, do(queries.get_conversation, elsewhere.conversation_id))) == 1
    assert len(due_for(box, "conversations.keep_silence")) == 1
    do(actions.keep_silence, elsewhere.conversation_id)
    conversation = do(queries.get_conversation, elsewhere.conversation_id)
    assert (do(queries.list_unanswered, conversation), conversation.waiting_since) == ([], None)
    assert do(queries.get_message, waits.id).status is MessageStatus.CANCELLED
    run_deliveries()


def test_a_thread_in_which_they_wrote_since_the_stop_is_left_as_it_is(writes, do, other):
    elsewhere = writes(0, "quanto custa?", by=other)
    writes(5, "PARAR")
    writes(6, "aliás, me respondam aqui", by=other)
    do(actions.keep_silence, elsewhere.conversation_id)
    assert len(do(queries.list_unanswered, do(queries.get_conversation, elsewhere.conversation_id))) == 2


@pytest.mark.only_database("postgresql")
def test_a_stop_waits_for_no_other_thread_of_theirs(box, tenant_id, writes, is_silent, other):
    elsewhere = writes(0, "oi", by=other)
    writes(1, "oi")
    stops = threading.Thread(target=writes, args=(5, "PARAR"))
    with box.unit(tenant_id) as uow:
        queries.lock_conversation(uow, elsewhere.conversation_id)
        stops.start()
        stops.join(60)
        assert is_silent(elsewhere), "who waits for a lock gives up before that"


def test_the_gate_and_the_look_for_silence_cost_one_question_each(box, tenant_id, writes, do):
    person = contact_of(do, writes(0, "PARAR"))

    def cost(ask, *given):
        with box.unit(tenant_id, read_only=True) as uow, statements_of(box) as statements:
            ask(uow, *given)
        return len([said for said, _values in statements if "FROM" in said])

    assert cost(contacts.check_may_send, person, Medium.EMAIL, Purpose.REPLY) == 1
    assert cost(contacts.find_silenced, {person, new_id()}) == 1


def test_the_last_word_is_the_one_that_was_written_last(box, tenant_id, writes, is_silent, do):
    """A unit's moment is fixed before it waits for its turn."""
    talk = writes(0, "oi")
    person = contact_of(do, talk)

    def meanwhile(*words):
        later = threading.Thread(target=lambda: [do(people.record_consent, person, said) for said in words])
        later.start()
        later.join(60)

    with box.unit(tenant_id) as early:
        meanwhile(word(Purpose.REPLY, ConsentMode.OPT_OUT), word(Purpose.MARKETING, ConsentMode.OPT_IN))
        people.hear_again(early, person, Medium.WHATSAPP, evidence={})
        people.withdraw_consent(early, person, word(Purpose.MARKETING, ConsentMode.OPT_OUT))
    assert not is_silent(talk)
    ledger = do(contacts.list_consents, person)
    assert [one.mode for one in ledger[:2]] == [ConsentMode.OPT_OUT, ConsentMode.OPT_IN]
    assert ledger[0].recorded_at < ledger[-1].recorded_at
    with box.unit(tenant_id, read_only=True) as uow:
        assert contacts.find_silenced(uow, [person]) == {}
        agreed = select(Contact.id).where(conditions.agreed_to(Purpose.MARKETING))
        assert uow.session.scalars(agreed).all() == []
