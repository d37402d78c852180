"""The OpenAPI 3.1 document, made from the same statements that parse requests and write answers."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from flask import Response
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from appliance import __version__
from appliance.core.web.api import PUBLIC, Api, Route
from appliance.core.web.schema import Problem

_REF = "#/components/schemas/{model}"
_PLACE = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")  # Werkzeug's: a kind with what it asks for, a name
_STRING = {"type": "string"}
_PATH_TYPES = {"uuid": {"type": "string", "format": "uuid"}, "int": {"type": "integer"}, "string": _STRING, "path": _STRING}
_ERRORS = {
    "400": "The request cannot be read",
    "401": "Not signed in",
    "403": "Not allowed",
    "404": "Absent, or another organisation's",
    "409": "Not possible in the present state",
    "412": "Changed since it was read",
    "422": "Some fields need attention",
    "429": "Too many requests",
    "503": "Something the box depends on is away",
}


def document(apis: Iterable[Api], *, title: str = "SalesEdge") -> dict[str, Any]:
    components: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for route in (route for api in apis for route in (*api.routes, *api.elsewhere)):
        path = _PLACE.sub(r"{\2}", route.rule)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, components)
    components["Problem"] = Problem.model_json_schema(ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": __version__, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _operation(route: Route, components: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.tag}_{route.name}",
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_path_parameters(route), *_query_parameters(route, components), *_header_parameters(route)],
        "responses": {str(_status(route)): _answer(route, components), **_problems()},
    }
    if route.need.access != PUBLIC:
        operation["security"] = [{"bearer": []}, {"api_key": []}]
    if route.need.permission:
        operation["description"] = f"Needs the permission `{route.need.permission}`."
    if route.need.body is not None:
        content = {"application/json": {"schema": _schema(route.need.body, components, "validation")}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.need.raw:
        operation["requestBody"] = {"required": True, "content": {route.need.raw: {}}}
    return operation


def _status(route: Route) -> int:
    is_empty = route.need.returns is None and not _is_file(route)
    return HTTPStatus.NO_CONTENT if is_empty and route.need.status == HTTPStatus.OK else route.need.status


def _is_file(route: Route) -> bool:
    """A view that writes its answer itself: files, streams, what others' clients expect."""
    return route.view.__annotations__.get("return") in (Response, "Response")


def _answer(route: Route, components: dict[str, Any]) -> dict[str, Any]:
    if _is_file(route):
        return {"description": "OK", "content": {"*/*": {}}}
    if route.need.returns is None:
        return {"description": "Done"}
    return {"description": "OK", "content": {"application/json": {"schema": _schema(route.need.returns, components, "serialization")}}}


def _problems() -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": text, "content": content} for status, text in _ERRORS.items()}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    found = _PLACE.findall(route.rule)
    return [{"name": name, "in": "path", "required": True, "schema": _PATH_TYPES.get(kind, _STRING)} for kind, name in found]


def _query_parameters(route: Route, components: dict[str, Any]) -> list[dict[str, Any]]:
    if route.need.query is None:
        return []
    schema = route.need.query.model_json_schema(ref_template=_REF)
    components.update(schema.get("$defs", {}))
    required = schema.get("required", [])
    properties = schema.get("properties", {})
    return [{"name": name, "in": "query", "required": name in required, "schema": shape} for name, shape in properties.items()]


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    own = [{"name": name, "in": "header", "required": required, "schema": _STRING} for name, required in route.need.headers]
    if route.method in {"PATCH", "PUT", "DELETE"}:
        return [*own, {"name": "If-Match", "in": "header", "required": False, "schema": _STRING}]
    if not route.idempotent:
        return own
    return [*own, {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string", "maxLength": 200}}]


def _schema(shape: Any, components: dict[str, Any], mode: Any) -> dict[str, Any]:
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        refs, defs = models_json_schema([(shape, mode)], ref_template=_REF)
        components.update(defs.get("$defs", {}))
        return refs[(shape, mode)]
    schema = TypeAdapter(shape).json_schema(ref_template=_REF, mode=mode)
    components.update(schema.pop("$defs", {}))
    return schema
