"""How long a film is and how large its picture, read from the head of an MP4 (ISO/IEC 14496-12). No picture of it is decoded."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

LARGEST_SIDE = 16_384


@dataclass(frozen=True)
class Film:
    seconds: int = 0
    width: int = 0
    height: int = 0


def film_of(content: bytes) -> Film:
    """Zeros for whatever is not told, or no MP4."""
    whole = memoryview(content)
    try:
        seconds, size = 0, (0, 0)
        for name, body in (inner for outer, moov in _boxes(whole) if outer == b"moov" for inner in _boxes(moov)):
            if name == b"mvhd":
                seconds = _seconds(body)
            elif name == b"trak" and size == (0, 0):
                size = next((_size(head) for kind, head in _boxes(body) if kind == b"tkhd"), (0, 0))
    except (struct.error, IndexError):
        return Film()
    return Film(seconds, *size)


def _boxes(within: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 0
    while at + 8 <= len(within):
        length, name = struct.unpack_from(">I4s", within, at)
        head = 8
        if length == 1:
            [length], head = struct.unpack_from(">Q", within, at + 8), 16
        end = len(within) if length == 0 else at + length
        if end < at + head or end > len(within):
            return
        yield name, within[at + head : end]
        at = end


def _seconds(mvhd: memoryview) -> int:
    scale, duration = struct.unpack_from(">IQ" if mvhd[0] else ">II", mvhd, 20 if mvhd[0] else 12)
    return max(1, round(duration / scale)) if scale and 0 < duration < scale * 86_400 else 0


def _size(tkhd: memoryview) -> tuple[int, int]:
    """As it is looked at: a telephone held upright films lying down and turns the picture by the matrix."""
    matrix = 52 if tkhd[0] else 40
    across, *_, down = struct.unpack_from(">5i", tkhd, matrix)
    width, height = (side >> 16 for side in struct.unpack_from(">II", tkhd, matrix + 36))
    if max(width, height) > LARGEST_SIDE:
        return 0, 0
    return (height, width) if across == down == 0 else (width, height)
