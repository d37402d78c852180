"""The frame around every page: registration, language, theme, brand, security headers, error pages."""

from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, redirect, render_template, request
from jinja2 import StrictUndefined
from markupsafe import escape
from werkzeug import Response as AnyResponse

from appliance.core import crypto, i18n, live
from appliance.core.errors import Unauthenticated
from appliance.core.web import PUBLIC, Authenticator, Call, Pages, Problem, current_box, current_principal
from appliance.domains.identity import actions as identity
from webui import branding, errors, formats, static_files
from webui.addresses import local_url, url_with
from webui.chat import views as chat
from webui.crm import forms
from webui.navigation import has_endpoint, navigation_for
from webui.policy import policy
from webui.screens import SCREENS

if TYPE_CHECKING:
    from appliance.core.box import Box

LANGUAGES = (("pt_BR", "Português"), ("en", "English"))
LOCALE_COOKIE = "locale"
THEME_COOKIE = "theme"
THEMES = frozenset({"light", "dark"})
YEAR_S = 31_536_000
LIVE_URL = "/events"

HEADERS = {
    "Content-Security-Policy": policy(),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), payment=(), usb=(), microphone=(self)",
    "X-Frame-Options": "DENY",
}

pages = Pages("shell", __name__)
SHOWN_BY = frozenset(screen.blueprint.name for screen in (pages, *SCREENS))


def register(app: Flask) -> None:
    """Given to `create_app`, with `error_page`."""
    tree = app.extensions["static_tree"] = static_files.load_tree()
    _set_up_notes(app)
    app.template_folder = str(static_files.ROOT.parent / "templates")
    app.add_url_rule("/static/<tree>/<path:path>", "static_file", tree.respond)
    app.add_url_rule("/theme/<uuid:tenant_id>.<digest>.css", "static_theme", branding.stylesheet)
    app.add_url_rule("/brand/<uuid:tenant_id>/<string(length=64):digest>", "static_brand", branding.picture)
    app.add_url_rule(chat.SCRIPT, "static_chat_script", chat.script)
    app.add_url_rule(forms.CHECK_SCRIPT, "static_form_check", forms.check_script)
    app.add_url_rule(chat.COLOUR, "static_chat_colour", chat.stylesheet)
    app.add_url_rule("/favicon.ico", "static_favicon", lambda: redirect(tree.url("icons/favicon.svg")))
    for screen in (pages, *SCREENS):
        app.register_blueprint(screen.blueprint)
    app.before_request(_recognise_the_lost)
    app.before_request(_choose_locale)
    app.before_request(_mark_live)
    app.after_request(_secure)
    app.context_processor(_context)
    _set_up_templates(app, tree)


def _set_up_notes(app: Flask) -> None:
    """What `flash` hands to the next page travels in a signed cookie."""
    box: Box = app.extensions["box"]
    app.secret_key = crypto.derive(box.keys.token_key, "notes for the next page")
    is_https = box.settings.public_url.startswith("https:")
    app.config.update(SESSION_COOKIE_NAME="se_note", SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=is_https)


def _set_up_templates(app: Flask, tree: static_files.StaticTree) -> None:
    env = app.jinja_env
    env.undefined = StrictUndefined
    env.trim_blocks = env.lstrip_blocks = True
    env.add_extension("jinja2.ext.i18n")
    env.install_gettext_callables(  # type: ignore[attr-defined]  # added by jinja2.ext.i18n
        _sentence, lambda one, many, n: i18n.catalogue(i18n.current_locale()).ngettext(one, many, n), newstyle=True
    )
    env.filters.update(formats.FILTERS)
    env.globals.update(asset=tree.url, has_endpoint=has_endpoint, url_with=url_with, greeting=formats.greeting)


def _sentence(message: str) -> str:
    """Templates take sentences of the product for markup; a brand's own words are anybody's."""
    return escape(i18n.own_word(message)) or i18n.gettext(message)


