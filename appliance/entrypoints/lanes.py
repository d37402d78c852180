"""What an address for webhooks is asked and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol


@dataclass(frozen=True)
class Asked:
    """`caller` is the address it comes from."""

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    body: bytes
    caller: str

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1").strip()


@dataclass(frozen=True)
class Answer:
    content: bytes = b""
    kind: bytes = b"text/plain; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK


class Refusal(Exception):
    """What cannot be said with an error of a domain."""

    def __init__(self, status: HTTPStatus, detail: object) -> None:
        super().__init__(status)
        self.status, self.detail = status, detail


class Lane(Protocol):
    """What comes to one kind of address. `route` names it in figures; `limit` is in bytes."""

    route: str
    limit: int

    async def knock(self, _asked: Asked) -> None:
        """What can be refused before the body comes, is."""
        return

    async def answer(self, asked: Asked) -> Answer: ...

    def close(self) -> None: ...
