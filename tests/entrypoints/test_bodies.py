"""The front of a box without a proxy: slow, endless and chunked bodies, through a real socket."""

import asyncio
import contextlib
import json
import socket
import threading
import time

import httpx
import pytest
import uvicorn
from a2wsgi import WSGIMiddleware
from flask import Flask, Response, request
from starlette.applications import Starlette
from starlette.routing import Mount

from appliance.core.web.api import event_stream
from appliance.entrypoints import bodies
from appliance.entrypoints.bodies import BodyFirst

THREADS = 2


@pytest.fixture
def front(monkeypatch):
    """Address of an application that says how much it got, served by two threads."""
    monkeypatch.setattr(bodies, "IDLE_S", 0.5)
    monkeypatch.setattr(bodies, "UNREAD_S", 0.5)
    monkeypatch.setattr(bodies, "PLAIN_LIMIT", 100_000)
    pages = Flask("test")

    @pages.post("/")
    def echo():
        return {"size": len(request.get_data()), "length": request.content_length}

    @pages.get("/file")
    def file():
        return Response(b"x" * 65_536 for _ in range(1000))

    app = Starlette(routes=[Mount("/", BodyFirst(WSGIMiddleware(pages, workers=THREADS), file_limit=300_000))])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        pass
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = server.force_exit = True
    thread.join()


def test_senders_that_stop_in_the_middle_keep_nobody_else_waiting(front):
    with contextlib.ExitStack() as held:
        for _ in range(5 * THREADS):
            stalled = held.enter_context(socket.create_connection(("127.0.0.1", front)))
            stalled.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert httpx.post(f"http://127.0.0.1:{front}/", content=b"x" * 70_000, timeout=5).json()["size"] == 70_000


def test_readers_that_take_nothing_keep_nobody_else_waiting(front):
    with contextlib.ExitStack() as held:
        for _ in range(2 * THREADS):
            stalled = held.enter_context(socket.socket())
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.connect(("127.0.0.1", front))
            stalled.sendall(b"GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.3)
        assert httpx.post(f"http://127.0.0.1:{front}/", content=b"x", timeout=5).json()["size"] == 1


def test_a_reader_who_takes_all_gets_all(front):
    assert len(httpx.get(f"http://127.0.0.1:{front}/file").content) == 65_536_000


def test_a_sender_that_stops_is_told_so(front):
    with socket.create_connection(("127.0.0.1", front), timeout=10) as stalled:
        stalled.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert b" 408 " in stalled.recv(4096).split(b"\r\n")[0]


def test_a_body_in_pieces_arrives_whole_with_its_length(front):
    answer = httpx.post(f"http://127.0.0.1:{front}/", content=iter([b"a" * 40_000, b"b" * 40_000])).json()
    assert answer == {"size": 80_000, "length": 80_000}


@pytest.mark.parametrize("content", [b"x" * 100_001, iter([b"x" * 60_000, b"x" * 60_000])])
def test_more_than_is_taken_is_refused_in_a_sentence(front, content):
    answer = httpx.post(f"http://127.0.0.1:{front}/", content=content)
    assert answer.status_code == 413
    assert json.loads(answer.content)["detail"]


def test_a_file_may_be_larger_than_other_bodies(front):
    assert httpx.post(f"http://127.0.0.1:{front}/", files={"file": b"x" * 200_000}).status_code == 200


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

    app = Starlette(routes=[Mount("/", BodyFirst(WSGIMiddleware(pages, workers=THREADS), file_limit=300_000))])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.stream("POST", f"http://127.0.0.1:{port}/", json={}) as answer:
            lines = answer.iter_lines()
            assert next(lines)
            assert not ended.wait(0.3), "a reader that stays is written to"
        assert ended.wait(3)
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
