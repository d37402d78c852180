"""Answers that obey a JSON schema: a grammar while decoding, a check after it, another try when either fails."""

import dataclasses
import json
import threading
from http import HTTPStatus
from typing import Any

import jsonschema

from modelserver import problems
from modelserver.llm.engine import ChatEngine, ChatRequest, EngineFailed, Usage
from modelserver.problems import Problem

ATTEMPTS = 3


def check_schema(schema: dict[str, Any]) -> None:
    """Raises Problem bad_schema."""
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as err:
        raise problems.refused("bad_schema", f"response_format holds an invalid JSON schema: {err.message}") from err


def answer(engine: ChatEngine, request: ChatRequest, stopped: threading.Event) -> tuple[str, Usage]:
    """Raises Problem schema_not_met after the last attempt."""
    why = ""
    for attempt in range(ATTEMPTS):
        if stopped.is_set():
            break
        seed = request.seed if attempt == 0 else (request.seed or 0) + attempt
        pieces: list[str] = []
        try:
            usage = engine.chat(dataclasses.replace(request, seed=seed), pieces.append, stopped)
        except EngineFailed as err:
            why = str(err)
            continue
        text = "".join(pieces)
        why = violation(text, request.schema or {})
        if not why:
            return text, usage
    sentence = f"The model did not produce the wanted JSON in {ATTEMPTS} attempts ({why[:200]})."
    raise Problem(HTTPStatus.BAD_GATEWAY, "schema_not_met", sentence)


def violation(text: str, schema: dict[str, Any]) -> str:
    """What is wrong with `text`, or an empty string."""
    try:
        jsonschema.validate(json.loads(text), schema)
    except json.JSONDecodeError as err:
        return f"not JSON: {err.msg}"
    except jsonschema.ValidationError as err:
        return err.message
    return ""
