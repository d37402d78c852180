"""The Flask application: every request gets an id, a language and a principal; every error becomes a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from flask import Flask, Response, current_app, g, jsonify, request
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from appliance.core import i18n, metrics, tracing
from appliance.core.errors import Conflict, DomainError, Unauthenticated, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.places import asking
from appliance.core.web import auth, files, openapi, problems
from appliance.core.web.api import count_unrecognised, current_box
from appliance.core.web.health import health
from appliance.core.web.limits import RateLimits

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.web.schema import Problem

log = structlog.get_logger()
ErrorPage = Callable[["Problem"], str]

PLAIN_LIMIT = 4 * 2**20
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HTTP_SENTENCES = {
    400: _("The request could not be read."),
    404: _("There is nothing here."),
    405: _("This address does not accept that method."),
    413: _("This is larger than the box accepts."),
    415: _("This kind of content is not accepted here."),
}


def create_app(box: Box, *, register: Callable[[Flask], None] | None = None, error_page: ErrorPage | None = None) -> Flask:
    """`register` adds the pages; `error_page` draws problems for people."""
    app = Flask("appliance", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=box.settings.server.max_body_mb * 2**20, MAX_FORM_MEMORY_SIZE=2 * 2**20, JSON_SORT_KEYS=False)
    app.extensions.update(box=box, rate_limits=RateLimits(box.redis), error_page=error_page)
    files.prepare(app, box.settings.server.slow_places)
    if box.settings.server.trusted_proxies:
        hops = box.settings.server.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.before_request(_begin)
    app.after_request(_end)
    app.register_error_handler(Exception, _handle)
    app.jinja_env.globals["csrf_token"] = lambda: auth.csrf_token(box)
    apis = [api for manifest in box.registry.manifests for api in manifest.apis]
    for api in apis:
        app.register_blueprint(api.blueprint)
    app.register_blueprint(health)
    app.add_url_rule("/api/v1/openapi.json", "openapi", lambda: jsonify(openapi.document(apis)))
    if register is not None:
        register(app)
    return app


def _begin() -> None:
    g.started = time.perf_counter()
    g.request_id = new_id().hex
    g.trace = tracing.begin(request.method, "server")  # of no trace that is handed in: a proxy passes on what strangers name
    asking.set(request.remote_addr or "")
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    i18n.use_words({})
    i18n.use_locale(request.accept_languages.best_match(["pt-BR", "pt", "en"], default="pt-BR"))
    if "\x00" in request.path or "%00" in request.query_string.decode("latin-1"):
        raise BadRequest(str(_("Text may not contain null characters.")))
    if request.endpoint is None or request.endpoint.startswith(("static", "health.")):
        return
    if not (request.mimetype or "").startswith("multipart/"):
        request.max_content_length = min(PLAIN_LIMIT, int(current_app.config["MAX_CONTENT_LENGTH"]))
    box = current_box()
    try:
        g.principal = box.part(auth.Authenticator).authenticate(box, request)
    except Unauthenticated:
        count_unrecognised()
        raise
    if g.principal is None:
        return
    asking.set(g.principal.user_id.hex)
    if g.principal.locale:
        i18n.use_locale(g.principal.locale)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    if "csrf_cookie" in g:
        response.set_cookie(auth.CSRF_COOKIE, g.csrf_cookie, httponly=True, samesite="Lax", secure=request.is_secure)
    route = str(request.url_rule) if request.url_rule else "none"
    elapsed = time.perf_counter() - g.get("started", time.perf_counter())
    method = request.method if request.method in METHODS else "other"
    metrics.REQUESTS.labels(method, route, str(response.status_code)).observe(elapsed)
    _end_trace(g.pop("trace", None), method, route, response)
    return response


def _end_trace(mark: tracing.Mark | None, method: str, route: str, response: Response) -> None:
    """Once the answer is out: what a stream says belongs to it."""
    if mark is None:
        return
    mark.name(f"{method} {route}")
    mark.say({"http.request.method": method, "http.route": route, "http.response.status_code": response.status_code})
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        mark.failed(str(response.status_code))
    response.call_on_close(mark.end)


def _handle(err: Exception) -> Response:
    """The edge of every request."""
    known = err if isinstance(err, DomainError) else _passing(err)
    if known is not None:
        return _present(problems.problem_of(known), retry_after=problems.retry_after_of(known))
    if isinstance(err, HTTPException):
        status = err.code or 500
        if status < HTTPStatus.BAD_REQUEST:  # a routing redirect
            return Response(status=status, headers={"Location": str(err.get_response().headers.get("Location", "/"))})
        said = err.description if isinstance(err, BadRequest) and err.description != BadRequest.description else None
        return _present(problems.problem(status, said or _HTTP_SENTENCES.get(status, err.name)))
    log.error("request_failed", route=str(request.url_rule), exc_info=err)
    return _present(problems.problem(500, problems.bug_sentence()))


def _passing(err: Exception) -> DomainError | None:
    """What the database says when two meet, when it is busy, or when the disk is full."""
    if isinstance(err, IntegrityError):
        return Conflict(_("Somebody changed this at the same moment. Reload and try again."))
    if isinstance(err, OperationalError | PoolTimeout):
        log.warning("database_busy", route=str(request.url_rule), error=type(err).__name__)
        return Unavailable(_("The box is busy or out of disk space. Nothing was saved; try again in a moment."), retry_after=5)
    return None


def _present(problem: Problem, *, retry_after: float | None = None) -> Response:
    draw: ErrorPage | None = current_app.extensions["error_page"]
    wants_page = not request.path.startswith("/api/") and "text/html" in request.headers.get("Accept", "")
    if draw is None or not wants_page:
        response = problems.respond(problem)
    else:
        response = Response(draw(problem), problem.status, mimetype="text/html")
    if retry_after is not None:
        response.headers["Retry-After"] = str(max(1, round(retry_after)))
    return response
