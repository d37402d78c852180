"""One page: every route, what it asks and what it answers."""

import json
import re
from collections.abc import Mapping
from typing import Any

from flask import render_template

from appliance.core.uow import UnitOfWork
from appliance.core.web import Pages, openapi

pages = Pages("reference", __name__)
DEEPEST = 5
_METHODS = ("get", "post", "put", "patch", "delete")


@pages.get("/api-reference", permission="api:read")
def reference(uow: UnitOfWork) -> str:
    apis = [api for manifest in uow.box.registry.manifests for api in manifest.apis]
    document = openapi.document(apis)
    return render_template("reference/reference.html", groups=_groups(document), title=document["info"]["title"])


def _groups(document: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                groups.setdefault(operation["tags"][0], []).append(_drawn(document, path, method, operation))
    return dict(sorted(groups.items()))


def _drawn(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    done: dict[str, Any] = next((answer for status, answer in operation["responses"].items() if status.startswith("2")), {})
    answer = done.get("content", {}).get("application/json", {}).get("schema")
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "permission": (re.search(r"`([^`]+)`", operation.get("description", "")) or ["", ""])[1],
        "is_public": "security" not in operation,
        "parameters": operation["parameters"],
        "body": _example(document, body) if body else "",
        "answer": _example(document, answer) if answer else "",
    }


def _example(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    return json.dumps(_sketch(document, schema, 0), indent=2, ensure_ascii=False)


def _sketch(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> Any:
    """A value of the schema's shape, with its types where the values would stand. Recursion ends at five levels."""
    if depth > DEEPEST:
        return "…"
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    if "anyOf" in schema:
        schema = next((part for part in schema["anyOf"] if part.get("type") != "null"), {})
        return _sketch(document, schema, depth + 1)
    if schema.get("type") == "object":
        return {name: _sketch(document, part, depth + 1) for name, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_sketch(document, schema.get("items", {}), depth + 1)]
    return _leaf(schema)


def _leaf(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    return str(schema.get("format") or schema.get("type") or "…")
