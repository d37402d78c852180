"""Where somebody speaks, what time it was, and what is only an echo."""

import time

import numpy as np
import pytest

from modelserver.speech.listening import FRAME, join, stretches
from modelserver.speech.loops import kept_segments, once, without_echo
from modelserver.speech.sound import RATE

SECOND = RATE // FRAME


def told(*parts: tuple[float, int]) -> np.ndarray:
    """Probabilities: so likely for so many frames."""
    return np.concatenate([np.full(count, likely, np.float32) for likely, count in parts])


def seconds(found: list[tuple[int, int]]) -> list[tuple[float, float]]:
    return [(round(start / RATE, 1), round(end / RATE, 1)) for start, end in found]


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        (told((0.1, 10 * SECOND)), []),
        (told((0.9, 2 * SECOND)), [(0.0, 2.0)]),
        (told((0.1, 3 * SECOND), (0.9, 2 * SECOND), (0.1, 3 * SECOND)), [(2.8, 5.2)]),
        (told((0.1, 3 * SECOND), (0.9, 4), (0.1, 3 * SECOND)), []),
        (told((0.9, SECOND), (0.4, 5 * SECOND), (0.9, SECOND)), [(0.0, 6.9)]),
        (told((0.4, 5 * SECOND)), []),
        (told((0.9, SECOND), (0.1, SECOND // 2), (0.9, SECOND)), [(0.0, 2.5)]),
        (told((0.9, SECOND), (0.1, 3 * SECOND), (0.9, SECOND)), [(0.0, 1.2), (3.8, 5.0)]),
        (told(*[(0.9, 6), (0.1, 1)] * 9), [(0.0, 2.0)]),
    ],
    ids=["silence", "speech", "in the middle", "a click", "low but begun", "low", "a pause", "two", "in pieces"],
)
def test_speech_begins_and_ends(probabilities: np.ndarray, expected: list[tuple[float, float]]) -> None:
    assert seconds(stretches(probabilities, len(probabilities) * FRAME)) == expected


def test_times_lead_back_to_the_sound_as_it_came() -> None:
    whole = np.arange(20 * RATE, dtype=np.float32)
    joined = join(whole, [(2 * RATE, 4 * RATE), (10 * RATE, 13 * RATE)])
    assert len(joined.samples) / RATE == pytest.approx(5.4)
    assert [joined.in_whole(at) for at in (0, 1.5, 2.1, 2.2, 5, 99)] == pytest.approx([2, 3.5, 4, 10, 12.8, 13])


@pytest.mark.parametrize(
    ("texts", "kept"),
    [
        (["Oi.", "Tudo bem?"], [0, 1]),
        (["Legendas pela comunidade."] * 5, [0]),
        (["Oi.", "Obrigado.", "obrigado", "Obrigado!", "Tchau."], [0, 1, 4]),
        (["Sim.", "Sim.", "Quero."], [0, 1, 2]),
        (["a", "b"] * 4 + ["c"], [0, 1, 8]),
        (["a", "b", "c", "a", "b", "c"], [0, 1, 2, 3, 4, 5]),
        ([], []),
    ],
)
def test_a_segment_said_three_times_in_a_row_stands_once(texts: list[str], kept: list[int]) -> None:
    assert kept_segments(texts) == kept


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("não, não, não, eu quero outro", "não, não, não, eu quero outro"),
        ("quero " + "muito obrigado, " * 9 + "tchau", "quero muito obrigado, tchau"),
        ("E aí, " * 6, "E aí,"),
        ("", ""),
    ],
)
def test_a_phrase_said_six_times_in_a_row_stands_once(text: str, left: str) -> None:
    assert without_echo(text) == left


def test_a_long_talk_is_looked_through_in_little_time() -> None:
    began = time.process_time()
    assert len(once([number % 977 for number in range(5_000)], 6, 12)) == 5_000
    assert time.process_time() - began < 5
