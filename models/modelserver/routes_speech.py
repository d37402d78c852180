"""Speech to words, in OpenAI's shape."""

import math
from http import HTTPStatus
from typing import Any, Literal

from pydantic import Field
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from modelserver.leaving import unless_gone
from modelserver.problems import Problem, gone
from modelserver.speech.whisper import Asked, Segment
from modelserver.state import checked, state_of
from modelserver.wire import Body

MOST_FIELDS = 16


class SpeechBody(Body):
    model: str | None = None
    language: str = Field("", max_length=20)
    prompt: str = Field("", max_length=2000)
    temperature: float = Field(0.0, ge=0, le=1)
    response_format: Literal["json", "verbose_json", "text"] = "json"


class _InMemory(MultiPartParser):
    """What somebody said never touches the disk in the clear."""

    spool_max_size = 1 << 40


async def transcriptions(request: Request) -> Response:
    state, (content, body) = state_of(request), await _form(request)
    asked = Asked(body.language, body.prompt, body.temperature)
    heard = await unless_gone(request, state.hub.transcribe(content, body.model or None, asked), state.hub.ending)
    if body.response_format == "text":
        return PlainTextResponse(heard.found.text + "\n")
    if body.response_format == "json":
        return JSONResponse({"text": heard.found.text})
    segments = [_segment(at, one) for at, one in enumerate(heard.found.segments)]
    return JSONResponse({
        "task": "transcribe", "language": heard.found.language, "duration": round(heard.seconds, 3), "text": heard.found.text,
        "segments": segments, "model": heard.model,
    })


async def _form(request: Request) -> tuple[bytes, SpeechBody]:
    """The sound and what is wanted of it. Raises Problem."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise _bad("Send a form (multipart/form-data) with the sound as its field file.")
    try:
        form = await _InMemory(request.headers, request.stream(), max_files=1, max_fields=MOST_FIELDS).parse()
    except (MultiPartException, KeyError) as err:  # KeyError: no boundary
        raise _bad("This form cannot be read.") from err
    except ClientDisconnect as err:
        raise gone() from err
    sound = form.get("file")
    if not isinstance(sound, UploadFile):
        raise _bad("file: the sound is missing.")
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    return await sound.read(), checked(lambda: SpeechBody.model_validate(fields))


def _segment(at: int, one: Segment) -> dict[str, Any]:
    told = {"id": at, "start": round(one.start_s, 2), "end": round(one.end_s, 2), "text": one.text}
    return {**told, "confidence": round(one.confidence, 4), "avg_logprob": round(math.log(max(one.confidence, 1e-6)), 4)}


def _bad(sentence: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, "bad_form", sentence)


ROUTES = [Route("/v1/audio/transcriptions", transcriptions, methods=["POST"])]
