"""A whole box whose operator suspends an organisation while customers write to it, and opens it again."""

import json
from functools import partial

import httpx
import pytest

from appliance.core.signatures import sign
from tests.journeys.running import open_number, running_box, set_up, wait_for
from tests.peers.graph import SECRET, GraphPeer, text_webhook

LIMIT_S = 120


@pytest.mark.slow
def test_nothing_leaves_while_it_is_suspended_and_all_of_it_once_when_it_goes_on(tmp_path):
    with GraphPeer() as graph, running_box(tmp_path, channels__graph_url=graph.url, network__private_hosts=["127.0.0.1"]) as box:
        set_up(box)
        open_number(box.client())
        write(box, "um")
        wait_for(lambda: len(graph.accepted) == 1, limit_s=LIMIT_S)
        tell(box, "suspend")
        write(box, "dois")
        write(box, "três", phone="5531999990002")
        wait_for(partial(waits, box), limit_s=LIMIT_S)
        assert len(graph.accepted) == 1
        assert json.loads(box.cli("status", "--json").stdout)["suspended"]["detail"] == "solara-energia"
        tell(box, "resume")
        wait_for(lambda: len(graph.accepted) == 3, limit_s=LIMIT_S)
        wait_for(lambda: not waits(box), limit_s=LIMIT_S)
        assert len(graph.accepted) == 3


def write(box, wamid, *, phone="5531999990001"):
    body = json.dumps(text_webhook("bom dia", wa_id=phone, first_id=f"wamid.{wamid}")).encode()
    headers = {"X-Hub-Signature-256": sign(SECRET, body), "Content-Type": "application/json"}
    httpx.post(f"{box.url}/webhooks/whatsapp", content=body, headers=headers, timeout=60).raise_for_status()


def tell(box, word):
    done = box.cli("tenants", word, "solara-energia")
    assert done.returncode == 0, done.stderr


def waits(box):
    """Whether work of both who wrote lies there until the organisation goes on."""
    figures = httpx.get(f"{box.url}/metrics", timeout=60).text
    held = [line for line in figures.splitlines() if line.startswith('salesedge_deliveries{state="held"}')]
    return bool(held) and float(held[0].split()[-1]) >= 2
