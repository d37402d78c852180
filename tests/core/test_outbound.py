import contextlib
import http.server
import socket
import threading
import time

import pytest

from appliance.core import metrics
from appliance.core.breaker import FAILURES_TO_OPEN, Breakers
from appliance.core.config import ModelSettings, NetworkMode, NetworkSettings
from appliance.core.errors import Refused, Unavailable
from appliance.core.outbound import NoAnswer, NotAllowed, Outbound, TransportFailed, is_public, vouched
from appliance.core.receivers import Receiver
from appliance.inference.http import chat_engine
from appliance.inference.wire import ModelServer


@pytest.fixture
def peer():
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302 if self.path == "/away" else 200)
            self.send_header("Location", "http://10.0.0.1/")
            self.end_headers()
            self.wfile.write(self.headers["Host"].encode())

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_sealed_box_calls_nobody():
    with Outbound(NetworkSettings()).client("test") as client, pytest.raises(Refused, match="may not call"):
        client.get("https://example.com/")


def test_an_allow_listed_box_calls_only_its_list():
    outbound = Outbound(NetworkSettings(mode=NetworkMode.ALLOW_LISTED, allowed_hosts=("graph.example",)))
    outbound.check_allowed("graph.example")
    with pytest.raises(Refused, match="allowed_hosts"):
        outbound.check_allowed("other.example")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.1.2.3", "169.254.169.254", "[::1]", "0.0.0.0"])
def test_a_private_target_is_refused_even_when_connected(host):
    with Outbound(NetworkSettings(mode=NetworkMode.CONNECTED)).client("test") as client, pytest.raises(Refused, match="private"):
        client.get(f"http://{host}/")


def test_a_private_host_the_operator_vouches_for_is_called_by_its_name(peer):
    outbound = Outbound(NetworkSettings(private_hosts=("localhost",)))
    with outbound.client("test") as client:
        assert client.get(f"http://localhost:{peer}/").text == f"localhost:{peer}"


def test_a_redirect_is_not_followed(peer):
    with Outbound(NetworkSettings(private_hosts=("localhost",))).client("test") as client:
        assert client.get(f"http://localhost:{peer}/away").status_code == 302


def test_the_breaker_opens_after_repeated_failures_and_names_the_host():
    outbound = Outbound(NetworkSettings(private_hosts=("127.0.0.1",)))
    with outbound.client("test", timeout_s=0.5) as client:
        for _ in range(FAILURES_TO_OPEN):
            with pytest.raises(Unavailable, match="does not answer"):
                client.get("http://127.0.0.1:1/")
        with pytest.raises(Unavailable, match="repeatedly") as refused:
            client.get("http://127.0.0.1:1/")
        assert refused.value.retry_after == 30


def test_after_its_pause_the_breaker_lets_one_try_and_a_success_closes_it(monkeypatch):
    from appliance.core import breaker

    breakers = Breakers()
    for _ in range(FAILURES_TO_OPEN):
        breakers.failed("peer")
    assert breakers.is_open("peer")
    later = breaker.time.monotonic() + breaker.OPEN_FOR_S + 1
    monkeypatch.setattr(breaker.time, "monotonic", lambda: later)
    assert not breakers.is_open("peer")
    assert breakers.is_open("peer"), "only one may try"
    breakers.succeeded("peer")
    assert not breakers.is_open("peer")


