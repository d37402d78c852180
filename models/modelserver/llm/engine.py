"""What every chat engine does."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class ChatRequest:
    messages: list[dict[str, str]]
    max_tokens: int
    temperature: float = 0.7
    top_p: float = 1.0
    seed: int | None = None
    stop: list[str] = field(default_factory=list)
    schema: dict[str, Any] | None = None


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str


class EngineFailed(Exception):
    """The engine gave up on this request; the next one may go well."""


class ChatEngine(Protocol):
    parallel: int

    def chat(self, request: ChatRequest, on_text: Callable[[str], None], stopped: threading.Event) -> Usage:
        """Call `on_text` with each piece, end early once `stopped` is set. Raises EngineFailed, Problem (prompt too long)."""
        ...

    def close(self) -> None: ...
