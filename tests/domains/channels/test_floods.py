import json
import threading

import pytest

from appliance.core.signatures import sign
from tests.peers.graph import SECRET, text_webhook


def signed(body):
    return {"X-Hub-Signature-256": sign(SECRET, body)}


@pytest.mark.usefixtures("cloud")
def test_floods_of_the_same_and_of_different_people_are_stored_once_each_and_in_order(door, read_in, inbox):
    """Eight connections post the same forty webhooks at once, for people never seen before."""
    bodies = [
        json.dumps(text_webhook(f"{person}-{turn}", wa_id=f"55319999900{person:02d}", first_id=f"wamid.{person}-{turn}.")).encode()
        for turn in range(5) for person in range(8)
    ]  # fmt: skip
    answers = []

    def post_all():
        answers.extend(door.post("/webhooks/whatsapp", content=body, headers=signed(body)).status_code for body in bodies)

    threads = [threading.Thread(target=post_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {200}
    read_in()
    threads_by_person = [[message.content["text"] for message in thread] for _, thread in inbox()]
    assert sorted(threads_by_person) == [[f"{person}-{turn}" for turn in range(5)] for person in range(8)]