def test_calls_to_one_host_run_side_by_side():
    together = threading.Barrier(3, timeout=60)

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            together.wait()
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    outbound = Outbound(NetworkSettings(private_hosts=("127.0.0.1",)))
    statuses = []

    def call():
        with outbound.client("test") as client:
            statuses.append(client.get(f"http://127.0.0.1:{server.server_port}/").status_code)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.shutdown()
    server.server_close()
    assert statuses == [200, 200, 200]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "fd00::1",
     "ff02::1", "::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"],
)  # fmt: skip
def test_an_address_inside_is_known_in_every_disguise(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_is_public(address):
    assert is_public(address)


def test_a_bare_socket_keeps_to_the_same_rules(peer):
    with pytest.raises(Refused, match=r"network\.mode"):
        Outbound(NetworkSettings()).connect("test", "mail.example", 993)
    with pytest.raises(Refused, match="private address"):
        Outbound(NetworkSettings(mode=NetworkMode.CONNECTED)).connect("test", "127.0.0.1", peer)
    own = Outbound(NetworkSettings(private_hosts=("127.0.0.1",)))
    with own.connect("test", "127.0.0.1", peer) as found:
        assert found.getpeername() == ("127.0.0.1", peer)


def test_a_host_that_takes_no_socket_rests_after_a_while():
    outbound = Outbound(NetworkSettings(private_hosts=("127.0.0.1",)))
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(Unavailable, match="does not answer"):
            outbound.connect("test", "127.0.0.1", 1)
    with pytest.raises(Unavailable, match="waits"):
        outbound.connect("test", "127.0.0.1", 1)


@pytest.fixture
def dripper():
    """It answers a letter at a time, in the head or in the body: each read is in time, and none is the last."""
    door, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def drip(caller):
        with caller, contextlib.suppress(OSError):
            in_head = caller.recv(65536).startswith(b"GET /head")
            caller.sendall(b"HTTP/1.1 200 OK\r\nX-Wait: " if in_head else b"HTTP/1.1 200 OK\r\n\r\n")
            while not over.wait(0.05):
                caller.sendall(b"a")

    def serve():
        with contextlib.suppress(OSError):  # the door closes
            while True:
                threading.Thread(target=drip, args=door.accept()[:1], daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{door.getsockname()[1]}"
    over.set()
    door.close()


@pytest.mark.parametrize(("timeout_s", "within_s"), [(5.0, 0.4), (0.2, None)])
def test_who_answers_a_letter_at_a_time_is_hung_up_on(dripper, timeout_s, within_s):
    outbound = Outbound(NetworkSettings(private_hosts=("127.0.0.1",)))
    began = time.monotonic()
    with outbound.client("test", timeout_s=timeout_s, within_s=within_s) as client:
        with pytest.raises(NoAnswer):
            client.get(f"{dripper}/head")
        with pytest.raises((TransportFailed, NoAnswer)):  # though a body without a length ends where the line does
            client.get(f"{dripper}/body")
    assert time.monotonic() - began < 60, "it would drip for ever"


def test_an_answer_without_a_length_that_another_deadline_cut_off_is_not_taken_for_whole(dripper):
    outbound = Outbound(NetworkSettings(private_hosts=("127.0.0.1",)))
    with outbound.client("test", timeout_s=60) as client, client.stream("GET", f"{dripper}/body") as patient:
        with pytest.raises((TransportFailed, NoAnswer)):
            client.get(f"{dripper}/body", timeout=0.2)
        with pytest.raises(TransportFailed):
            patient.read()


def test_a_line_that_is_used_again_can_still_be_cut():
    door = socket.create_server(("127.0.0.1", 0))

    def serve():
        caller, _address = door.accept()
        with caller:
            caller.recv(65536)
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            caller.recv(65536)
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
            caller.recv(1)  # until it is hung up on

    threading.Thread(target=serve, daemon=True).start()
    address, began = f"http://127.0.0.1:{door.getsockname()[1]}/", time.monotonic()
    with door, Outbound(NetworkSettings(private_hosts=("127.0.0.1",))).client("test", timeout_s=120, within_s=60) as client:
        assert client.get(address).text == "ok"
        client._transport._within_s = 0.4
        with pytest.raises((TransportFailed, NoAnswer)):  # in the body, or on a slow machine before it
            client.get(address)
    assert time.monotonic() - began < 60


@pytest.fixture
def flipping(monkeypatch):
    """A name that leads to one address after the other."""
    asked, real = [], socket.getaddrinfo

    def resolve(host, port, *more, **named):
        if host != "loki.example":
            return real(host, port, *more, **named)
        asked.append(port)
        address = "127.0.0.1" if len(asked) == 1 else "93.184.216.34"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", lambda *_named, **_more: pytest.fail("it was called"))
    return asked


def test_a_host_that_is_vouched_for_at_home_is_not_called_elsewhere(flipping):
    url = "http://loki.example:3100/"
    with vouched(NetworkSettings(), url).client("test") as client, pytest.raises(NotAllowed, match=r"network\.mode"):
        client.get(url)
    assert flipping == [None, 3100]


@pytest.mark.parametrize("signal", ["traces", "logs", "errors"])
def test_receivers_are_called_at_home_only(flipping, signal):
    gone = metrics.UNTOLD.labels(signal)._value.get()
    Receiver(signal, "http://loki.example:3100/", NetworkSettings(), {}).send(b"x", 1)
    assert (flipping, metrics.UNTOLD.labels(signal)._value.get() - gone) == ([None, 3100], 1)


def test_a_language_model_is_called_at_home_only(flipping):
    models = ModelSettings(chat_engine="ollama", chat_model="x", chat_url=("http://loki.example:11434",))
    with pytest.raises(NotAllowed, match=r"network\.mode"):
        chat_engine(models, NetworkSettings(), ModelServer("http://127.0.0.1:1", timeout_s=1)).models()
    assert flipping == [None, 11434]


def test_where_the_mode_allows_it_a_host_may_move_abroad(flipping):
    outbound = vouched(NetworkSettings(mode=NetworkMode.CONNECTED), "http://loki.example/")
    assert outbound.address_of("loki.example", 80) == "93.184.216.34"


def test_a_host_of_the_operators_own_list_is_called_wherever_it_is(flipping):
    outbound = vouched(NetworkSettings(private_hosts=("loki.example",)), "http://loki.example/")
    assert outbound.address_of("loki.example", 80) == "93.184.216.34"


def test_a_host_at_home_is_called_from_a_sealed_box(peer):
    url = f"http://localhost:{peer}/"
    with vouched(NetworkSettings(), url).client("test") as client:
        assert client.get(url).text == f"localhost:{peer}"


@pytest.mark.parametrize("url", ["http://[", f"http://{'a' * 64}.example/", "http://a..example/", "loki:3100/otlp", "http:///x", ""])
def test_nobody_is_vouched_for_by_what_is_no_address(url):
    outbound = vouched(NetworkSettings(), url)
    with pytest.raises(NotAllowed):
        outbound.check_allowed("")
    with pytest.raises(NotAllowed):
        outbound.check_allowed("loki")
