"""Pages for people: the same promises as the API, answered in HTML; somebody not signed in is sent to sign in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, request
from pydantic import BaseModel, ValidationError

from appliance.core.errors import Refused, Unauthenticated
from appliance.core.web import auth, problems
from appliance.core.web.api import PUBLIC, SIGNED_IN, View, enter, parse

if TYPE_CHECKING:
    from werkzeug import Response as AnyResponse

    from appliance.core.errors import DomainError

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True)
class PageNeed:
    permission: str | None = None
    access: str = SIGNED_IN
    query: type[BaseModel] | None = None
    unit: bool = True
    limit: str | None = ""


@dataclass(frozen=True)
class PageRoute:
    method: str
    rule: str
    need: PageNeed


@dataclass
class Pages:
    """Routes of one screen. A view gets the unit of work (or, with `unit=False`, the Call) and returns HTML or a response."""

    name: str
    import_name: str
    prefix: str = ""
    routes: list[PageRoute] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.blueprint = Blueprint(self.name, self.import_name, url_prefix=self.prefix or None)

    def get(self, rule: str, **need: Any) -> Callable[[View], View]:
        return self._route("GET", rule, PageNeed(**need))

    def post(self, rule: str, **need: Any) -> Callable[[View], View]:
        return self._route("POST", rule, PageNeed(**need))

    def _route(self, method: str, rule: str, need: PageNeed) -> Callable[[View], View]:
        def register(view: View) -> View:
            # A page and its form share a name: GET and POST of one rule are two functions with two endpoints.
            self.routes.append(PageRoute(method, f"{self.prefix}{rule}", need))

            @functools.wraps(view)
            def handle(**path: Any) -> AnyResponse:
                return _answer(method, need, view, path)

            self.blueprint.add_url_rule(rule, endpoint=view.__name__, view_func=handle, methods=[method])
            return view

        return register


def _answer(method: str, need: PageNeed, view: Callable[..., Any], path: dict[str, Any]) -> AnyResponse:
    try:
        call = enter(need.permission, need.access, need.limit)
    except Unauthenticated:
        return to_sign_in()
    if need.access == PUBLIC:
        auth.check_csrf(call.box)
    arguments = dict(path)
    if need.query is not None:
        arguments["query"] = parse(need.query, _filled(request.args.to_dict()))
    if not need.unit:
        return make_response(view(call, **arguments))
    with call.unit(read_only=method == "GET") as uow:
        return make_response(view(uow, **arguments))


def _filled(values: Mapping[str, str]) -> dict[str, str]:
    """A filter form sends its empty boxes too; an empty one is no filter."""
    return {name: value for name, value in values.items() if value != ""}


def to_sign_in() -> AnyResponse:
    wanted = request.full_path.rstrip("?") if request.method == "GET" else ""
    target = f"/login?{urlencode({'next': wanted})}" if wanted and wanted != "/" else "/login"
    if request.headers.get("HX-Request"):
        return Response(status=401, headers={"HX-Redirect": target})
    return redirect(target)


@dataclass(frozen=True)
class Form(Generic[S]):
    """A submitted form: either `value`, or `errors` by field; `raw` is what was typed, to be shown again."""

    value: S | None
    errors: Mapping[str, str]
    raw: Mapping[str, str]

    @property
    def ok(self) -> bool:
        return self.value is not None

    def refused(self, err: DomainError | ValidationError) -> Form[S]:
        """The same form with what an action had against it, at its fields; what is about none stands above the form."""
        refusal = problems.refusal_of(err) if isinstance(err, ValidationError) else err
        fields = refusal.fields if isinstance(refusal, Refused) else {}
        return Form(None, {name: str(sentence) for name, sentence in fields.items()} or {"": str(refusal.message)}, self.raw)


def read_form(schema: type[S]) -> Form[S]:
    """Never raises for what people type. Passwords are not given back in `raw`."""
    many = {name for name, wanted in schema.model_fields.items() if str(wanted.annotation).startswith(("list", "tuple"))}
    typed: dict[str, Any] = {
        name: request.form.getlist(name) if name in many else request.form[name].replace("\x00", "")
        for name in request.form
        if name != auth.CSRF_FIELD
    }
    raw = {name: str(value) for name, value in typed.items() if "password" not in name and name not in many}
    try:
        return Form(schema.model_validate({name: value for name, value in typed.items() if value != ""}), {}, raw)
    except ValidationError as err:
        refusal = problems.refusal_of(err)
        return Form(None, {name: str(sentence) for name, sentence in refusal.fields.items()}, raw)
