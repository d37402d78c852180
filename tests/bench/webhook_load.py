"""Posts prepared webhooks from a process of its own: one thread, raw sockets, so that little of the machine goes into asking."""

import json
import multiprocessing
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from appliance.core.signatures import sign
from tests.peers.graph import SECRET, text_webhook

PEOPLE = 200
TEXT = "Bom dia, vocês entregam em Betim?"
MOST_PER_S = 20_000
LOAD_S = 60
Prepare = Callable[[str, int, int], Iterator[bytes]]  # label, number of the first, how many -> requests as they go over the wire


@dataclass
class Taken:
    """Seconds of each answer (from when it should have been asked), what was not 200, and how long all of it took."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    elapsed: float = 0.0


def whatsapp(label: str, first: int, count: int) -> Iterator[bytes]:
    for number in range(first, first + count):
        said = text_webhook(TEXT, wa_id=str(5531990000000 + number % PEOPLE), first_id=f"wamid.{label}{number}.")
        body = json.dumps(said).encode()
        yield request("/webhooks/whatsapp", {"X-Hub-Signature-256": sign(SECRET, body)}, body)


def request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    said = {"Host": "127.0.0.1", "Content-Type": "application/json", **headers, "Content-Length": len(body)}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def post(
    port: int, label: str, *, seconds: float, connections: int, rate: int | None, first: int = 0, prepare: Prepare = whatsapp
) -> Taken:
    """`rate` spreads them evenly; none means as fast as `connections` of them can go."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, port, partial(prepare, label, first), seconds, connections, rate))
    process.start()
    theirs.close()  # else a child that died would be waited for
    if not ours.poll(seconds + LOAD_S):
        process.kill()
        raise AssertionError("the load generator did not come back")
    found: Taken = ours.recv()
    process.join()
    return found


def _child(ours, port, prepare, seconds, connections, rate):  # type: ignore[no-untyped-def]
    prepared = list(prepare(int(seconds * (rate or MOST_PER_S))))
    ours.send(_Run(port, prepared, connections, rate).until(seconds))


class _Run:
    def __init__(self, port: int, prepared: list[bytes], connections: int, rate: int | None) -> None:
        self.prepared, self.rate, self.next = prepared, rate, 0
        self.taken = Taken()
        self.ready = selectors.DefaultSelector()
        self.idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
        for one in self.idle:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.ready.register(one, selectors.EVENT_READ)
        self.asked: dict[socket.socket, tuple[float, bytes]] = {}

    def until(self, seconds: float) -> Taken:
        self.start = time.perf_counter()
        while (now := time.perf_counter()) < self.start + seconds or self.asked:
            if now < self.start + seconds:
                self._ask(now)
            for key, _ in self.ready.select(0.001 if self.rate else 0.1):
                self._hear(key.fileobj)  # type: ignore[arg-type]
        self.taken.elapsed = time.perf_counter() - self.start
        return self.taken

    def _ask(self, now: float) -> None:
        while self.idle and self.next < len(self.prepared):
            due = self.start + self.next / self.rate if self.rate else now
            if due > now:
                return
            one = self.idle.pop(0)  # in turn: one that rests for seconds is hung up on
            self.asked[one] = (due, b"")
            one.sendall(self.prepared[self.next])
            self.next += 1

    def _hear(self, one: socket.socket) -> None:
        due, heard = self.asked[one]
        heard += one.recv(65_536)
        head, found, body = heard.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            self.asked[one] = (due, heard)
            return
        self.taken.seconds.append(time.perf_counter() - due)
        self.taken.failed += not head.startswith(b"HTTP/1.1 200 ")
        del self.asked[one]
        self.idle.append(one)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
