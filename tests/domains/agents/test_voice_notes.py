"""A voice note is answered as if it had been typed, once its words are known; and nobody waits for ever for words that do not come."""

import io
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from appliance.core import clock, i18n
from appliance.core.box import Box
from appliance.core.errors import Unavailable
from appliance.core.outbox import Delivery
from appliance.core.web import PageQuery
from appliance.domains.agents import queries
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import Change, Spoken
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.subscribers import PATIENCE
from appliance.domains.conversations.tables import Message
from appliance.domains.conversations.types import Direction, Handling, Incoming, MessageKind, Person, Revision, Sender, Topic
from appliance.domains.identity import actions as identity
from appliance.domains.identity.tables import Tenant
from appliance.domains.identity.types import Listening
from appliance.domains.knowledge import actions as knowledge
from appliance.inference.fake import FakeInference
from appliance.inference.types import Inference
from tests.draining import run_due
from tests.modelserver.sounds import sound

SQLITE = pytest.mark.only_database("sqlite")  # what has nothing to do with the database is looked at once
POLICY = "# Frete\n\nO frete para Betim custa R$ 49,00 e leva 3 dias úteis.\n"
ASKED = "quanto custa o frete para Betim?"
BUSY = Unavailable("The model server does not answer.")


@dataclass
class Talk:
    """A customer and an agent, and what a model would hear."""

    box: Box
    tenant_id: UUID
    channel: Any
    recording: UUID
    came: list[str] = field(default_factory=list)

    def comes(self, kind, **content):
        self.came.append(kind)
        incoming = Incoming(f"in-{len(self.came)}", kind, content, clock.now())
        with self.box.unit(self.tenant_id) as uow:
            person = Person((Identity(IdentityKind.WEBCHAT, "ana", self.channel.id.hex),), "Ana")
            channels.receive_changes(uow, self.channel, [Change((Spoken(person, "ana", (incoming,)),))])
            return conversations.find_by_provider_id(uow, self.channel.id, incoming.provider_id)

    def types(self, text):
        return self.comes(MessageKind.TEXT, text=text)

    def speaks(self, **media):
        return self.comes(MessageKind.AUDIO, media={"mime_type": "audio/ogg", **(media or {"blob_id": str(self.recording)})})

    def hears(self, said):
        """A model is installed that understands this; an error is what it raises."""

        def hear(_wav):
            if isinstance(said, Exception):
                raise said
            return said

        self.box.provide(Inference, FakeInference(hears=hear))

    def words_come(self, message, text, *, seconds=2.0):
        """As the job leaves them behind."""
        written = {"state": "written", "text": text, "language": "pt", "model": "m", "seconds": seconds, "is_cut": False}
        with self.box.unit(self.tenant_id) as uow:
            actions.keep_words(uow, message.id, written)

    def later(self):
        """Whatever waits for its moment has it now."""
        with self.box.whole_box("test") as uow:
            uow.session.execute(update(Delivery).where(Delivery.state == "pending").values(next_at=uow.now))
        run_due(self.box)

    def read(self, message):
        with self.box.unit(self.tenant_id, read_only=True) as uow:
            return conversations.get_message(uow, message.id)

    def transcript(self, message):
        return self.read(message).content["transcript"]

    def conversation(self, message):
        with self.box.unit(self.tenant_id, read_only=True) as uow:
            return conversations.get_conversation(uow, message.conversation_id)

    def answers(self, message):
        """(sender, text) of what was said to the customer."""
        with self.box.unit(self.tenant_id, read_only=True) as uow:
            said = conversations.list_messages(uow, message.conversation_id)
            return [(one.sender, one.content.get("text")) for one in said if one.direction is Direction.OUTBOUND]

    def found(self, words):
        with self.box.unit(self.tenant_id, read_only=True) as uow:
            return conversations.search_messages(uow, words, PageQuery()).total


@pytest.fixture
def talk(box, tenant_id, make_agent, keep_file):
    agent_id = make_agent(greeting="Oi! Sou a Aurora.")
    with box.unit(tenant_id) as uow:
        channel = channels.create_channel(uow, ChannelIn(kind="simulator", name="S", agent_id=agent_id))
    return Talk(box, tenant_id, channel, keep_file(sound(seconds=0.5)).id)


def test_it_is_written_down_and_answered_from_the_documents(box, tenant_id, talk, run_deliveries, client):
    talk.hears(f" {ASKED} ")
    knowledge.upload_document(box, tenant_id, "frete.md", io.BytesIO(POLICY.encode()))
    run_deliveries()
    note = talk.speaks()
    assert talk.transcript(note) == {"state": "waiting"}
    run_deliveries()
    assert talk.transcript(note) == {
        "state": "written", "text": ASKED, "language": "pt", "model": "fake-whisper", "seconds": 0.5, "is_cut": False,
    }  # fmt: skip
    assert "R$ 49,00" in talk.answers(note)[-1][1]
    assert (talk.read(note).topic, talk.conversation(note).topic, talk.found("Betim frete")) == (Topic.DELIVERY, Topic.DELIVERY, 1)
    with box.unit(tenant_id, read_only=True) as uow:
        run = queries.list_runs(uow, note.conversation_id)[0]
        assert queries.list_steps(uow, [run.id])[0].detail["spoken"] == 1
    assert client.get(f"/api/v1/messages/{note.id}").json["content"]["transcript"]["text"] == ASKED


