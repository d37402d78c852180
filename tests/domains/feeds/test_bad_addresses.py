"""Addresses that were made to hold the box up, or that are none."""

import socket
import threading
import time

import pytest

from appliance.core import outbound
from appliance.domains.feeds.gateways import hooks
from tests.domains.feeds.conftest import PHONE

pytestmark = pytest.mark.only_database("sqlite")
SOON_S = 30.0  # it would drip for ever


@pytest.fixture
def dripper():
    """It answers a letter at a time, in the head or in the body: each read is in time, and none is the last."""
    door, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def drip(caller):
        with caller:
            asked = caller.recv(65536)
            caller.sendall(b"HTTP/1.1 200 OK\r\nX-Wait: " if asked.startswith(b"POST") else b"HTTP/1.1 200 OK\r\n\r\n")
            while not over.wait(0.1):
                try:
                    caller.sendall(b"a")
                except OSError:
                    return

    def serve():
        while not over.is_set():
            try:
                caller, _address = door.accept()
            except OSError:
                return
            threading.Thread(target=drip, args=(caller,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{door.getsockname()[1]}/hook"
    over.set()
    door.close()


def test_who_answers_a_letter_at_a_time_holds_nobody_up(client, number, listening, dripper, monkeypatch):
    monkeypatch.setattr(hooks, "TIMEOUT_S", 0.5)
    monkeypatch.setattr(hooks, "FETCHED_IN_S", 0.5)
    listening(url=dripper)
    began = time.monotonic()
    tried = client.post(f"/api/v1/channels/{number}/feed/test").json
    file = {"number": PHONE, "mediatype": "image", "media": dripper}
    sent = client.post("/evolution/message/sendMedia/Loja", json=file)
    assert (tried["ok"], sent.status_code) == (False, 503)
    assert time.monotonic() - began < SOON_S


@pytest.mark.parametrize("url", ["http://a..b/x", f"http://{'a' * 64}.example/", "http://[v1.a]/", f"http://{'ü' * 70}.example/"])
def test_what_is_no_address_is_told_and_breaks_nothing(client, number, listening, url, monkeypatch):
    monkeypatch.setattr(outbound.Outbound, "check_allowed", lambda *_host: None)
    listening(url=url)
    tried = client.post(f"/api/v1/channels/{number}/feed/test")
    assert (tried.status_code, tried.json["ok"]) == (200, False)
    file = {"number": PHONE, "mediatype": "image", "media": url}
    assert client.post("/evolution/message/sendMedia/Loja", json=file).status_code in {422, 503}


def test_a_header_has_letters_that_travel(client, number, listener):
    asked = {"webhook": {"url": listener.url, "headers": {"X-Key": "é"}}}
    assert client.post("/evolution/webhook/set/Loja", json=asked).status_code == 422
