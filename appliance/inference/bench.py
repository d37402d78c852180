"""How fast a model runs here: asked as the box asks it, over the same port. What comes first, which may load it, is not counted."""

import secrets
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from appliance.core.bench import repeat
from appliance.core.config import ModelSettings, Settings
from appliance.core.errors import DomainError
from appliance.core.i18n import lazy_gettext as _
from appliance.inference.errors import ModelRefused, NoModel
from appliance.inference.http import HttpInference, connect
from appliance.inference.types import ChatMessage, ChatResult, Inference, ModelInfo

LOADS_S = 60.0
ANSWERS_S = 20.0
WRITES_S = 8.0
BATCH_S = 4.0
PASSAGES = 32  # as documents are embedded
PAIRS = 8
LEAST, SOME, MOST = 2, 16, 128  # tokens
REMOTE = ("ollama", "openai")
QUESTION = "Qual é o prazo para trocar um produto que chegou com defeito?"
PASSAGE = (  # a hundred words
    "O prazo para devolver ou trocar um produto é de sete dias corridos, contados da entrega no endereço que está no pedido. O produto "
    "deve voltar na embalagem de origem, com os acessórios, o manual e a nota fiscal. Quem recebeu um produto com defeito fala com o "
    "atendimento, que abre um chamado e manda a etiqueta de postagem sem custo. Assim que o centro de distribuição confere o que "
    "voltou, o valor é estornado no mesmo meio de pagamento em até dez dias úteis; no cartão de crédito, o estorno aparece em uma das "
    "duas faturas seguintes do cliente."
)
Task = Literal["chat", "embedding", "rerank", "transcription"]
Figures = Mapping[str, float]


@dataclass(frozen=True)
class Measured:
    """`figures` by a name that says their unit. Without figures, `reason` says why."""

    name: str
    task: str
    figures: Figures = field(default_factory=dict)
    reason: str = ""


class Bench:
    """The model server's models, and the one that the settings name at an engine elsewhere."""

    def __init__(self, settings: Settings) -> None:
        self._models = settings.models
        patience = {"timeout_s": min(LOADS_S, settings.models.timeout_s)}
        self._elsewhere = _connected(settings, patience)
        self._here = _connected(settings, patience | {"chat_engine": "modelserver"})

    def models(self, names: Collection[str]) -> list[ModelInfo]:
        """Those named; without names those that the box uses. Raises NoModel, Unavailable."""
        installed = self._here.models()
        if not names:
            return used(self._models, installed)
        elsewhere = [_at_engine(self._models)] if self._models.chat_engine in REMOTE else []
        by_name = {one.name: one for one in (*installed, *elsewhere)}
        for name in names:
            if name not in by_name:
                raise NoModel(_("No model called %(name)s is installed.", name=name))
        return [by_name[name] for name in names]

    def measure(self, model: ModelInfo) -> Measured:
        inference = self._elsewhere if model.engine in REMOTE else self._here
        try:
            return Measured(model.name, model.task, _MEASURES[model.task](inference, model.name))
        except DomainError as err:
            return Measured(model.name, model.task, reason=str(err))

    def close(self) -> None:
        self._here.close()
        self._elsewhere.close()


def _connected(settings: Settings, changes: Mapping[str, object]) -> HttpInference:
    return connect(settings.model_copy(update={"models": settings.models.model_copy(update=changes)}))


def used(models: ModelSettings, installed: Collection[ModelInfo]) -> list[ModelInfo]:
    """Of each task the one that the settings name, or the first: whatever else is installed takes memory once it is asked."""
    chat: list[ModelInfo] = []
    if models.chat_engine in REMOTE:
        chat = [_at_engine(models)]
    elif models.chat_engine == "modelserver":
        chat = _one(installed, "chat", models.chat_model)
    return [*chat, *_one(installed, "embedding", models.embedding_model), *_one(installed, "rerank", "")]


def _one(installed: Collection[ModelInfo], task: Task, name: str) -> list[ModelInfo]:
    """One that is named is asked without a look: if it is not installed, its line says so."""
    return [ModelInfo(name, task, "")] if name else [one for one in installed if one.task == task][:1]


def _at_engine(models: ModelSettings) -> ModelInfo:
    return ModelInfo(models.chat_model, "chat", models.chat_engine)


def _chat(inference: Inference, model: str) -> Figures:
    """As many tokens as the model writes in a few seconds."""
    pace = _written(inference, model, SOME, within_s=LOADS_S).get("tokens_per_s")
    most = MOST if pace is None else min(MOST, max(LEAST, int(pace * WRITES_S)))
    return _written(inference, model, most, within_s=ANSWERS_S)


def _written(inference: Inference, model: str, most: int, *, within_s: float) -> dict[str, float]:
    """Raises ModelRefused for a model that writes nothing."""
    fresh = secrets.token_hex(4)  # else the engine has read this prompt before
    asked = [ChatMessage("system", f"{fresh}. Responda em português."), ChatMessage("user", f"{PASSAGE}\n{PASSAGE}\nResuma este texto.")]
    at: list[float] = []
    read = written = 0
    started = time.perf_counter()
    with closing(inference.chat_stream(asked, model=model, max_tokens=most, within_s=within_s)) as pieces:
        for piece in pieces:
            if isinstance(piece, ChatResult):
                read, written = piece.prompt_tokens, piece.completion_tokens
            else:
                at.append(time.perf_counter())
    if not at:
        raise ModelRefused(_("The model wrote nothing."))
    figures = {"first_token_ms": 1000 * (at[0] - started)}
    if read:
        figures["prompt_tokens_per_s"] = read / (at[0] - started)
    if written > 1 and at[-1] > at[0]:
        figures["tokens_per_s"] = (written - 1) / (at[-1] - at[0])
    return figures


def _embedding(inference: Inference, model: str) -> Figures:
    question = repeat(partial(inference.embed, [QUESTION], purpose="query", model=model))
    one = repeat(partial(inference.embed, [PASSAGE], model=model), for_s=0)
    number = _fitting(one.seconds[0], PASSAGES)
    passages = repeat(partial(inference.embed, [f"{at}. {PASSAGE}" for at in range(number)], model=model))
    return {"passages_per_s": number * passages.per_s, "question_ms": question.ms(0.5)}


def _rerank(inference: Inference, model: str) -> Figures:
    one = repeat(partial(inference.rerank, QUESTION, [PASSAGE], model=model), for_s=0)
    number = _fitting(one.seconds[0], PAIRS)
    pairs = repeat(partial(inference.rerank, QUESTION, [f"{at}. {PASSAGE}" for at in range(number)], model=model))
    return {"pairs_per_s": number * pairs.per_s}


def _fitting(one_s: float, most: int) -> int:
    return max(1, min(most, int(BATCH_S / one_s)))


def _transcription(inference: Inference, model: str) -> Figures:
    del inference, model
    raise ModelRefused(_("Models that write down speech are not measured: it takes a recording of somebody who speaks."))


_MEASURES: Mapping[str, Callable[[Inference, str], Figures]] = {
    "chat": _chat, "embedding": _embedding, "rerank": _rerank, "transcription": _transcription,
}
