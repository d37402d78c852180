"""The words of an answer: quoted always, a language model's where one is set up, in time and true to the sources."""

import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from appliance.core.box import Box
from appliance.core.errors import DomainError
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions.asked import Ask
from appliance.domains.knowledge.queries import Retrieval
from appliance.domains.knowledge.rules import prompting
from appliance.domains.knowledge.rules.answering import Draft
from appliance.domains.knowledge.rules.asking import Turn
from appliance.domains.knowledge.rules.refusal import Band
from appliance.domains.knowledge.rules.releasing import Release
from appliance.domains.knowledge.types import Engine
from appliance.inference.errors import NoChatEngine
from appliance.inference.types import ChatMessage, ChatResult, Inference

MODEL_SOURCES = 5
EXTRACTIVE_MODEL = "extractive"
SIGN_OF_LIFE_S = 1.0


@dataclass(frozen=True, slots=True)
class Worded:
    """`away`: a model should have written this and could not, so the next question asks it again."""

    text: str
    engine: Engine
    model: str
    tokens: int
    grounded: bool
    away: bool = False


def word(box: Box, retrieval: Retrieval, draft: Draft, context: Sequence[Turn], ask: Ask) -> Generator[Worded]:
    """What may be shown so far, growing; the last one is the answer. Closing it stops the model.

    A model's sentences appear as they are checked. When none stands, or the model is away, slow or ignorant, the quotes are the answer.
    """
    quoted = Worded(draft.text, Engine.EXTRACTIVE, EXTRACTIVE_MODEL, 0, grounded=True)
    if draft.band is Band.UNKNOWN or draft.emergency or not ask.allow_chat:
        yield quoted
        return
    sources = [retrieval.place(chunk).text for chunk in model_chunks(retrieval, draft)]
    release, told, away = Release(sources, draft.language), ChatResult("", ask.model, 0, 0), False
    try:
        with closing(_read(_ask_model(box, retrieval, draft, sources, context, ask), release)) as reading:
            for told in reading:
                yield Worded(release.shown, Engine.CHAT, told.model, 0, grounded=True)
    except NoChatEngine:
        pass
    except DomainError:
        away = True
    if release.shown:
        tokens = told.prompt_tokens + told.completion_tokens
        yield Worded(release.shown, Engine.CHAT, told.model, tokens, grounded=release.grounded, away=away)
    else:
        yield Worded(quoted.text, quoted.engine, quoted.model, 0, grounded=True, away=away)


def model_chunks(retrieval: Retrieval, draft: Draft) -> list[str]:
    """What the quotes came from, then the next best chunks."""
    others = [str(place.chunk_id) for place in queries.varied(retrieval, MODEL_SOURCES)]
    return list(dict.fromkeys((*draft.chunks, *others)))[:MODEL_SOURCES]


def _read(pieces: Generator[str | ChatResult], release: Release) -> Generator[ChatResult]:
    """Feeds `release`; comes back when there is more to show, and now and then when there is not. Stops a model that is lost."""
    told, came, length = ChatResult("", "", 0, 0), time.monotonic(), 0
    with closing(pieces):
        for piece in pieces:
            if isinstance(piece, ChatResult):
                told = piece
                if piece.complete:
                    release.end()
                break
            release.take(piece)
            if release.over:
                break
            if len(release.shown) > length or time.monotonic() - came > SIGN_OF_LIFE_S:
                came, length = time.monotonic(), len(release.shown)
                yield told
    yield told


def _ask_model(
    box: Box, retrieval: Retrieval, draft: Draft, sources: Sequence[str], context: Sequence[Turn], ask: Ask,
) -> Generator[str | ChatResult]:
    turns = [(turn.role, turn.text) for turn in context]
    messages = [
        ChatMessage("system", prompting.system_prompt(draft.language, ask.voice)),
        ChatMessage("user", prompting.user_prompt(retrieval.question.text, turns, sources)),
    ]
    patience = box.settings.models.answer_timeout_s
    return box.part(Inference).chat_stream(
        messages, model=ask.model, temperature=ask.temperature, max_tokens=ask.max_tokens, within_s=patience,
    )