def _recognise_the_lost() -> None:
    """Who mistyped an address is asked for by no route; they keep their menu and their language all the same."""
    if request.endpoint is None and "text/html" in request.headers.get("Accept", ""):
        with suppress(Unauthenticated):
            g.principal = current_box().part(Authenticator).authenticate(current_box(), request)


def _choose_locale() -> None:
    """The person's own choice, then this browser's, then the tenant's, then what the browser says it reads."""
    person = current_principal()
    brand = branding.current() if person else branding.OURS
    g.timezone = brand.timezone
    chosen = (person.locale if person else "") or request.cookies.get(LOCALE_COOKIE, "") or brand.locale
    if chosen:
        i18n.use_locale(chosen)
    i18n.use_words(brand.words)


def _mark_live() -> None:
    """Taken before the page reads anything: the stream begins here, so that nothing falls between the two."""
    person = current_principal()
    if person is None or request.blueprint not in SHOWN_BY or "HX-Request" in request.headers:
        return
    with current_box().unit(person.tenant_id, read_only=True) as uow:
        g.live_from = live.newest(uow)


def _secure(response: Response) -> Response:
    names_its_sites = "frame-ancestors" in response.headers.get("Content-Security-Policy", "")
    for name, value in HEADERS.items():
        if not (names_its_sites and name == "X-Frame-Options"):
            response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}")
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Content-Language"] = i18n.current_locale().replace("_", "-")
    return response


def _context() -> dict[str, Any]:
    person = current_principal()
    theme = request.cookies.get(THEME_COOKIE, "")
    brand = branding.current()
    i18n.use_words(brand.words)
    frame: dict[str, Any] = {
        "brand": brand,
        "here": request.full_path.rstrip("?") if request.method == "GET" else request.path,
        "home_url": "/",
        "language": i18n.current_locale().replace("_", "-"),
        "languages": LANGUAGES,
        "live_from": g.get("live_from", ""),
        "live_scope": "",
        "live_url": LIVE_URL,
        "locale": i18n.current_locale(),
        "nav_mode": "",
        "navigation": [],
        "person": person,
        "request_id": g.get("request_id", ""),
        "tabbar": [],
        "tenants": [],
        "theme": theme if theme in THEMES else "",
        "timezone": formats.timezone().key,
    }
    if person is not None:
        frame["navigation"] = navigation_for(person)
        frame["tabbar"] = [link for group in frame["navigation"] for link in group.links if link.short]
        frame["tenants"] = [{"id": key, "name": name, "current": key == person.tenant_id} for key, name in person.tenants]
        frame["live_scope"] = f"{person.tenant_id.hex}.{person.user_id.hex}"
    return frame


def error_page(problem: Problem) -> str:
    """Given to `create_app`. Who is signed in keeps the menu, unless the box itself is in trouble."""
    is_framed = current_principal() is not None and problem.status < HTTPStatus.INTERNAL_SERVER_ERROR
    return render_template("errors/error.html", error=errors.page_for(problem.status, problem.detail), is_framed=is_framed)


@pages.get("/brand/now", unit=False)
def brand_now(call: Call) -> str:
    """For pages that were open while it changed: the top of the page and its colours, read afresh."""
    del call
    branding.forget_all()
    g.pop("brand", None)
    return render_template("layouts/_topbrand.html", changed=True)


@pages.post("/language", access=PUBLIC, unit=False)
def choose_language(call: Call) -> AnyResponse:
    """This browser's language, and from then on the person's own, whose choice comes first."""
    response = redirect(local_url(request.form.get("next", "/")))
    locale = i18n.normalise(request.form.get("language", ""))
    if (person := current_principal()) is not None:
        with call.unit() as uow:
            identity.change_profile(uow, person.user_id, {"locale": locale})
    response.set_cookie(LOCALE_COOKIE, locale, max_age=YEAR_S, samesite="Lax", secure=request.is_secure)
    return response


