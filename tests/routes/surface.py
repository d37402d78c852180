"""Every address of the box with what it asks of its caller, read from the declarations themselves."""

import re
from dataclasses import dataclass

from flask import Flask
from pydantic import BaseModel

from appliance.core.box import Box
from appliance.core.web import PUBLIC, Pages
from webui import shell
from webui.screens import SCREENS

# Answers to everybody, and holds nothing of anybody's.
INFRASTRUCTURE = ("health.", "static", "openapi")
_PARAMETER = re.compile(r"<(?:[^:<>]+:)?(\w+)>")


@dataclass(frozen=True)
class Door:
    """One method of one rule."""

    method: str
    rule: str
    tag: str
    permission: str | None
    access: str
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    is_page: bool

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"

    @property
    def is_public(self) -> bool:
        return self.access == PUBLIC

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(_PARAMETER.findall(self.rule))

    def path(self, values: dict[str, object]) -> str:
        return _PARAMETER.sub(lambda found: str(values[found[1]]), self.rule)


def doors(box: Box) -> list[Door]:
    apis = [api for manifest in box.registry.manifests for api in manifest.apis]
    found = [
        Door(route.method, route.rule, api.name, need.permission, need.access, need.body, need.query, is_page=False)
        for api in apis
        for route in api.routes
        for need in (route.need,)
    ]
    screens: tuple[Pages, ...] = (shell.pages, *SCREENS)
    found += [
        Door(route.method, route.rule, screen.name, route.need.permission, route.need.access, None, None, is_page=True)
        for screen in screens
        for route in screen.routes
    ]
    return found


def undeclared(app: Flask, declared: list[Door]) -> list[str]:
    """Addresses that Flask answers and nobody declared."""
    known = {(door.method, door.rule) for door in declared}
    return [
        f"{method} {rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if not rule.endpoint.startswith(INFRASTRUCTURE)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if (method, rule.rule) not in known
    ]
