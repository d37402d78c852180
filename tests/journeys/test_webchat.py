"""A visitor of the company's site, the agent, a person who takes over; and a box made of the backup of a whole box."""

import json
import re
import shutil
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.journeys.running import ROOT, running_box, wait_for
from tests.modelserver import tiny_whisper
from tests.modelserver.sounds import sound
from tests.peers.strict_site import StrictSite
from tests.webui.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]
QUESTIONS = ("qual a garantia do inversor?", "a visita técnica é paga?")
CITED = ("document_id", "chunk_id", "score", "excerpt")


@pytest.fixture
def chat(agent):
    """On another origin, answered by the agent."""
    api = agent.api
    agent_id = api.get("/api/v1/agents").json()["items"][0]["id"]
    given = {"kind": "webchat", "name": "Site", "agent_id": agent_id, "config": {"title": "Solara"}}
    made = api.post("/api/v1/channels", json=given).json()
    with StrictSite(box=agent.box.url, key=made["external_id"]) as shop:
        api.patch(f"/api/v1/channels/{made['id']}", json={"agent_id": agent_id, "config": {"origins": [shop.url]}}).raise_for_status()
        yield shop


def test_the_agent_answers_on_the_site_a_person_takes_over_and_a_killed_box_loses_nothing(agent, chat, page, new_context):
    visitor = Visitor(new_context(storage_state=None), chat).open()
    visitor.say("qual a garantia do inversor?")
    visitor.theirs("10 anos").wait_for()
    visitor.theirs("10 anos").get_by_text("Fonte: garantia.md").wait_for()
    page.goto("/inbox")
    page.locator("[data-conversation]").first.click()
    page.get_by_role("button", name="Assumir").click()
    visitor.frame.get_by_text("Você está falando com a equipe").wait_for()
    page.get_by_role("textbox", name=re.compile("^Mensagem para")).fill("Oi, aqui é a Ana.")
    page.get_by_role("button", name="Enviar").click()
    visitor.theirs("aqui é a Ana").wait_for()
    assert visitor.complaints == []
    agent.box.kill("se-web")
    visitor.frame.get_by_role("textbox", name="Sua mensagem").fill("ainda aí?")
    visitor.page.keyboard.press("Enter")
    visitor.mine("ainda aí?").locator("time").wait_for()
    conversation_id = page.url.split("/inbox/")[1].partition("?")[0]
    assert wait_for(lambda: agent.texts(conversation_id, "inbound"), limit_s=180) == ["qual a garantia do inversor?", "ainda aí?"]


def test_a_visitor_speaks_a_model_writes_it_down_and_the_agent_answers(agent, chat, page, new_context):
    """By a model of random weights: what it writes is nonsense, and all the rest is as with any other."""
    tiny_whisper.install(agent.box.home / "data" / "models")
    page.goto("/inbox")
    listed = page.locator("[data-conversation]")
    known = listed.count()
    visitor = Visitor(new_context(storage_state=None), chat).open()
    visitor.frame.locator("input[type=file]").set_input_files({"name": "voz.wav", "mimeType": "audio/wav", "buffer": sound(seconds=3)})
    expect(listed).to_have_count(known + 1)  # the newest stands first
    listed.first.click()
    heard = page.locator(".msg.in [data-heard]")
    expect(heard).to_contain_text("Transcrito por máquina")
    answer = page.locator(".msg.ai")
    expect(answer).to_have_count(1)
    conversation_id = page.url.split("/inbox/")[1].partition("?")[0]
    note = agent.messages(conversation_id)[0]["content"]["transcript"]
    assert (note["state"], note["model"], note["language"]) == ("written", tiny_whisper.NAME, "pt")
    expect(heard).to_contain_text(note["text"])
    answer.get_by_role("button", name="Por que esta resposta?").click()
    expect(page.locator(".trace")).to_contain_text("delas faladas")
    assert page.watch.complaints == []


def test_a_box_made_of_a_backup_on_an_empty_machine_gives_the_same_cited_answers(agent, tmp_path):
    if shutil.which("restic") is None:
        pytest.skip("restic is not installed (apt-get install restic)")
    targets = {"SALESEDGE__BACKUP__TARGETS": json.dumps({"usb": {"repository": str(tmp_path / "usb")}})}
    api = agent.box.client()
    wait_for(lambda: all(ask(api, question)["sources"] for question in QUESTIONS), limit_s=180)
    before = [ask(api, question) for question in QUESTIONS]
    assert "10 anos" in before[0]["answer"]
    taken = by_hand(agent.box.environment | targets, "backup")
    shutil.copy(agent.box.home / "master.key", tmp_path)
    own = {"SALESEDGE_HOME": str(tmp_path / "data"), "SALESEDGE__KEYS__MASTER_KEY_FILE": str(tmp_path / "master.key")}
    assert by_hand(agent.box.environment | targets | own, "restore")["found"]["rows"] == taken["contents"]["rows"]
    with running_box(tmp_path) as box:
        api = box.client()
        assert [ask(api, question) for question in QUESTIONS] == before


def ask(api, question):
    answer = api.post("/api/v1/rag/query", json={"query": question}).raise_for_status().json()
    return {"answer": answer["answer"], "sources": [[one[name] for name in CITED] for one in answer["sources"]]}


def by_hand(environment, *words):
    command = [sys.executable, "-m", "appliance.entrypoints.cli", *words, "--json"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)
