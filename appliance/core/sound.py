"""Recordings, decoded in a process that lives for one file, has little of the machine and nothing of the environment of who asks:
whatever a file does to its decoder, they go on.

    python -m appliance.core.sound measure FILE     seconds and loudness, as text
    python -m appliance.core.sound speech FILE      samples as `Speech` has them
"""

import io
import os
import shutil
import subprocess
import sys
import wave
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import IO, Any, NoReturn

from appliance.core import confinement
from appliance.core.errors import Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _

POINTS = 64  # what telephones draw; each 0 to 100
LONGEST_S = 3600
LONGEST_SPEECH_S = 900
RATE, SAMPLE_BYTES = 16_000, 2
BYTES_PER_S = RATE * SAMPLE_BYTES
WAIT_S, SPEECH_WAIT_S = 15.0, 300.0
PACE = 4.0  # seconds that writing down a second of speech may take: whoever waits for words derives from this how long
SLOWEST_S = SPEECH_WAIT_S + PACE * LONGEST_SPEECH_S
CPU_S, SPEECH_CPU_S = 15, 120
MEMORY_BYTES, OPEN_FILES = 2**30, 32
MOST_BYTES = (LONGEST_SPEECH_S + 2) * BYTES_PER_S
RATES = range(4_000, 192_001)
PIECE_S = 10
# What FFmpeg may take a file for: no playlists, which name other files.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,amr,asf,aiff,caf,ogg,mp3,flac,wav"
_SOURCE = Path(confinement.__file__).parents[2]
_ENVIRONMENT = {
    "PYTHONPATH": str(_SOURCE), "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONSAFEPATH": "1", "OPENBLAS_NUM_THREADS": "1",  # numpy would set memory aside for each core
}  # fmt: skip


class NotDecoded(Refused):
    """Damaged, without a sound in it, or in a format that nothing here reads."""

    def __init__(self) -> None:
        super().__init__(_("The recording is damaged, or of a kind that this box cannot decode."))


@dataclass(frozen=True)
class Speech:
    """A WAV of 16 kHz, one channel, 16 bit. `is_cut`: the recording goes on after that."""

    wav: bytes
    seconds: float
    is_cut: bool


def measured(path: str) -> tuple[int, bytes] | None:
    """Seconds and loudness; None for what cannot be decoded here, which is then sent without."""
    try:
        said = _child("measure", path, stdout=subprocess.PIPE, timeout=WAIT_S).stdout.split()
    except (subprocess.SubprocessError, OSError):
        return None
    return int(said[0]), bytes.fromhex(said[1].decode())


def speech_of(recording: Iterable[bytes]) -> Speech:
    """The first quarter of an hour. Nothing of it touches the disk. Raises NotDecoded, Unavailable."""
    with _in_memory("recording") as given, _in_memory("speech") as got:
        given.writelines(recording)
        given.flush()
        try:
            _child("speech", f"/proc/self/fd/{given.fileno()}", stdout=got, timeout=SPEECH_WAIT_S, pass_fds=(given.fileno(),))
        except subprocess.TimeoutExpired as err:
            raise Unavailable(_("Decoding the recording took too long.")) from err
        except subprocess.SubprocessError as err:
            raise NotDecoded from err
        except OSError as err:
            raise Unavailable(_("The machine has no room to decode a recording now.")) from err
        got.seek(0)
        samples = got.read(MOST_BYTES)
    if not samples:
        raise NotDecoded
    most = LONGEST_SPEECH_S * BYTES_PER_S
    kept = samples[:most]
    return Speech(_wav(kept), len(kept) / BYTES_PER_S, is_cut=len(samples) > most)


def _in_memory(name: str) -> IO[bytes]:
    return os.fdopen(os.memfd_create(name), "w+b")


def _child(verb: str, path: str, *, timeout: float, **more: Any) -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", __spec__.name, verb, path]
    return subprocess.run(  # noqa: S603 - ourselves
        command, check=True, timeout=timeout, env=_ENVIRONMENT, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more,
    )  # fmt: skip


