"""One object for each name that stands in an address, and a body that each address takes.

A domain registers its own in `tests/factories/<domain>.py`:

    PATH_PARAMETERS = {"contact_id": lambda uow: make_contact(uow).id}     # in a unit of Ana's tenant, as Ana
    BODIES = {"POST /api/v1/contacts": {"name": "Duda"}}                   # only where the schema alone cannot tell
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from tests import factories

Make = Callable[[UnitOfWork], object]


def registered(name: str) -> dict[str, Any]:
    """All entries of that name (PATH_PARAMETERS, BODIES) over the modules of tests.factories."""
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(factories.__path__):
        found.update(getattr(importlib.import_module(f"tests.factories.{module.name}"), name, {}))
    return found


def random_values(names: tuple[str, ...]) -> dict[str, object]:
    return {name: new_id() for name in names}


def body_of(schema: Mapping[str, Any], ids: Mapping[str, object]) -> dict[str, Any]:
    """The least that a JSON schema takes; a field that is named like a path parameter gets that object's id."""
    return Example(schema.get("$defs", {}), ids).object_of(schema)


class Example:
    def __init__(self, definitions: Mapping[str, Any], ids: Mapping[str, object]) -> None:
        self._definitions = definitions
        self._ids = ids

    def object_of(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        required = set(schema.get("required", ()))
        properties = schema.get("properties", {})
        return {name: self._field(name, shape) for name, shape in properties.items() if name in required or name in self._ids}

    def _field(self, name: str, shape: Mapping[str, Any]) -> Any:
        return str(self._ids[name]) if name in self._ids else self.of(shape)

    def of(self, shape: Mapping[str, Any]) -> Any:
        if "$ref" in shape:
            return self.of(self._definitions[shape["$ref"].rsplit("/", 1)[1]])
        for key in ("const", "default"):
            if key in shape:
                return shape[key]
        for key in ("examples", "enum"):
            if shape.get(key):
                return shape[key][0]
        for key in ("anyOf", "oneOf", "allOf"):
            if key in shape:
                return self.of(shape[key][0])
        return self._plain(shape)

    def _plain(self, shape: Mapping[str, Any]) -> Any:
        kind = shape.get("type", "string")
        if kind == "object":
            return self.object_of(shape)
        if kind == "array":
            return [self.of(shape.get("items", {}))] * shape.get("minItems", 0)
        if kind in {"integer", "number"}:
            return shape.get("minimum", 1)
        if kind == "boolean":
            return False
        return _TEXTS.get(shape.get("format", ""), lambda: "example".ljust(shape.get("minLength", 0), "e")[: shape.get("maxLength", 200)])()


_TEXTS: dict[str, Callable[[], str]] = {
    "uuid": lambda: str(new_id()),
    "email": lambda: "somebody@example.com",
    "date-time": lambda: "2030-01-01T00:00:00Z",
    "date": lambda: "2030-01-01",
    "uri": lambda: "https://example.com/",
}