def test_what_is_typed_meanwhile_waits_and_both_get_one_answer(talk, run_deliveries):
    talk.hears(BUSY)
    note = talk.speaks()
    talk.types("bom dia")
    run_deliveries()
    assert talk.answers(note) == []
    talk.words_come(note, "oi")
    assert talk.conversation(note).preview == "bom dia", "the list shows what was said last"
    talk.words_come(note, "oi, outra vez")
    run_deliveries()
    talk.later()
    assert (talk.answers(note), talk.transcript(note)["text"]) == ([(Sender.AGENT_AI, "Oi! Sou a Aurora.")], "oi")


@SQLITE
def test_a_stop_that_is_spoken_is_a_stop(talk, run_deliveries):
    note = talk.speaks()
    talk.words_come(note, "SAIR")
    run_deliveries()
    assert [sender for sender, _ in talk.answers(note)] == [Sender.SYSTEM], "confirmed once, and not answered"


@SQLITE
@pytest.mark.parametrize("text", ["", "socorro, cheiro de gás na cozinha"])
def test_silence_and_danger_call_a_person(talk, run_deliveries, text):
    note = talk.speaks()
    talk.words_come(note, text)
    assert talk.conversation(note).preview == (text or "[audio]")
    run_deliveries()
    assert talk.conversation(note).handling is Handling.HUMAN


@SQLITE
@pytest.mark.parametrize("typed", ["", "bom dia"])
def test_without_a_model_a_person_is_called_and_the_message_says_why(talk, run_deliveries, client, typed):
    note = talk.speaks()
    if typed:
        talk.types(typed)
    run_deliveries()
    assert talk.conversation(note).handling is Handling.HUMAN
    told = client.get(f"/api/v1/messages/{note.id}", headers={"Accept-Language": "en"}).json["content"]["transcript"]
    assert told == {"state": "failed", "error": "No model that writes down speech is installed on this box."}
    assert talk.transcript(note)["error"] != told["error"], "kept so that each reader is told in their language"


def test_of_who_talks_for_half_an_hour_no_more_is_written_down_within_the_hour_and_a_person_is_called(
    box, tenant_id, talk, run_deliveries, client
):
    talk.hears(ASKED)
    before, long = talk.speaks(), talk.speaks()
    talk.words_come(before, "oi", seconds=900.0)
    talk.words_come(long, "oi", seconds=900.0)
    beyond = talk.speaks()
    run_deliveries()
    told = client.get(f"/api/v1/messages/{beyond.id}", headers={"Accept-Language": "en"}).json["content"]
    assert told["transcript"]["state"] == "failed"
    assert "than the box writes down (30 minutes)" in told["transcript"]["error"]
    assert told["media"]["blob_id"] == str(talk.recording), "who is called can listen to it"
    assert talk.conversation(beyond).handling is Handling.HUMAN
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Message).where(Message.id == before.id).values(created_at=uow.now - timedelta(minutes=61)))
    later = talk.speaks()
    run_deliveries()
    assert talk.transcript(later)["text"] == ASKED


@SQLITE
def test_models_that_are_away_are_asked_again_and_then_a_person_is_called(box, talk, run_deliveries):
    talk.hears(BUSY)
    note = talk.speaks()
    run_deliveries()
    assert talk.transcript(note)["state"] == "waiting"
    with box.whole_box("test") as uow:
        asking = update(Delivery).where(Delivery.subscriber == "conversations.write_down")
        uow.session.execute(asking.values(next_at=uow.now, attempts=PATIENCE - 1))
    run_deliveries()
    assert talk.transcript(note) == {"state": "failed", "error": str(BUSY)}
    assert talk.conversation(note).handling is Handling.HUMAN


@SQLITE
def test_words_that_come_too_late_are_kept_but_a_person_has_been_called(talk, run_deliveries):
    talk.hears(BUSY)
    note = talk.speaks()
    run_deliveries()
    assert talk.conversation(note).handling is Handling.BOT
    talk.later()
    assert talk.conversation(note).handling is Handling.HUMAN
    said = talk.answers(note)
    talk.words_come(note, "oi")
    run_deliveries()
    assert (talk.transcript(note)["text"], talk.answers(note)) == ("oi", said)


