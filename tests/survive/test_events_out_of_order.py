"""What a provider says comes twice, at once, and before what it is about."""

import threading

import pytest

from appliance.domains.conversations.types import MessageStatus
from tests.peers.graph import envelope, text_webhook

pytestmark = pytest.mark.only_database("sqlite")


def test_the_same_webhook_by_many_doors_at_once_is_one_message(meta, read_in, inbox, cloud):
    body = text_webhook("Bom dia")
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(meta(body).status_code)) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    read_in()
    [(_, messages)] = inbox()
    assert answers == [200] * 8
    assert [one.content["text"] for one in messages] == ["Bom dia"]


@pytest.mark.parametrize("order", [("read", "delivered", "sent"), ("read", "read"), ("delivered", "read", "delivered", "sent")])
def test_read_before_delivered_stays_read(order, say, conversation_id, run_deliveries, graph, post, message):
    ours = say(conversation_id, "Olá!")
    run_deliveries()
    wamid = graph.accepted[0][0]
    for status in order:
        assert post(graph.status_webhook(wamid, status)).status_code == 200
    found = message(ours)
    assert found.status is MessageStatus.READ
    assert found.read_at is not None


def test_a_status_of_a_message_that_is_not_known_harms_nothing_and_what_comes_with_it_is_stored(post, inbox, cloud):
    strange = {"id": "wamid.UNKNOWN", "status": "delivered", "timestamp": "1700000000", "recipient_id": "5531999990001"}
    assert post(envelope({"statuses": [strange]})).status_code == 200
    assert post(text_webhook("Bom dia")).status_code == 200
    assert post(envelope({"statuses": [strange]})).status_code == 200
    assert [one.content["text"] for _, messages in inbox() for one in messages] == ["Bom dia"]


def test_a_reply_that_comes_before_what_it_quotes_is_kept(post, inbox, cloud):
    later = text_webhook("sim, esse", first_id="wamid.LATER")
    later["entry"][0]["changes"][0]["value"]["messages"][0]["context"] = {"id": "wamid.EARLIER0"}
    post(later)
    post(text_webhook("qual o preço do sofá?", first_id="wamid.EARLIER"))
    post(later)
    [(_, messages)] = inbox()
    assert sorted(one.content["text"] for one in messages) == ["qual o preço do sofá?", "sim, esse"]