def _wav(samples: bytes) -> bytes:
    kept = io.BytesIO()
    with wave.open(kept, "wb") as file:
        file.setparams((1, SAMPLE_BYTES, RATE, 0, "NONE", ""))
        file.writeframes(samples)
    return kept.getvalue()


def heights(loudness: list[float]) -> bytes:
    """The loudest piece reaches the top; silence stays flat."""
    top = max(loudness, default=0.0)
    return bytes(round(100 * piece / top) if top > 0 else 0 for piece in loudness)


# -- in the child --------------------------------------------------------------------------------------------------------


def _measure(path: str) -> None:
    import soundfile  # noqa: PLC0415 - 0.1 s and 30 MB, in this process alone

    with soundfile.SoundFile(path) as voice:
        if not 0 < voice.frames <= LONGEST_S * voice.samplerate:
            sys.exit(1)
        ends = [voice.frames * point // POINTS for point in range(POINTS + 1)]
        loudness = [_mean(voice.buffer_read(end - start, dtype="float32")) for start, end in pairwise(ends)]
        seconds = max(1, round(voice.frames / voice.samplerate))
    print(seconds, heights(loudness).hex())  # noqa: T201 - the answer


def _mean(samples: bytes) -> float:
    heard = array("f", bytes(samples))
    return sum(map(abs, heard)) / len(heard) if heard else 0.0


def _speak(path: str) -> None:
    """By libsndfile, which comes with the box (Opus, Vorbis, MP3, FLAC, WAV); the rest by FFmpeg, where the machine has it."""
    import soundfile  # noqa: PLC0415

    try:
        voice = soundfile.SoundFile(path)
    except soundfile.LibsndfileError:
        _become_ffmpeg(path)
    with voice:
        if voice.samplerate not in RATES:
            sys.exit(1)
        for piece in _at_16_khz(_pieces(voice), voice.samplerate):
            sys.stdout.buffer.write((piece.clip(-1, 1) * 32767).astype("<i2").tobytes())
    sys.stdout.flush()


def _pieces(voice: Any) -> Iterator[Any]:
    """Channels mixed into one."""
    left = (LONGEST_SPEECH_S + 1) * voice.samplerate
    for block in voice.blocks(blocksize=PIECE_S * voice.samplerate, frames=min(left, voice.frames), dtype="float32", always_2d=True):
        yield block.mean(axis=1)


def _at_16_khz(pieces: Iterable[Any], rate: int) -> Iterator[Any]:
    """Each piece by its spectrum, with a second of its neighbours on either side so that no seam is heard."""
    import numpy as np  # noqa: PLC0415

    before = np.zeros(rate, np.float32)
    for piece, following in pairwise(chain(pieces, [None])):
        after = np.zeros(rate, np.float32) if following is None else np.resize(following[:rate], rate)
        wide = np.concatenate([before, piece, after])
        length = round(len(wide) * RATE / rate)
        scaled = np.fft.irfft(np.fft.rfft(wide), length) * (length / len(wide))
        yield scaled[RATE : RATE + round(len(piece) * RATE / rate)]
        before = wide[-2 * rate : -rate]


def _become_ffmpeg(path: str) -> NoReturn:
    program = shutil.which("ffmpeg")
    if program is None:
        sys.exit(1)
    source = ("-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-i", f"file:{path}")
    wanted = ("-vn", "-sn", "-dn", "-t", str(LONGEST_SPEECH_S + 1), "-ac", "1", "-ar", str(RATE), "-f", "s16le", "pipe:1")
    os.execv(program, [program, "-nostdin", "-v", "error", "-threads", "1", *source, *wanted])  # noqa: S606 - so that it is confined as we are


def _answer(verb: str, path: str) -> None:
    confinement.die_with_parent()
    is_speech = verb == "speech"
    confinement.confine(
        memory_bytes=MEMORY_BYTES, cpu_seconds=SPEECH_CPU_S if is_speech else CPU_S, file_bytes=MOST_BYTES if is_speech else 0,
        open_files=OPEN_FILES,
    )  # fmt: skip
    if is_speech:
        _speak(path)
    else:
        _measure(path)


if __name__ == "__main__":
    _answer(*sys.argv[1:])
