"""The front of a box without a proxy: slow, endless and chunked bodies, through a real socket."""

import asyncio
import contextlib
import io
import json
import logging
import socket
import threading
import time

import httpx
import pytest
import uvicorn
from a2wsgi import WSGIMiddleware
from flask import Flask, Response, request
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount

from appliance.core.web.api import event_stream
from appliance.domains.identity import actions
from appliance.domains.identity.types import SESSION_COOKIE, Device
from appliance.entrypoints import bodies, live
from appliance.entrypoints.bodies import BodyFirst
from appliance.entrypoints.room import NoRoom, Room
from tests import cast as people
from tests.loops import run_async

THREADS = 2
PATIENCE_S = 60  # of a caller, and of a front that a test does not make impatient
FREE = 1_000_000  # bytes where bodies lie
KEY = {"X-API-Key": "ours"}
FILE = {**KEY, "Content-Type": "multipart/form-data; boundary=b"}


def shows_key(asked):
    return asked.headers.get("x-api-key") == KEY["X-API-Key"]


@pytest.fixture
def room():
    return Room(free=lambda: FREE)


@contextlib.contextmanager
def served(app):
    """Its port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


@pytest.fixture
def front(monkeypatch, room):
    """Port of an application that says how much it got, served by two threads."""
    for name in ("IDLE_S", "UNREAD_S", "SLACK_S"):
        monkeypatch.setattr(bodies, name, PATIENCE_S)
    monkeypatch.setattr(bodies, "PLAIN_LIMIT", 100_000)
    monkeypatch.setattr(bodies, "IN_MEMORY", 20_000)
    pages = Flask("test")

    @pages.post("/")
    def echo():
        return {"size": len(request.get_data()), "length": request.content_length}

    @pages.get("/file")
    def file():
        return Response(b"x" * 65_536 for _ in range(1000))

    front = BodyFirst(WSGIMiddleware(pages, workers=THREADS), file_limit=300_000, is_ours=shows_key, room=room)
    with served(Starlette(routes=[Mount("/", front)])) as port:
        yield port


@pytest.fixture
def caller(front):
    with httpx.Client(base_url=f"http://127.0.0.1:{front}", timeout=PATIENCE_S / 2) as client:
        yield client


def connected(front):
    return socket.create_connection(("127.0.0.1", front), timeout=PATIENCE_S)


def test_senders_that_stop_in_the_middle_keep_nobody_else_waiting(front, caller):
    with contextlib.ExitStack() as held:
        for _ in range(5 * THREADS):
            stalled = held.enter_context(connected(front))
            stalled.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert caller.post("/", content=b"x" * 70_000).json()["size"] == 70_000


def test_readers_that_take_nothing_keep_nobody_else_waiting(front, caller, monkeypatch):
    monkeypatch.setattr(bodies, "UNREAD_S", 0.5)
    with contextlib.ExitStack() as held:
        for _ in range(2 * THREADS):
            stalled = held.enter_context(socket.socket())
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.connect(("127.0.0.1", front))
            stalled.sendall(b"GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.3)
        assert caller.post("/", content=b"x").json()["size"] == 1


def test_a_reader_who_is_dropped_is_not_logged_as_an_error(front, caplog, monkeypatch):
    monkeypatch.setattr(bodies, "UNREAD_S", 0.5)
    ours = logging.getLogger("uvicorn.error")
    ours.addFilter(live.is_news)
    try:
        with socket.socket() as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.connect(("127.0.0.1", front))
            stalled.sendall(b"GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(1.5)
    finally:
        ours.removeFilter(live.is_news)
    assert caplog.messages == []


def test_a_reader_who_takes_all_gets_all(caller):
    assert len(caller.get("/file").content) == 65_536_000


def test_a_sender_that_stops_is_told_so(front, monkeypatch):
    monkeypatch.setattr(bodies, "IDLE_S", 0.5)
    with connected(front) as stalled:
        stalled.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert b" 408 " in stalled.recv(4096).split(b"\r\n")[0]


def test_a_body_in_pieces_arrives_whole_with_its_length(caller):
    answer = caller.post("/", content=iter([b"a" * 40_000, b"b" * 40_000])).json()
    assert answer == {"size": 80_000, "length": 80_000}


@pytest.mark.parametrize("content", [b"x" * 100_001, iter([b"x" * 60_000, b"x" * 60_000])])
def test_more_than_is_taken_is_refused_in_a_sentence(caller, content):
    answer = caller.post("/", content=content)
    assert answer.status_code == 413
    assert json.loads(answer.content)["detail"]


def test_a_file_may_be_larger_than_other_bodies(caller):
    assert caller.post("/", files={"file": b"x" * 200_000}, headers=KEY).status_code == 200


@pytest.mark.parametrize("shown", [{}, {"X-API-Key": "made up"}, {"Cookie": "se_session=any"}])
def test_a_file_of_somebody_who_shows_nothing_of_ours_may_not(caller, shown):
    assert caller.post("/", files={"file": b"x" * 200_000}, headers=shown).status_code == 413


def test_the_front_knows_the_sessions_of_its_box(box):
    cookie = actions.sign_in(box, email=people.make_cast(box).ana.email, password=people.PASSWORD, device=Device()).secret

    def is_ours(name, value):
        scope = {"type": "http", "method": "POST", "path": "/", "scheme": "http", "headers": [(name, value.encode())]}
        return live._is_ours(box, Request(scope))

    assert is_ours(b"cookie", f"theme=dark; {SESSION_COOKIE}={cookie}")
    assert not is_ours(b"cookie", f"{SESSION_COOKIE}=made-up")
    assert not is_ours(b"authorization", "Basic YTpi")


def until(true):
    """What others send or give back is still on its way for a moment."""
    ends = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.02)


def uploading(front, size, total=200_000):
    """An upload that has come so far."""
    found = connected(front)
    head = ["POST / HTTP/1.1", "Host: x", f"Content-Length: {total}", *(f"{name}: {value}" for name, value in FILE.items()), "", ""]
    found.sendall("\r\n".join(head).encode() + b"x" * size)
    return found


def test_uploads_fill_a_quarter_of_the_room_and_no_more(front, caller, room):
    with uploading(front, 190_000):
        until(lambda: room._held == 190_000)  # what comes later would be turned away instead
        told = caller.post("/", files={"file": b"x" * 130_000}, headers=KEY)
        assert (told.status_code, int(told.headers["Retry-After"]) > 0, bool(told.json()["detail"])) == (503, True, True)
        assert caller.post("/", content=b"x" * 20_000).status_code == 200, "what is small comes in all the same"
    until(lambda: room._held == 0)  # who left has given the room back
    assert caller.post("/", files={"file": b"x" * 130_000}, headers=KEY).status_code == 200


def test_an_upload_of_unknown_length_that_finds_no_room_is_told_so(front, caller, room):
    with uploading(front, 190_000):
        until(lambda: room._held == 190_000)  # as above
        # too much for what is left in whatever pieces it comes: each that is taken in makes the quarter grow
        assert caller.post("/", content=iter([b"x" * 15_000] * 13), headers=FILE).status_code == 503


def test_a_sender_that_trickles_is_told_to_stop_whatever_it_sent_before(front, monkeypatch):
    monkeypatch.setattr(bodies, "SLACK_S", 1.0)
    with uploading(front, 150_000) as trickling, pytest.raises(OSError):
        for _ in range(5 * PATIENCE_S):
            time.sleep(0.2)
            trickling.sendall(b"x")


def take_in(room, *, rate, every_s, pieces=20):
    """Of a sender at so many bytes a second; how much came in."""
    left = iter(range(pieces - 1, -1, -1))

    async def receive():
        asyncio.get_running_loop().hurry(every_s)
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # what is over by now is told
        return {"type": "http.request", "body": b"x" * int(rate * every_s), "more_body": next(left) > 0}

    with room.share() as share, io.BytesIO() as body:
        return run_async(bodies.take_in(receive, body, b"", 100 * FREE, share))


def test_a_sender_that_is_slow_and_steady_is_waited_for_and_a_slower_one_is_not():
    room, pause_s = Room(free=lambda: 1000 * FREE), bodies.IDLE_S / 2
    assert take_in(room, rate=bodies.SLOWEST * 1.1, every_s=pause_s) > bodies.SLACK_S * bodies.SLOWEST
    with pytest.raises(bodies.TooSlow):
        take_in(room, rate=bodies.SLOWEST / 4, every_s=pause_s)
    with pytest.raises(bodies.TooSlow):
        take_in(room, rate=bodies.SLOWEST * 1.1, every_s=bodies.IDLE_S + 1)


def test_a_body_that_is_alone_may_have_half_of_the_room_and_an_empty_one_is_no_room_at_all():
    free = 1000
    room = Room(free=lambda: free)
    with room.share() as alone:
        alone.grow_to(500)
        with pytest.raises(NoRoom):
            alone.grow_to(501 + 250)
        with room.share() as other, pytest.raises(NoRoom):
            other.grow_to(1)
    free = 0
    with room.share() as last, pytest.raises(NoRoom):
        last.check(1)


def test_a_stream_ends_when_its_reader_has_left():
    ended, pages = threading.Event(), Flask("stream")

    @pages.post("/")
    def stream():
        def lines():
            try:
                while True:
                    time.sleep(0.02)
                    yield ": still here\n\n"
            finally:
                ended.set()

        return event_stream(lines())

    app = Starlette(routes=[Mount("/", BodyFirst(WSGIMiddleware(pages, workers=THREADS), file_limit=300_000, is_ours=shows_key))])
    with served(app) as port:
        with httpx.stream("POST", f"http://127.0.0.1:{port}/", json={}, timeout=PATIENCE_S) as answer:
            lines = answer.iter_lines()
            assert next(lines)
            assert not ended.wait(0.3), "a reader that stays is written to"
        assert ended.wait(PATIENCE_S)
