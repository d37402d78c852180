"""A whisper of eight megabytes with random weights: it writes nonsense, but it runs, and the same each time.

The container is the legacy ggml one of whisper.cpp: a header, the mel filters, the vocabulary, then tensors, each with its own head.
"""

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

NAME = "tiny-whisper"
SOUND_CONTEXT, TEXT_CONTEXT = 1500, 448
MELS, SPECTRUM, RATE = 80, 201, 16_000
VOCABULARY, WORDS, END = 51_865, 50_257, 50_256  # the first says "many languages", where the special tokens stand follows from it
SYLLABLES = [consonant + vowel for consonant in "bcdfglmnprstv" for vowel in ("a", "e", "i", "o", "u", "ão")]
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Shape:
    width: int = 64
    heads: int = 2
    layers: int = 1


TINY, BASE = Shape(), Shape(512, 8, 6)


def install(models: Path, shape: Shape = TINY, *, endless: bool = False) -> Path:
    """As `tiny-whisper`, told to come to an end: with such weights it looks for better words, 15 s of processor a minute if `endless`."""
    folder = models / NAME
    folder.mkdir(parents=True)
    about = {"name": NAME, "task": "transcription", "engine": "whisper.cpp"}
    bounds = {} if endless else {"max_tokens": 32, "temperature_inc": 0}
    (folder / "model.json").write_text(json.dumps(about | bounds))
    return write(folder / "ggml-tiny.bin", shape)


def write(target: Path, shape: Shape = TINY, seed: int = 0) -> Path:
    with target.open("wb") as file:
        _Writer(file, np.random.default_rng(seed), shape).write()
    return target


class _Writer:
    def __init__(self, file: BinaryIO, random: np.random.Generator, shape: Shape) -> None:
        self._shape = shape
        self._file = file
        self._random = random

    def write(self) -> None:
        size = self._shape.width, self._shape.heads, self._shape.layers
        self._whole(0x67676D6C, VOCABULARY, SOUND_CONTEXT, *size, TEXT_CONTEXT, *size, MELS, 1)
        self._whole(MELS, SPECTRUM)
        self._file.write(_mel_filters().tobytes())
        self._words()
        self._encoder()
        self._decoder()

    def _words(self) -> None:
        self._whole(WORDS)
        for at in range(WORDS):
            word = _word(at)
            self._whole(len(word))
            self._file.write(word)

    def _encoder(self) -> None:
        half = self._shape.width // 2
        at = np.arange(SOUND_CONTEXT)[:, None] * np.exp(-np.log(1e4) / (half - 1) * np.arange(half))[None]
        self._tensor("encoder.positional_embedding", np.concatenate([np.sin(at), np.cos(at)], axis=1), exact=True)
        width = self._shape.width
        for name, channels in (("conv1", MELS), ("conv2", width)):
            self._tensor(f"encoder.{name}.weight", self._drawn(width, channels, 3))
            self._tensor(f"encoder.{name}.bias", np.zeros((width, 1)), exact=True)
        self._norm("encoder.ln_post")
        self._layers("encoder", ("attn",))

    def _decoder(self) -> None:
        self._tensor("decoder.positional_embedding", 0.1 * self._random.standard_normal((TEXT_CONTEXT, self._shape.width)), exact=True)
        self._tensor("decoder.token_embedding.weight", self._random.standard_normal((VOCABULARY, self._shape.width)))
        self._norm("decoder.ln")
        self._layers("decoder", ("attn", "cross_attn"))

    def _layers(self, side: str, attentions: tuple[str, ...]) -> None:
        width = self._shape.width
        for layer in range(self._shape.layers):
            block = f"{side}.blocks.{layer}."
            self._norm(block + "mlp_ln")
            self._linear(block + "mlp.0", 4 * width, width)
            self._linear(block + "mlp.2", width, 4 * width)
            for name in attentions:
                self._norm(f"{block}{name}_ln")
                for part in ("query", "value", "out"):
                    self._linear(f"{block}{name}.{part}", width, width)
                self._tensor(f"{block}{name}.key.weight", self._drawn(width, width))

    def _linear(self, name: str, rows: int, columns: int) -> None:
        self._tensor(name + ".weight", self._drawn(rows, columns))
        self._tensor(name + ".bias", np.zeros(rows))

    def _norm(self, name: str) -> None:
        self._tensor(name + ".weight", np.ones(self._shape.width))
        self._tensor(name + ".bias", np.zeros(self._shape.width))

    def _drawn(self, *shape: int) -> Floats:
        drawn: Floats = self._random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        return drawn

    def _tensor(self, name: str, numbers: Floats, *, exact: bool = False) -> None:
        halves = not exact and numbers.ndim > 1
        self._whole(numbers.ndim, len(name), int(halves), *reversed(numbers.shape))
        self._file.write(name.encode())
        self._file.write(numbers.astype(np.float16 if halves else np.float32).tobytes())

    def _whole(self, *numbers: int) -> None:
        self._file.write(struct.pack(f"<{len(numbers)}i", *numbers))


def _word(at: int) -> bytes:
    if at < 256:
        return bytes([at])
    if at == END:
        return b"<|endoftext|>"
    count = len(SYLLABLES)
    return (" " + "".join(SYLLABLES[at // count**place % count] for place in range(3))).encode()


def _mel_filters() -> npt.NDArray[np.float32]:
    """Triangles, evenly spaced as the ear has it: Slaney's bank."""
    hertz = np.linspace(0, RATE / 2, SPECTRUM)
    corners = _to_hertz(np.linspace(0, _to_mel(RATE / 2), MELS + 2))
    widths, away = np.diff(corners), corners[:, None] - hertz[None]
    rising, falling = -away[:-2] / widths[:-1, None], away[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * (2 / (corners[2:] - corners[:-2]))[:, None]).astype(np.float32)


def _to_mel(hertz: float) -> float:
    return 15 + math.log(hertz / 1000) / (math.log(6.4) / 27)


def _to_hertz(mels: Floats) -> Floats:
    return np.where(mels >= 15, 1000 * np.exp(np.log(6.4) / 27 * (mels - 15)), mels * 200 / 3)
