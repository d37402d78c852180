"""Where somebody speaks. Silence and noise never reach the model that writes: it would make words of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from modelserver.embedding import open_session
from modelserver.speech.sound import RATE, Samples

FOLDER, FILE = "silero-vad", "silero_vad_16k_sequence.onnx"
FRAME, CONTEXT, FRAMES_AT_ONCE = 512, 64, 512
SPEAKS, FALLS_SILENT = 0.5, 0.35
SHORTEST_S, SHORTEST_PAUSE_S, LONGEST_PAUSE_S, AROUND_S = 0.25, 0.1, 1.0, 0.2
BETWEEN_S = 0.2
Stretch = tuple[int, int]


class Ear:
    """Silero's detector of voice activity, over many frames in one call."""

    def __init__(self, starter: Path) -> None:
        self._session = open_session(starter / FOLDER / FILE, 1)

    def speech(self, sound: Samples) -> list[Stretch]:
        """From which sample to which, in order and apart."""
        return stretches(self._probabilities(sound), len(sound))

    def _probabilities(self, sound: Samples) -> Samples:
        frames = np.zeros((-(-len(sound) // FRAME), FRAME), np.float32)
        frames.reshape(-1)[: len(sound)] = sound
        before = np.vstack([np.zeros((1, CONTEXT), np.float32), frames[:-1, -CONTEXT:]]) if len(frames) else frames[:, :CONTEXT]
        kept = {"h": np.zeros((1, 1, 128), np.float32), "c": np.zeros((1, 1, 128), np.float32)}
        found = []
        for start in range(0, len(frames), FRAMES_AT_ONCE):
            at_once = slice(start, start + FRAMES_AT_ONCE)
            told = {"input": np.concatenate((before[at_once], frames[at_once]), axis=1), **kept}
            probable, kept["h"], kept["c"] = self._session.run(["speech_probs", "hn", "cn"], told)
            found.append(probable)
        return np.concatenate(found) if found else np.zeros(0, np.float32)


def stretches(probabilities: npt.NDArray[np.float32], samples: int) -> list[Stretch]:
    """Begins above one threshold and ends below a lower; too short is none, over a short pause it goes on."""
    found: list[Stretch] = []
    begun: int | None = None
    for frame, probable in enumerate([*probabilities.tolist(), 0.0]):
        if begun is None and probable >= SPEAKS:
            begun = frame
        elif begun is not None and probable < FALLS_SILENT:
            found.append((begun * FRAME, frame * FRAME))
            begun = None
    long_enough = [(start, end) for start, end in _over_pauses(found, SHORTEST_PAUSE_S) if end - start >= SHORTEST_S * RATE]
    return _widened(_over_pauses(long_enough, LONGEST_PAUSE_S), samples)


def _over_pauses(found: Sequence[Stretch], longest_s: float) -> list[Stretch]:
    joined: list[Stretch] = []
    for start, end in found:
        if joined and start - joined[-1][1] < longest_s * RATE:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _widened(found: Sequence[Stretch], samples: int) -> list[Stretch]:
    around = int(AROUND_S * RATE)
    return [(max(0, start - around), min(samples, end + around)) for start, end in found]


@dataclass(frozen=True)
class Joined:
    """Only what is speech, one stretch after the other with a breath between them."""

    samples: Samples
    stretches: Sequence[Stretch]
    begins: Sequence[int]

    def in_whole(self, seconds: float) -> float:
        """The time in the sound as it came."""
        at = int(seconds * RATE)
        which = max(0, int(np.searchsorted(self.begins, at, side="right")) - 1)
        start, end = self.stretches[which]
        return min(start + at - self.begins[which], end) / RATE


def join(sound: Samples, found: Sequence[Stretch]) -> Joined:
    """`found` is not empty."""
    breath = np.zeros(int(BETWEEN_S * RATE), np.float32)
    lengths = [end - start + len(breath) for start, end in found]
    begins = [sum(lengths[:at]) for at in range(len(found))]
    parts = [part for start, end in found for part in (sound[start:end], breath)]
    return Joined(np.concatenate(parts), found, begins)
