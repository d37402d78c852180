"""What is listened to: a WAV of 16 kHz, one channel, 16 bit."""

import io
import wave
from http import HTTPStatus

import numpy as np
import numpy.typing as npt

from modelserver.problems import Problem

RATE = 16_000
LONGEST_S = 30 * 60
Samples = npt.NDArray[np.float32]
_FORM = (1, 2, RATE)


def check(content: bytes) -> float:
    """How many seconds it is. Raises Problem."""
    seconds = len(_frames(content)) / 2 / RATE
    if seconds > LONGEST_S:
        raise _bad("sound_too_long", f"The sound has {seconds / 60:.0f} minutes; send at most {LONGEST_S // 60} at a time.")
    return seconds


def samples(content: bytes) -> Samples:
    """Between -1 and 1."""
    return np.frombuffer(_frames(content), "<i2").astype(np.float32) / np.float32(32768)


def _frames(content: bytes) -> bytes:
    """What is there: a file that was cut short says more than it holds."""
    try:
        with wave.open(io.BytesIO(content)) as file:
            found, frames = file.getparams(), bytes(file.readframes(file.getnframes()))
    except (wave.Error, EOFError) as err:
        raise _bad("bad_sound", "This is not a WAV file; send 16 kHz, one channel, 16 bit.") from err
    if found[:3] != _FORM:
        told = f"{found.framerate} Hz, {found.nchannels} channel(s), {8 * found.sampwidth} bit"
        raise _bad("bad_sound", f"This WAV has {told}; send 16 kHz, one channel, 16 bit.")
    return frames[: len(frames) // 2 * 2]


def _bad(code: str, sentence: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, code, sentence)
