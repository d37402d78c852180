"""What the workers and the pages ask of the supervisor of sessions: one line there, one line back, over a unix socket.

Answers are events of `wire`, or Away: no child is there to ask.
"""

import json
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from appliance.core.config import Settings
from appliance.domains.channels.gateways.qr import lines, wire

SOCKET = "sessions.sock"
CONNECT_S = 2.0
_PIECE = 65_536


class NoAnswer(RuntimeError):
    """It took the question and said nothing: what was asked may have happened."""


class NobodyThere(RuntimeError):
    """The question was not taken."""


@dataclass(frozen=True)
class Away:
    """The link of this number is not open. Nothing was done."""

    reason: str = ""


@dataclass(frozen=True)
class Stored:
    """A contact's file, sealed among ours."""

    blob_id: str
    size: int
    sha256: str
    true_type: str


@dataclass(frozen=True)
class Asked:
    """`command` is a Send or a Fetch; `blob_id` is the file that goes with a Send."""

    channel_id: UUID
    command: wire.Send | wire.Fetch
    blob_id: str = ""


Answer = wire.Sent | wire.Failed | Stored | Away
_OURS = {"Away": Away, "Stored": Stored}


def address(settings: Settings) -> Path:
    return settings.run_dir / SOCKET


def ask(path: Path, asked: Asked, *, timeout_s: float) -> Answer:
    """Raises NobodyThere, NoAnswer."""
    said = {"channel_id": asked.channel_id.hex, "blob_id": asked.blob_id, "command": wire.encode(asked.command).decode()}
    line = _talk(path, json.dumps(said).encode() + b"\n", timeout_s)
    try:
        return answer_from(line)
    except (ValueError, KeyError, TypeError) as err:
        raise NoAnswer from err


def nudge(path: Path) -> bool:
    """Look now at what is wanted; it would look by itself a little later. False when nobody watches."""
    try:
        _talk(path, b"{}\n", CONNECT_S)
    except (NobodyThere, NoAnswer):
        return False
    return True


def _talk(path: Path, line: bytes, timeout_s: float) -> bytes:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(CONNECT_S)
        try:
            caller.connect(str(path))
        except OSError as err:
            raise NobodyThere from err
        caller.settimeout(timeout_s)
        try:
            caller.sendall(line)
            return read_line(caller)
        except OSError as err:
            raise NoAnswer from err


def read_line(connection: socket.socket) -> bytes:
    """Raises OSError when the other end went first."""
    line = b""
    while not line.endswith(b"\n"):
        piece = connection.recv(_PIECE)
        if not piece or len(line) > lines.LONGEST_LINE * 2:
            raise ConnectionResetError
        line += piece
    return line


def asked_from(line: bytes) -> Asked | None:
    """None for a nudge. Raises ValueError, KeyError."""
    said: dict[str, Any] = json.loads(line)
    if not said:
        return None
    command = wire.decode_command(said["command"].encode())
    if not isinstance(command, wire.Send | wire.Fetch):
        raise lines.BadLine(type(command).__name__)
    return Asked(UUID(said["channel_id"]), command, said["blob_id"])


def answer_line(answer: Answer) -> bytes:
    if isinstance(answer, Away | Stored):
        return json.dumps({"is": type(answer).__name__, **asdict(answer)}).encode() + b"\n"
    return wire.encode(answer)


def answer_from(line: bytes) -> Answer:
    """Raises ValueError, KeyError, TypeError."""
    said: dict[str, Any] = json.loads(line)
    if said["is"] in _OURS:
        made: Away | Stored = _OURS[said.pop("is")](**said)
        return made
    event = wire.decode_event(line)
    if not isinstance(event, wire.Sent | wire.Failed):
        raise lines.BadLine(type(event).__name__)
    return event
