"""Embeddings, tokens, reranking, chat and what is loaded. Shapes follow OpenAI where it has one."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from modelserver import chatting, reranking
from modelserver.chatting import Chat
from modelserver.llm.engine import Usage
from modelserver.metering import rss_bytes
from modelserver.problems import Problem
from modelserver.state import State, body_of, state_of
from modelserver.wire import ChatBody, EmbeddingsBody, RerankBody, TokenizeBody


async def embeddings(request: Request) -> Response:
    state, body = state_of(request), await body_of(request, EmbeddingsBody)
    found = await state.hub.embed(body.texts, body.model, body.input_type, request.is_disconnected)
    state.meters.tokens.labels(found.model, "in").inc(found.tokens)
    if body.encoding_format == "base64":
        encoded: list[Any] = [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in found.rows]
    else:
        encoded = [[round(number, 7) for number in row] for row in found.rows.tolist()]
    rows = [{"object": "embedding", "index": at, "embedding": one} for at, one in enumerate(encoded)]
    usage = {"prompt_tokens": found.tokens, "total_tokens": found.tokens}
    return JSONResponse({"object": "list", "data": rows, "model": found.model, "usage": usage})


async def tokenize(request: Request) -> Response:
    state, body = state_of(request), await body_of(request, TokenizeBody)
    found, engine = await state.hub.tokenise(body.texts, body.model)
    answer: dict[str, Any] = {"model": engine.name, "max_tokens": engine.max_tokens, "counts": [len(one.ids) for one in found]}
    if body.offsets:
        answer["offsets"] = [one.offsets for one in found]
    return JSONResponse(answer)


async def rerank(request: Request) -> Response:
    state, body = state_of(request), await body_of(request, RerankBody)
    scores, model = await state.hub.rerank(body.query, body.documents, body.model)
    results = [{"index": at, "relevance_score": score} for at, score in reranking.best_first(scores, body.top_n)]
    return JSONResponse({"model": model, "results": results})


async def models(request: Request) -> Response:
    hub = state_of(request).hub
    found = await asyncio.to_thread(hub.shelf.installed)
    listed = [
        {
            "id": one.name, "object": "model", "created": one.created, "owned_by": "local", "task": one.task,
            "engine": one.engine, "size_bytes": one.size_bytes, "dim": one.config.get("dim"), "loaded": one.name in hub.loaded,
        }
        for one in found
    ]
    return JSONResponse({"object": "list", "data": listed})


async def memory(request: Request) -> Response:
    state = state_of(request)
    hub = state.hub
    loaded = [
        {
            "name": name, "task": one.installed.task, "memory_bytes": one.memory_bytes, "file_bytes": one.installed.size_bytes,
            "load_seconds": round(one.seconds, 3), "since": int(one.since),
        }
        for name, one in list(hub.loaded.items())
    ]
    spaces = [] if state.store is None else state.store.opened()
    queues = [{"name": lane.name, "inside": lane.inside, "limit": lane.limit} for lane in (*hub.lanes.values(), hub.index_lane)]
    indexes = {
        "namespaces": len(spaces),
        "vectors": sum(one.count for one in spaces),
        "memory_bytes": sum(one.memory_bytes for one in spaces),
    }
    return JSONResponse({"rss_bytes": rss_bytes(), "models": loaded, "indexes": indexes, "queues": queues})


async def chat_completions(request: Request) -> Response:
    state, body = state_of(request), await body_of(request, ChatBody)
    chat = Chat(state.hub, body)
    if not body.stream:
        text, usage = await chatting.whole(chat, request)
        _count(state, chat, usage)
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": usage.finish_reason}
        return JSONResponse({**_head(chat, "chat.completion"), "choices": [choice], "usage": _usage(usage)})
    await chatting.begun(chat, request)
    with_usage = bool((body.stream_options or {}).get("include_usage"))
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(state, chat, with_usage=with_usage), media_type="text/event-stream", headers=headers)


async def _events(state: State, chat: Chat, *, with_usage: bool) -> AsyncIterator[str]:
    """Closing this generator (the caller left) stops the model."""
    head = _head(chat, "chat.completion.chunk")
    try:
        yield _event({**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]})
        async for piece in chat.pieces():
            yield _event({**head, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
        usage = await chat.usage()
        _count(state, chat, usage)
        yield _event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": usage.finish_reason}]})
        if with_usage:
            yield _event({**head, "choices": [], "usage": _usage(usage)})
        yield "data: [DONE]\n\n"
    except Problem as err:
        yield _event(err.body())
    finally:
        chat.close()


def _event(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"


def _head(chat: Chat, kind: str) -> dict[str, Any]:
    return {"id": chat.id, "object": kind, "created": chat.created, "model": chat.model}


def _usage(usage: Usage) -> dict[str, int]:
    read, written = usage.prompt_tokens, usage.completion_tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _count(state: State, chat: Chat, usage: Usage) -> None:
    state.meters.tokens.labels(chat.model, "in").inc(usage.prompt_tokens)
    state.meters.tokens.labels(chat.model, "out").inc(usage.completion_tokens)


ROUTES = [
    Route("/v1/embeddings", embeddings, methods=["POST"]),
    Route("/v1/tokenize", tokenize, methods=["POST"]),
    Route("/v1/rerank", rerank, methods=["POST"]),
    Route("/v1/chat/completions", chat_completions, methods=["POST"]),
    Route("/v1/models", models),
    Route("/v1/memory", memory),
]
