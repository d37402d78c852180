"""whisper.cpp in this process, through pywhispercpp. Sound that nobody speaks in never gets to it."""

import atexit
import math
import platform
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np

from modelserver import problems
from modelserver.problems import Problem
from modelserver.shelf import Installed
from modelserver.speech import loops
from modelserver.speech.listening import Ear, Joined, join
from modelserver.speech.sound import RATE, Samples

SHORTEST_S = 1.1  # the engine writes nothing about less
_NEEDED = {"avx2", "fma", "f16c", "bmi2"}  # what the wheel was compiled for; without them the process would be killed
_LOG_ERROR = 4
_HUNDREDTHS = 100
_PER_TOKEN_FLOOR = 1e-6


@dataclass(frozen=True)
class Asked:
    """Without `language` it is found out; `prompt` has words to expect."""

    language: str = ""
    prompt: str = ""
    temperature: float = 0.0


@dataclass(frozen=True)
class Segment:
    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class Heard:
    language: str
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        return " ".join(one.text for one in self.segments)


class Whisper:
    """For one thread at a time; what is set for one sound is forgotten with it."""

    def __init__(self, model: Installed, starter: Path, *, threads: int) -> None:
        self._library = _library(model.name)
        self._name = model.name
        self._threads = threads
        self._most_tokens = int(model.config.get("max_tokens", 0))
        self._warmer = float(model.config.get("temperature_inc", 0.2))
        self._ear = Ear(starter)
        self._context = _opened(self._library, model)

    def transcribe(self, sound: Samples, asked: Asked, stopped: threading.Event) -> Heard:
        """Raises Problem: a language nobody knows, an engine that failed, or `stopped` meanwhile."""
        language = self._known(asked.language)
        if stopped.is_set():
            raise problems.gone()
        found = self._ear.speech(sound)
        if not found:
            return Heard(language, ())
        joined = join(sound, found)
        self._run(_long_enough(joined.samples), language, asked, stopped)
        spoken_in = language or str(self._library.whisper_lang_str(self._library.whisper_full_lang_id(self._context)))
        return Heard(spoken_in, tuple(_without_echoes(list(self._segments(joined)))))

    def close(self) -> None:
        self._library.whisper_free(self._context)

    def _known(self, language: str) -> str:
        code = language.partition("-")[0].strip().casefold()
        number = self._library.whisper_lang_id(code) if code else 0
        if number < 0:
            raise problems.refused("bad_request", f"language: {language} is none that this model knows; use a code such as pt.")
        return str(self._library.whisper_lang_str(number)) if code else ""

    def _run(self, sound: Samples, language: str, asked: Asked, stopped: threading.Event) -> None:
        library = self._library
        wanted = library.whisper_full_default_params(library.whisper_sampling_strategy.WHISPER_SAMPLING_GREEDY)
        wanted.n_threads, wanted.language = self._threads, language
        wanted.print_progress = wanted.print_timestamps = False
        wanted.temperature, wanted.temperature_inc, wanted.max_tokens = asked.temperature, self._warmer, self._most_tokens
        wanted.no_context, wanted.suppress_nst = True, True  # what was misheard once is not believed again; nor is music written down
        if asked.prompt:
            wanted.initial_prompt, wanted.carry_initial_prompt = asked.prompt, True
        library.assign_abort_callback(wanted, stopped.is_set)
        failed = library.whisper_full(self._context, wanted, sound, sound.size)
        if stopped.is_set():
            raise problems.gone()
        if failed:
            raise Problem(HTTPStatus.BAD_GATEWAY, "engine_failed", f"{self._name} could not listen to this (code {failed}).")

    def _segments(self, joined: Joined) -> Iterator[Segment]:
        library, context = self._library, self._context
        for at in range(library.whisper_full_n_segments(context)):
            text = library.whisper_full_get_segment_text(context, at).decode("utf-8", "replace").strip()
            start, end = library.whisper_full_get_segment_t0(context, at), library.whisper_full_get_segment_t1(context, at)
            if text:
                times = joined.in_whole(start / _HUNDREDTHS), joined.in_whole(end / _HUNDREDTHS)
                yield Segment(loops.without_echo(text), *times, self._confidence(at))

    def _confidence(self, segment: int) -> float:
        """Of a typical word: the geometric mean over what is text."""
        library, context = self._library, self._context
        first_special = library.whisper_token_eot(context)
        tokens = range(library.whisper_full_n_tokens(context, segment))
        words = [at for at in tokens if library.whisper_full_get_token_id(context, segment, at) < first_special]
        sure = [max(_PER_TOKEN_FLOOR, library.whisper_full_get_token_p(context, segment, at)) for at in words]
        return math.exp(sum(map(math.log, sure)) / len(sure)) if sure else 0.0


def _without_echoes(found: list[Segment]) -> list[Segment]:
    return [found[at] for at in loops.kept_segments([one.text for one in found])]


def _long_enough(sound: Samples) -> Samples:
    missing = int(SHORTEST_S * RATE) - len(sound)
    return sound if missing <= 0 else np.concatenate((sound, np.zeros(missing, np.float32)))


def _library(model: str) -> Any:
    """Raises Problem when this box cannot listen."""
    try:
        import _pywhispercpp as library  # an extra; the door behind it keeps no settings from one sound to the next
    except ImportError as err:
        raise problems.absent("engine_missing", f"{model} needs the package pywhispercpp, which is not installed on this box.") from err
    if missing := _NEEDED - _processor_knows():
        raise problems.absent("engine_missing", f"{model} cannot run here: this processor lacks {', '.join(sorted(missing))}.")
    return library


def _processor_knows() -> set[str]:
    if platform.machine() != "x86_64":
        return _NEEDED
    told = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    return set(next((line.split() for line in told.splitlines() if line.startswith("flags")), ()))


def _opened(library: Any, model: Installed) -> Any:
    """The library hands out a context even for a file it could not read, and dies of using it: its log tells. Raises Problem."""
    complaints = _complaints(library)
    complaints.clear()
    wanted = library.whisper_context_default_params()
    wanted.use_gpu = False
    context = library.whisper_init_from_file_with_params(str(_file(model)), wanted)
    if complaints:
        raise problems.unreadable(model.name)
    return context


@cache
def _complaints(library: Any) -> deque[str]:
    """What the library last complained of; the rest of what it says is dropped. It must let go of us before Python ends."""
    found: deque[str] = deque(maxlen=4)
    library.whisper_log_set(lambda level, text: found.append(text) if level >= _LOG_ERROR else None)
    atexit.register(library.whisper_log_set, None)
    return found


def _file(model: Installed) -> Path:
    """Raises Problem."""
    named = model.config.get("file")
    found = [model.path / str(named)] if named else sorted(model.path.glob("*.bin"))
    if len(found) != 1 or not found[0].is_file():
        raise problems.unreadable(model.name)
    return found[0]
