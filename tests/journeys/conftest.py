"""A company at work in a browser: one box for all the journeys of a file, each journey with a customer of its own."""

import contextlib
import uuid
from dataclasses import dataclass

import pytest

from tests.journeys.running import EMAIL, PASSWORD, RunningBox, running_box, set_up, wait_for
from tests.webui.watch import Watch

POLICY = "# Garantia\n\nA garantia do inversor é de 10 anos.\n\n# Visita\n\nA visita técnica é gratuita em um raio de 80 km.\n"


@dataclass
class Company:
    box: RunningBox
    api: object
    channel_id: str

    def write(self, text, *, name, visitor=""):
        """As a customer; answers with the conversation's id."""
        said = {"visitor": visitor or name, "name": name, "text": text, "client_id": uuid.uuid4().hex}
        answer = self.api.post(f"/api/v1/channels/{self.channel_id}/simulate", json=said)
        answer.raise_for_status()
        return answer.json()["conversation_id"]

    def messages(self, conversation_id):
        answer = self.api.get(f"/api/v1/conversations/{conversation_id}/messages?limit=200")
        answer.raise_for_status()
        return answer.json()["items"]

    def said(self, conversation_id, direction):
        """By people and agents; the box's own word comes after half a minute."""
        return [each for each in self.messages(conversation_id) if each["direction"] == direction and each["sender"] != "system"]

    def texts(self, conversation_id, direction):
        return [each["content"].get("text") for each in self.said(conversation_id, direction)]

    def phone(self, page, conversation_id):
        """What the customer's phone gets, as HTML."""
        return page.request.get(f"{self.box.url}/simulator/{conversation_id}/messages").text()


@pytest.fixture(scope="module")
def empty_company(tmp_path_factory):
    """A box set up and nothing else."""
    with running_box(tmp_path_factory.mktemp("box")) as box:
        set_up(box)
        yield Company(box, box.client(), "")


@pytest.fixture(scope="module")
def company(empty_company):
    """A simulator without an agent: people answer."""
    made = empty_company.api.post("/api/v1/channels", json={"kind": "simulator", "name": "Balcão"})
    made.raise_for_status()
    empty_company.channel_id = made.json()["id"]
    return empty_company


@pytest.fixture(scope="module")
def agent(company):
    """A document and an agent that answers at once; a simulator of its own."""
    api = company.api
    api.post("/api/v1/documents/upload", files={"file": ("garantia.md", POLICY.encode())}).raise_for_status()
    wait_for(lambda: api.get("/api/v1/documents").json()["items"][0]["status"] == "processed", limit_s=180)
    made = api.post("/api/v1/agents", json={"name": "Lia", "settings": {"debounce_ms": 0}}).json()
    api.post(f"/api/v1/agents/{made['id']}/publish", json={}).raise_for_status()
    channel = api.post("/api/v1/channels", json={"kind": "simulator", "name": "Lia", "agent_id": made["id"]}).json()
    return Company(company.box, api, channel["id"])


@pytest.fixture(scope="module")
def signed_in(chromium, empty_company):
    """The cookies of somebody who signed in by hand."""
    with contextlib.closing(chromium.new_context(locale="pt-BR", base_url=empty_company.box.url)) as context:
        page = context.new_page()
        page.goto("/login")
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_role("textbox", name="Senha").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{empty_company.box.url}/")
        return context.storage_state()


@pytest.fixture
def new_context(chromium, empty_company, signed_in):
    contexts = []

    def make(**options):
        context = chromium.new_context(
            **{"locale": "pt-BR", "reduced_motion": "reduce", "storage_state": signed_in, **options}, base_url=empty_company.box.url
        )
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_context, empty_company):
    opened = new_context(viewport={"width": 1440, "height": 900}).new_page()
    opened.watch = Watch(opened, empty_company.box.url)
    return opened
