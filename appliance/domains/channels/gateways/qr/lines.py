"""Dataclasses as lines of JSON, and back."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LONGEST_LINE = 1 << 20
T = TypeVar("T")


class BadLine(ValueError):
    """Not a line of ours, or longer than one may be."""


class Lines:
    """Pieces of a stream as whole lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Raises BadLine when one is longer than a line may be."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            raise BadLine("no end of the line")
        yield from whole


def written(said: "DataclassInstance") -> bytes:
    """With its line's end. Raises BadLine."""
    line = json.dumps({"is": type(said).__name__, **asdict(said)}, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    if len(line) >= LONGEST_LINE:
        raise BadLine(f"{type(said).__name__} of {len(line)} bytes")
    return line + b"\n"


def read(line: bytes, kinds: Mapping[str, type[T]]) -> T:
    """Raises BadLine."""
    try:
        said = json.loads(line)
        kind = kinds[said.pop("is")]
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise BadLine(line[:80].decode("utf-8", "replace")) from err
    made: T = _made(kind, said)
    return made


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _made(kind: Any, said: object) -> Any:
    """What was said as what was meant, all the way down. Raises BadLine."""
    if is_dataclass(kind) and isinstance(said, dict):
        hints = _hints(kind)  # type: ignore[arg-type]
        try:
            return kind(**{name: _made(hints[name], value) for name, value in said.items()})  # type: ignore[operator]
        except (KeyError, TypeError) as err:
            raise BadLine(f"{sorted(said)} is not {[known.name for known in fields(kind)]}") from err
    choices = get_args(kind)
    if NoneType in choices:
        return None if said is None else _made(choices[0], said)
    if get_origin(kind) is tuple and isinstance(said, list):
        return tuple(_made(choices[0], one) for one in said)
    if get_origin(kind) is Mapping and isinstance(said, dict):
        return said
    if type(said) is not kind:
        raise BadLine(f"{said!r:.80} is no {kind}")
    return said