@SQLITE
def test_a_file_that_comes_after_its_message_is_listened_to_then(box, tenant_id, talk, keep_file):
    late, never = talk.speaks(provider_id="late"), talk.speaks(provider_id="never")
    broken = str(keep_file(b"no recording").id)
    with box.unit(tenant_id) as uow:
        actions.attach_media(uow, never.id, {"error": "WhatsApp no longer has this file."})
        actions.attach_media(uow, late.id, {"blob_id": broken})
    assert talk.transcript(never) == {"state": "failed", "error": "WhatsApp no longer has this file."}
    assert talk.transcript(late) == {"state": "waiting"}
    run_due(box)
    assert "cannot decode" in i18n.unpack(talk.transcript(late)["error"])
    assert talk.conversation(late).handling is Handling.HUMAN


def test_with_a_message_that_is_taken_back_or_a_person_who_is_erased_the_words_go(box, tenant_id, talk):
    note, other = talk.speaks(), talk.speaks()
    talk.words_come(note, "quero um guarda-roupa")
    assert talk.conversation(note).preview == "[audio]", "of two that are listened to the list shows the newer"
    talk.words_come(other, "quero um sofá")
    person = talk.conversation(note).contact_id
    with box.unit(tenant_id) as uow:
        actions.revise(uow, note.id, Revision("in-1", uow.now, by_contact=True))
        assert "quero um sofá" in str(conversations.export_contact(uow, person))
    talk.words_come(note, "tarde demais")
    assert (talk.read(note).content, talk.read(note).earlier[0]["text"]) == ({}, "")
    assert (talk.found("roupa"), talk.found("sofá")) == (0, 1)
    with box.unit(tenant_id) as uow:
        actions.erase_contact(uow, person)
    assert talk.found("sofá") == 0


@SQLITE
def test_what_was_typed_beside_a_voice_note_that_is_taken_back_is_answered(box, tenant_id, talk, run_deliveries):
    talk.hears(BUSY)
    asked, note = talk.types("bom dia"), talk.speaks()
    run_deliveries()
    assert talk.answers(asked) == []
    with box.unit(tenant_id) as uow:
        actions.revise(uow, note.id, Revision("in-2", uow.now, by_contact=True))
    talk.later()
    talk.later()
    assert talk.answers(asked) == [(Sender.AGENT_AI, "Oi! Sou a Aurora.")]


@SQLITE
def test_an_organisation_may_do_without_or_speak_many_languages(box, tenant_id, talk, run_deliveries):
    with box.whole_box("test") as uow:
        uow.session.add(Tenant(
            id=tenant_id, name="Aurora Móveis", slug="aurora", locale="pt_BR", timezone="America/Sao_Paulo", settings={},
            created_at=uow.now, updated_at=uow.now,
        ))  # fmt: skip
    note = talk.speaks()
    for chosen, language in ((Listening.OWN, "pt"), (Listening.ANY, "")):
        with box.unit(tenant_id) as uow:
            identity.change_tenant(uow, tenant_id, {"settings": {"voice_notes": chosen.value}})
            asked = conversations.find_recording(uow, note.id)
            assert (asked.file_id, asked.language, asked.expected) == (talk.recording, language, "Aurora Móveis")
    with box.unit(tenant_id) as uow:
        identity.change_tenant(uow, tenant_id, {"settings": {"voice_notes": Listening.OFF.value}})
    talk.words_come(note, "oi")
    other = talk.speaks()
    assert "transcript" not in other.content
    run_deliveries()
    assert talk.conversation(note).handling is Handling.HUMAN, "and the agent does not wait"


@SQLITE
def test_nobody_listens_to_who_is_blocked(box, tenant_id, talk):
    note = talk.types("oi")
    with box.unit(tenant_id) as uow:
        actions.block(uow, note.conversation_id)
    assert "transcript" not in talk.speaks().content


@SQLITE
def test_what_a_person_says_is_found_but_is_no_wish_of_the_customer(box, tenant_id, talk, keep_file, run_deliveries):
    asked, media = talk.types("oi"), {"blob_id": str(keep_file(b"OggS").id), "mime_type": "audio/ogg"}
    with box.unit(tenant_id) as uow:
        spoken = actions.reply(uow, asked.conversation_id, user_id=asked.id, content={"media": media}, kind=MessageKind.AUDIO)
    talk.words_come(spoken, "isso é um absurdo, vou ao Procon")
    run_deliveries()
    assert (talk.read(spoken).topic, talk.conversation(asked).signals, talk.found("procon")) == (None, [], 1)


@SQLITE
def test_a_reaction_behind_a_question_does_not_silence_the_agent(talk, run_deliveries):
    asked = talk.types("bom dia")
    talk.comes(MessageKind.REACTION, emoji="👍", message_id="x")
    run_deliveries()
    assert talk.answers(asked) == [(Sender.AGENT_AI, "Oi! Sou a Aurora.")]
