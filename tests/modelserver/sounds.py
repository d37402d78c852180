"""Sounds that are made, not recorded: a voice without words, a room, and the same each time."""

import io
import wave

import numpy as np
import numpy.typing as npt

RATE = 16_000
Samples = npt.NDArray[np.float32]
VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240), (530, 1840, 2480))
WIDTHS = (80, 90, 120)
SYLLABLE = int(0.18 * RATE)


def sound(*, seconds: float, rate: int = RATE, channels: int = 1) -> bytes:
    """A WAV of somebody speaking."""
    return wav(voice(seconds).repeat(channels), rate=rate, channels=channels)


def silence(seconds: float) -> Samples:
    """Of a room, not of a computer."""
    return (np.random.default_rng(0).standard_normal(int(seconds * RATE)) * 0.003).astype(np.float32)


def voice(seconds: float) -> Samples:
    """Vowel after vowel in a moving pitch, a puff before each: pulses through three resonances."""
    at, puff = np.arange(int(seconds * RATE)) / RATE, np.random.default_rng(0).standard_normal(int(0.03 * RATE)) * 0.02
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.7 * at) + 8 * np.sin(2 * np.pi * 3 * at)
    pulses = np.diff(np.floor(np.cumsum(pitch) / RATE), prepend=0)
    spoken = np.concatenate([_vowel(pulses[start : start + SYLLABLE], start // SYLLABLE, puff) for start in range(0, len(at), SYLLABLE)])
    made: Samples = (spoken / np.abs(spoken).max() / 2).astype(np.float32)
    return made


def _vowel(pulses: npt.NDArray[np.float64], which: int, puff: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    hertz = np.fft.rfftfreq(4 * SYLLABLE, 1 / RATE)
    shape = 1 / (1 + hertz / 300)
    for middle, width in zip(VOWELS[which % len(VOWELS)], WIDTHS, strict=True):
        shape /= np.hypot(1 - (hertz / middle) ** 2, hertz * width / middle**2)
    made = np.fft.irfft(np.fft.rfft(pulses, 4 * SYLLABLE) * shape)[: len(pulses)] * np.hanning(len(pulses) + 2)[1:-1] ** 0.5
    made[: len(puff)] += puff[: len(made)]
    return made


def wav(samples: Samples, *, rate: int = RATE, channels: int = 1) -> bytes:
    return framed((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes(), rate=rate, channels=channels)


def framed(frames: bytes, *, rate: int = RATE, channels: int = 1) -> bytes:
    kept = io.BytesIO()
    with wave.open(kept, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(frames)
    return kept.getvalue()
