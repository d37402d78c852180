"""Voice notes in the open conversation: what was said stands below the player, as soon as it is known; else why it does not."""

import pytest
from playwright.sync_api import expect

from appliance.core import files
from appliance.core.uow import Actor
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import Change, Spoken
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.types import Incoming, MessageKind, Person
from appliance.inference.errors import NoModel
from tests.modelserver.sounds import sound
from tests.webui.conftest import ANA
from tests.webui.looking import look

pytestmark = pytest.mark.only_database("sqlite")
SHORT = "Oi, tudo bem? Queria saber se vocês entregam em Betim até sexta."
LONG = " ".join(f"Primeiro comprei a mesa {number} e ela ainda não chegou, então quero saber do prazo." for number in range(12))


def written(text, **more):
    return {"state": "written", "text": text, "language": "pt", "model": "m", "seconds": 30.0, "is_cut": False, **more}


@pytest.fixture
def notes(box, ana, tmp_path):
    """Five of them, in a conversation that people have."""
    with (tmp_path / "note").open("wb") as file:
        file.write(sound(seconds=20))
    with (tmp_path / "note").open("rb") as file:
        blob = files.put(box, ana.tenant_id, file, files.Origin.ARRIVED)
    with box.unit(ana.tenant_id, Actor("user", ana.user_id, ANA.person)) as uow:
        channel = channels.create_channel(uow, ChannelIn(kind="simulator", name="Balcão"))
        media = {"blob_id": str(blob.id), "mime_type": "audio/wav", "true_type": "audio/wave"}
        said = tuple(Incoming(f"v{number}", MessageKind.AUDIO, {"media": media}, uow.now) for number in range(5))
        person = Person((Identity(IdentityKind.WEBCHAT, "bia", channel.id.hex),), "Beatriz Nogueira")
        channels.receive_changes(uow, channel, [Change((Spoken(person, "bia", said),))])
        found = [queries.find_by_provider_id(uow, channel.id, one.provider_id) for one in said]
        ends = [actions.heard_nothing(NoModel("")), written(""), written(LONG, is_cut=True), written(SHORT)]
        for note, end in zip(found, ends, strict=False):
            actions.keep_words(uow, note.id, end)
        return found


@pytest.mark.browser
def test_what_is_said_stands_below_the_player_and_comes_while_somebody_listens(box, ana, notes, new_context):
    page = new_context(ana, viewport={"width": 1280, "height": 900}).new_page()
    page.goto(f"/inbox/{notes[0].conversation_id}")
    bubbles = page.locator(".msg")
    expect(bubbles.nth(0)).to_contain_text("Não transcrita: Não há nesta caixa um modelo que transcreva fala.")
    expect(bubbles.nth(1)).to_contain_text("Ninguém fala nesta gravação.")
    expect(bubbles.nth(2)).to_contain_text("só os primeiros 15 minutos")
    expect(bubbles.nth(2).get_by_text(LONG)).to_be_hidden()
    expect(bubbles.nth(3)).to_contain_text(SHORT)
    expect(bubbles.nth(4)).to_contain_text("Ouvindo…")
    look(page, "notes")
    bubbles.nth(2).get_by_text("Mostrar tudo").click()
    expect(bubbles.nth(2).get_by_text(LONG)).to_be_visible()
    page.evaluate("sound => { sound.loop = true; return sound.play(); }", bubbles.nth(4).locator("audio").element_handle())
    expect(page.locator(".conv").first).to_contain_text("Áudio")
    with box.unit(ana.tenant_id) as uow:
        actions.keep_words(uow, notes[4].id, written("Pode ser na quinta?"))
    expect(bubbles.nth(4)).to_contain_text("Pode ser na quinta?")
    expect(page.locator(".conv").first).to_contain_text("Pode ser na quinta?")
    assert not bubbles.nth(4).locator("audio").evaluate("sound => sound.paused"), "who listens goes on listening"

