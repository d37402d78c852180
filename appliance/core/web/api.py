"""Routes. A decorator states once what a view needs and returns; the same statement makes the OpenAPI document and the tests."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from flask import Blueprint, Response, current_app, request
from pydantic import BaseModel, TypeAdapter, ValidationError
from werkzeug.exceptions import BadRequest

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import auth, idempotency, problems, versions
from appliance.core.web.limits import PER_ADDRESS, PER_CALLER, RateLimits

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.uow import UnitOfWork

PUBLIC = "public"
SIGNED_IN = "signed_in"
GONE = "salesedge.gone"  # in the ASGI scope: an event that the front sets when the caller has left
API_PREFIX = "/api/v1"
View = TypeVar("View", bound=Callable[..., Any])
_CHANGES = frozenset({"PATCH", "PUT", "DELETE"})


@dataclass(frozen=True)
class Call:
    """A request in the hands of a view that opens its own units, because it calls models or streams."""

    box: Box
    principal: auth.Principal | None

    @property
    def who(self) -> auth.Principal:
        return auth.check_access(self.principal, None)

    def unit(self, *, read_only: bool = False) -> AbstractContextManager[UnitOfWork]:
        return self.box.unit(self.who.tenant_id, self.who.actor, read_only=read_only)


@dataclass(frozen=True)
class Route:
    method: str
    rule: str
    name: str
    tag: str
    summary: str
    idempotent: bool
    need: Need
    view: Callable[..., Any]


@dataclass(frozen=True)
class Need:
    """What a route asks of its caller and gives back. `limit` is a rate per caller, None for none.

    `shows_secret`: the answer holds something that is shown this once, so it is not kept for a repeat.
    `foreign`: a form on somebody else's site may send it, so no token of ours comes along; the view does nothing in the caller's name.
    `raw`: the media type of a body that is no JSON and that the view reads itself.
    `headers`: those it reads besides, and whether it needs them.
    `whose`: (caller, path parameters) -> the tenant whose unit the view gets, where that is not always the caller's own.
    """

    permission: str | None = None
    access: str = SIGNED_IN
    body: type[BaseModel] | None = None
    raw: str = ""
    query: type[BaseModel] | None = None
    returns: Any = None
    status: int = 200
    summary: str = ""
    unit: bool = True
    idempotent: bool = True
    shows_secret: bool = False
    limit: str | None = ""
    foreign: bool = False
    headers: tuple[tuple[str, bool], ...] = ()
    whose: Callable[..., UUID] | None = None


def current_box() -> Box:
    box: Box = current_app.extensions["box"]
    return box


@dataclass
class Api:
    """Routes of one domain under /api/v1 (or `prefix`)."""

    name: str
    prefix: str = API_PREFIX
    routes: list[Route] = field(default_factory=list)
    elsewhere: list[Route] = field(default_factory=list)  # not answered here, but told to those who call it

    def __post_init__(self) -> None:
        self.blueprint = Blueprint(f"api_{self.name}", self.name, url_prefix=self.prefix)

    def get(self, rule: str, **need: Any) -> Callable[[View], View]:
        return self._route("GET", rule, Need(**need))

    def post(self, rule: str, **need: Any) -> Callable[[View], View]:
        return self._route("POST", rule, Need(**need))

    def put(self, rule: str, **need: Any) -> Callable[[View], View]:
        return self._route("PUT", rule, Need(**need))

    def patch(self, rule: str, **need: Any) -> Callable[[View], View]:
        return self._route("PATCH", rule, Need(**need))

    def delete(self, rule: str, **need: Any) -> Callable[[View], View]:
        return self._route("DELETE", rule, Need(**need))

    def answered_elsewhere(self, method: str, rule: str, **need: Any) -> Callable[[View], View]:
        """For the process that holds the sockets; nothing but the statement of it is here."""

        def describe(view: View) -> View:
            self.elsewhere.append(_describe(self, method, rule, Need(**need), view))
            return view

        return describe

    def _route(self, method: str, rule: str, need: Need) -> Callable[[View], View]:
        def register(view: View) -> View:
            route = _describe(self, method, rule, need, view)
            self.routes.append(route)

            @functools.wraps(view)
            def handle(**path: Any) -> Response:
                return _answer(self, route, path)

            self.blueprint.add_url_rule(rule, endpoint=route.name, view_func=handle, methods=[method])
            return view

        return register

    def shown_at(self, route: Route) -> Route | None:
        """The GET that shows what `route` changes: at the same address, else of the thing that `…/<id>/part` belongs to.

        None where the change has units of its own: in another one than the change a look at the version guards nothing.
        """
        if not route.need.unit:
            return None
        gets = {one.rule: one for one in self.routes if one.method == "GET" and one.need.returns is not None and one.need.query is None}
        whole, _slash, part = route.rule.rpartition("/")
        found = gets.get(route.rule) or (None if part.startswith("<") else gets.get(whole))
        return found if found is not None and found.need.unit else None


def _describe(api: Api, method: str, rule: str, need: Need, view: Callable[..., Any]) -> Route:
    if need.access == SIGNED_IN and need.permission is None and not rule.startswith("/auth/"):
        assert need.summary, f"{method} {rule} needs a permission, or a summary saying why every member may call it"
    idempotent = need.idempotent and method == "POST" and need.access == SIGNED_IN and not rule.startswith("/auth/")
    summary = need.summary or view.__name__.replace("_", " ").capitalize()
    return Route(method, f"{api.prefix}{rule}", view.__name__, api.name, summary, idempotent, need, view)


def enter(permission: str | None, access: str, limit: str | None, *, foreign: bool = False) -> Call:
    """The checks every route begins with: who, may they, is it our form, how often."""
    box = current_box()
    principal = auth.current_principal()
    if principal is None:
        _count(request.remote_addr or "unknown", limit, PER_ADDRESS)
    if access == SIGNED_IN:
        auth.check_access(principal, permission)
    if principal is not None:
        if principal.via == "cookie" and not foreign:
            auth.check_csrf(box)
        _count(principal.credential_id.hex, limit, PER_CALLER)
    return Call(box, principal)


def count_unrecognised() -> None:
    """What was shown and is not good cost a look into the database. Raises TooMany."""
    _count(request.remote_addr or "unknown", "", PER_ADDRESS)


def _count(caller: str, limit: str | None, usual: str) -> None:
    if limit is not None:
        limits: RateLimits = current_app.extensions["rate_limits"]
        limits.check(limit or usual, caller, request.endpoint or "" if limit else "all")


def _answer(api: Api, route: Route, path: dict[str, Any]) -> Response:
    need = route.need
    call = enter(need.permission, need.access, need.limit, foreign=need.foreign)
    arguments = {**path, **_parsed(need)}
    wanted = idempotency.asked(shows_secret=need.shows_secret) if route.idempotent else None
    shown = api.shown_at(route) if route.method in _CHANGES else None
    def act_in(within: Call | UnitOfWork) -> Response:
        return _with_version(route, shown, within, lambda: _serialise(route, route.view(within, **arguments)), path)

    if not need.unit:
        return idempotency.once_around(call, wanted, lambda: act_in(call)) if wanted else act_in(call)
    whose = call.who.tenant_id if need.whose is None else need.whose(call.who, **path)
    with call.box.unit(whose, call.who.actor, read_only=route.method == "GET") as uow:
        return idempotency.once_within(uow, wanted, lambda: act_in(uow)) if wanted else act_in(uow)


def _with_version(
    route: Route, shown: Route | None, within: Call | UnitOfWork, act: Callable[[], Response], path: dict[str, Any]
) -> Response:
    """What is shown gets its ETag; what changes something keeps to If-Match."""
    if route.method == "GET":
        answer = act()
        return versions.tag(answer) if route.need.returns is not None else answer
    if route.method in _CHANGES and versions.is_guarded():
        if not isinstance(within, Call):
            versions.take_turn(within)
        versions.check_unchanged(_serialise(shown, shown.view(within, **path)) if shown is not None else None)
    answer = act()
    if shown is not None and route.need.returns is shown.need.returns is not None:
        versions.name(answer)
    return answer


def _parsed(need: Need) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if need.query is not None:
        found["query"] = parse(need.query, _query_values(need.query))
    if need.body is not None:
        found["body"] = parse(need.body, json_body())
    return found


def _query_values(schema: type[BaseModel]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in request.args:
        wanted = schema.model_fields.get(name)
        many = wanted is not None and str(wanted.annotation).startswith(("list", "tuple"))
        values[name] = request.args.getlist(name) if many else request.args[name]
    return values


def parse(schema: type[Any], values: object) -> Any:
    """Raises Refused with one sentence a field."""
    try:
        return schema.model_validate(values)
    except ValidationError as err:
        raise problems.refusal_of(err) from err


def json_body() -> object:
    if not request.is_json and request.mimetype not in {"", "text/plain", "application/octet-stream"}:
        raise BadRequest(str(_("Send the body as application/json.")))
    try:
        found = json.loads(request.get_data().decode("utf-8") or "{}")
    except (ValueError, RecursionError) as err:
        raise BadRequest(str(_("The body is not valid JSON."))) from err
    if b"\\u0000" in request.get_data():
        raise BadRequest(str(_("Text may not contain null characters.")))
    return found


@functools.lru_cache(maxsize=1024)
def _adapter(returns: Any) -> TypeAdapter[Any]:
    return TypeAdapter(returns)


def _serialise(route: Route, result: Any) -> Response:
    if isinstance(result, Response):
        return result
    need = route.need
    if result is None or need.returns is None:
        return Response(status=HTTPStatus.NO_CONTENT if need.status == HTTPStatus.OK else need.status)
    adapter = _adapter(need.returns)
    body = adapter.dump_json(adapter.validate_python(result, from_attributes=True))
    return Response(body, need.status, mimetype="application/json")


def event_stream(lines: Iterator[str]) -> Response:
    """Server-sent events (WHATWG HTML, 9.2) that no proxy holds back. They end when the caller leaves."""
    gone = request.environ.get("asgi.scope", {}).get(GONE)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(lines if gone is None else _until(gone, lines), mimetype="text/event-stream", headers=headers)


def _until(gone: threading.Event, lines: Iterator[str]) -> Iterator[str]:
    try:
        for line in lines:
            if gone.is_set():
                return
            yield line
    finally:
        close = getattr(lines, "close", None)
        if close is not None:
            close()

