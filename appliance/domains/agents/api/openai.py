"""An agent behind the API that OpenAI's clients speak: https://platform.openai.com/docs/api-reference/chat

`model` names an agent (id or name), or a chat or embedding model of this box.
"""

import base64
import json
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import chain
from typing import Any, Literal, Self
from uuid import UUID

import numpy as np
from flask import Response
from pydantic import ConfigDict, Field, model_validator

from appliance.core import clock
from appliance.core.errors import DomainError, NotFound, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.web import Api, Call, Schema, event_stream
from appliance.domains.agents import actions, queries
from appliance.domains.agents.api.agents import ASK
from appliance.domains.agents.types import Composed, Policy, Said, Situation
from appliance.inference.types import ChatMessage, ChatResult, Inference

openai = Api("openai", prefix="/v1")
MAX_INPUTS = 64
MAX_INPUT = 8000  # characters; the models read fewer
Part = str | Composed | ChatResult


class _Loose(Schema):
    """Clients send options we have no use for; those are ignored, as the API's own servers do."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)


class MessageIn(_Loose):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(str(part.get("text", "")) for part in self.content if part.get("type") == "text")
        return self.content or ""


class CompletionIn(_Loose):
    model: str = Field(min_length=1, max_length=200)
    messages: list[MessageIn] = Field(min_length=1, max_length=200)
    stream: bool = False
    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int | None = Field(None, ge=1, le=32_000)


class EmbeddingsIn(_Loose):
    model: str = Field("", max_length=200)
    input: str | list[str] = Field(min_length=1)
    encoding_format: Literal["float", "base64"] = "float"

    @property
    def texts(self) -> list[str]:
        return [self.input] if isinstance(self.input, str) else self.input

    @model_validator(mode="after")
    def _is_a_sensible_amount(self) -> Self:
        if len(self.texts) > MAX_INPUTS or any(len(text) > MAX_INPUT for text in self.texts):
            raise ValueError(str(_("Send at most 64 texts of at most 8000 characters each.")))
        return self


@openai.get("/models", permission=ASK, unit=False, summary="Agents and models that may be asked")
def list_models(call: Call) -> Response:
    with call.unit(read_only=True) as uow:
        names = [(str(agent.id), int(agent.created_at.timestamp())) for agent in queries.list_agents(uow) if agent.published_number]
    names += [(model.name, 0) for model in _inference(call).models() if model.task in {"chat", "embedding"}]
    return _json({"object": "list", "data": [_model(name, created) for name, created in names]})


@openai.get("/models/<path:name>", permission=ASK, unit=False, summary="One agent or model")
def get_model(call: Call, name: str) -> Response:
    with call.unit(read_only=True) as uow:
        agent = queries.find_agent_by_model(uow, name)
    if agent is None and name not in {model.name for model in _inference(call).models()}:
        raise NotFound(_("There is no agent or model of this name."))
    return _json(_model(name, int(agent.created_at.timestamp()) if agent else 0))


@openai.post("/chat/completions", permission=ASK, unit=False, body=CompletionIn, summary="Ask an agent, or a chat model of this box")
def complete_chat(call: Call, body: CompletionIn) -> Response:
    with call.unit(read_only=True) as uow:
        agent = queries.find_agent_by_model(uow, body.model)
        policy = queries.get_policy(uow, agent.id, draft=False) if agent and agent.active else None
    if agent is None or policy is None:
        return _from_model(call, body)
    situation = _situation(agent.id, policy, body.messages)
    return _answer(body, actions.compose_aloud(situation, partial(actions.ask_documents_aloud, call.box, call.who.tenant_id)))


def _situation(agent_id: UUID, policy: tuple[int, Policy], messages: Sequence[MessageIn]) -> Situation:
    said = [Said(message.role == "user", message.text) for message in messages if message.role in {"user", "assistant"}]
    if not said or not said[-1].by_contact:
        raise Refused(_("The last message must be the user's."), fields={"messages": _("The last message must be the user's.")})
    return Situation.of_question(agent_id, policy, said[-9:], clock.now())


def _from_model(call: Call, body: CompletionIn) -> Response:
    inference = _inference(call)
    if body.model not in {model.name for model in inference.models() if model.task == "chat"}:
        raise NotFound(_("There is no agent or model of this name."))
    roles: dict[str, Literal["system", "user", "assistant"]] = {"developer": "system", "system": "system", "assistant": "assistant"}
    messages = [ChatMessage(roles.get(message.role, "user"), message.text) for message in body.messages]
    temperature, limit = body.temperature if body.temperature is not None else 0.3, body.max_tokens or 512
    return _answer(body, inference.chat_stream(messages, model=body.model, temperature=temperature, max_tokens=limit))


@openai.post("/embeddings", permission=ASK, unit=False, body=EmbeddingsIn, summary="Vectors of texts")
def embed(call: Call, body: EmbeddingsIn) -> Response:
    texts = body.texts
    inference = _inference(call)
    vectors = inference.embed(texts, purpose="query", model=body.model)
    count = sum(tokens.count for tokens in inference.count_tokens(texts))
    data = [{"object": "embedding", "index": index, "embedding": _vector(row, body)} for index, row in enumerate(vectors)]
    return _json({"object": "list", "data": data, "model": body.model, "usage": {"prompt_tokens": count, "total_tokens": count}})


def _vector(row: np.ndarray[Any, np.dtype[np.float32]], body: EmbeddingsIn) -> str | list[float]:
    if body.encoding_format == "base64":
        return base64.b64encode(np.asarray(row, dtype="<f4").tobytes()).decode()
    return [float(value) for value in row]


def _inference(call: Call) -> Inference:
    return call.box.part(Inference)


def _answer(body: CompletionIn, said: Generator[Part]) -> Response:
    """Waits for the first word, so that what cannot be answered still has a status of its own."""
    head = {"id": f"chatcmpl-{new_id().hex}", "created": int(time.time()), "model": body.model}
    if body.stream:
        first = next(said)
        return event_stream(_lines(head, first, said))
    *pieces, end = said
    message = {"role": "assistant", "content": "".join(piece for piece in pieces if isinstance(piece, str))}
    choice = {"index": 0, "message": message, "finish_reason": _finish(end), "logprobs": None}
    return _json({**head, "object": "chat.completion", "choices": [choice], "usage": _usage(end), **_box(end)})


def _lines(head: dict[str, Any], first: Part, said: Generator[Part]) -> Iterator[str]:
    """Closing this (the caller left) stops the model."""

    def line(delta: dict[str, str], finish: str | None = None, more: dict[str, Any] | None = None) -> str:
        chunk = {**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        return f"data: {json.dumps({**chunk, **(more or {})}, ensure_ascii=False)}\n\n"

    with closing(said):
        try:
            yield line({"role": "assistant", "content": ""})
            for piece in chain((first,), said):
                if isinstance(piece, str):
                    yield line({"content": piece}) if piece else ": writing\n\n"
                else:
                    yield line({}, _finish(piece), {"usage": _usage(piece), **_box(piece)})
        except DomainError as err:
            yield f"data: {json.dumps({'error': {'message': str(err), 'code': err.status}}, ensure_ascii=False)}\n\n"
        else:
            yield "data: [DONE]\n\n"


def _finish(end: Part) -> str:
    return "stop" if not isinstance(end, ChatResult) or end.complete else "length"


def _usage(end: Part) -> dict[str, int]:
    read, written = (end.prompt_tokens, end.completion_tokens) if isinstance(end, ChatResult) else (0, 0)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _box(end: Part) -> dict[str, Any]:
    """What only we say stands under one name of its own."""
    if not isinstance(end, Composed):
        return {}
    decision = end.decision
    sources = [dict(source) for source in decision.sources]
    return {"salesedge": {"sources": sources, "outcome": decision.outcome, "reason": decision.reason}}


def _model(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "salesedge"}


def _json(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), mimetype="application/json")
