"""A voice note as a telephone would make it: half of it low, half of it loud."""

import math
from array import array
from pathlib import Path

import soundfile

RATE = 48_000


def spoken(path: Path, *, seconds: int = 3) -> Path:
    frames = seconds * RATE
    heard = array("f", [math.sin(at / 20) * (0.1 if at < frames // 2 else 0.8) for at in range(frames)])
    with soundfile.SoundFile(path, "w", samplerate=RATE, channels=1, format="OGG", subtype="OPUS") as file:
        file.buffer_write(heard.tobytes(), dtype="float32")
    return path
