"""The vector indexes over HTTP: text in, embedded, stored or searched, in one hop."""

import asyncio
import dataclasses
import re
from collections.abc import Sequence

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from modelserver import problems
from modelserver.embedding import Vectors, unit
from modelserver.index.space import Hits, Space
from modelserver.index.store import check_name
from modelserver.state import body_of, state_of, store_of
from modelserver.wire import IndexAddBody, IndexRemoveBody, IndexReplaceBody, IndexSearchBody, halves, packed

SHARE = "X-Index-Key"
_SHARE_FORM = re.compile(r"[0-9a-f]{64}")


async def add(request: Request) -> Response:
    body = await body_of(request, IndexAddBody)
    return await _put(request, body)


async def replace(request: Request) -> Response:
    """One atomic switch: to a finished build, or from the ids in `remove` to those in `ids`."""
    body, store = await body_of(request, IndexReplaceBody), store_of(request)
    if body.build is None:
        return await _put(request, body)
    space = await state_of(request).hub.search_lane(lambda: store.switch(_name(request), body.build or ""))
    return _changed(space)


async def _put(request: Request, body: IndexAddBody) -> Response:
    state, store, name = state_of(request), store_of(request), _name(request)
    if body.build is None and not body.create:
        await state.hub.search_lane(lambda: store.find(name))
    rows, model = await _rows(request, len(body.ids), body.texts, body.vectors, body.model)
    if body.build is not None:
        build = body.build
        return _changed(await state.hub.search_lane(lambda: store.add_to_build(name, build, model, body.ids, rows)))
    create = body.create
    return _changed(await state.hub.search_lane(lambda: store.change(name, model, body.remove, body.ids, rows, create=create)))


async def remove(request: Request) -> Response:
    body, store, name = await body_of(request, IndexRemoveBody), store_of(request), _name(request)

    def job() -> Space:
        space = store.find(name)
        return store.change(name, space.model, body.ids, (), np.empty((0, space.dim), np.float32))

    return _changed(await state_of(request).hub.search_lane(job))


async def search(request: Request) -> Response:
    body, state, store, name = await body_of(request, IndexSearchBody), state_of(request), store_of(request), _name(request)
    space = store.peek(name)
    if space is None:
        space = await state.hub.search_lane(lambda: store.find(name))
    allowed, wanted = None if body.allow is None else body.allow.allowed, body.model or space.model

    def look(row: Vectors, model: str) -> Hits:
        if model != space.model or len(row) != space.dim:
            raise problems.refused("index_model_mismatch", f"{name} holds vectors of {space.model}, not of {model}.")
        return space.search(row, body.k, allowed)

    if body.text is not None and body.vector is None:
        found = await state.hub.embed_one(body.text, wanted, "query", lambda asked: look(asked.rows[0], asked.model))
    else:
        rows, model = await _rows(request, 1, None if body.text is None else [body.text], body.vector, wanted)
        found = await state.hub.search_lane(lambda: look(rows[0], model))
    return JSONResponse({**_told(found, as_arrays=body.packed), "version": found.version, "model": space.model})


def _told(found: Hits, *, as_arrays: bool) -> dict[str, object]:
    if as_arrays:
        return {"ids": packed(found.ids.astype("<i8")), "scores": packed(found.scores.astype("<f4"))}
    return {"hits": [{"id": one, "score": score} for one, score in zip(found.ids.tolist(), found.scores.tolist(), strict=True)]}


async def stats(request: Request) -> Response:
    store, name = store_of(request), _name(request)
    return JSONResponse(dataclasses.asdict(await state_of(request).hub.search_lane(lambda: store.state(name))))


async def drop(request: Request) -> Response:
    store, name = store_of(request), _name(request)
    await state_of(request).hub.search_lane(lambda: store.drop(name))
    return Response(status_code=204)


async def names(request: Request) -> Response:
    found = await asyncio.to_thread(store_of(request).names, request.query_params.get("prefix", ""))
    return JSONResponse({"namespaces": found})


async def _rows(
    request: Request, count: int, texts: Sequence[str] | None, vectors: str | None, model: str | None,
) -> tuple[Vectors, str]:
    """Unit rows and the model they come from. Raises Problem."""
    hub = state_of(request).hub
    if (texts is None) == (vectors is None) and count:
        raise problems.refused("bad_request", "Give either text to embed or vectors, not both and not neither.")
    if vectors is not None and count:
        return unit(halves(vectors, count)), model or hub.options.embedding_model
    if len(texts or ()) != count:
        raise problems.refused("bad_request", f"{count} ids came with {len(texts or ())} texts.")
    if not count:
        name = model or hub.options.embedding_model
        return np.empty((0, await hub.dim(name)), np.float32), name
    found = await hub.embed(list(texts or ()), model, "passage", request.is_disconnected)
    return found.rows, found.model


def _name(request: Request) -> str:
    """The namespace; with it may come its owner's part of the key."""
    name, share = str(request.path_params["namespace"]), request.headers.get(SHARE, "")
    if share:
        check_name(name)
        if not _SHARE_FORM.fullmatch(share):
            raise problems.refused("bad_key", f"{SHARE} is 32 bytes in hexadecimal.")
        store_of(request).take_share(name, bytes.fromhex(share))
    return name


def _changed(space: Space) -> Response:
    return JSONResponse({"namespace": space.name, "version": space.version, "count": space.count})


ROUTES = [
    Route("/v1/index", names),
    Route("/v1/index/{namespace}", stats, methods=["GET"]),
    Route("/v1/index/{namespace}", drop, methods=["DELETE"]),
    Route("/v1/index/{namespace}/add", add, methods=["POST"]),
    Route("/v1/index/{namespace}/remove", remove, methods=["POST"]),
    Route("/v1/index/{namespace}/search", search, methods=["POST"]),
    Route("/v1/index/{namespace}/replace", replace, methods=["POST"]),
]
