"""The pages as people get them: the real application with its screens, on SQLite; for the browser, behind a real server."""

import contextlib
import threading
import time
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
import uvicorn

from appliance.core.web import Authenticator, create_app
from appliance.domains.identity import actions
from appliance.domains.identity.types import SESSION_COOKIE, Device, Setup
from appliance.entrypoints import live
from appliance.entrypoints.boot import BoxAuthenticator
from webui import branding, shell

PASSWORD = "correto cavalo bateria grampo"
ANA = Setup(email="ana@solara.example", password=PASSWORD, person="Ana Prado", tenant="Solara Energia")


@pytest.fixture
def app(box, somebody):
    box.provide(Authenticator, somebody)
    somebody.principal = replace(somebody.principal, via="cookie", locale="")
    return create_app(box, register=shell.register, error_page=shell.error_page)


@pytest.fixture
def browser_headers():
    return {"Accept": "text/html", "Accept-Language": "pt-BR"}


@dataclass(frozen=True)
class Site:
    """The box with its pages and its live feed at one address, as `salesedge up` serves them."""

    url: str
    app: object


@contextlib.contextmanager
def serving(box):
    branding.forget_all()
    box.provide(Authenticator, BoxAuthenticator())
    pages = create_app(box, register=shell.register, error_page=shell.error_page)
    front = live.build(box, pages=pages)
    server = uvicorn.Server(
        uvicorn.Config(front, host="127.0.0.1", port=0, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield Site(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", pages)
    server.should_exit = True
    thread.join(60)


@pytest.fixture
def site(box):
    with serving(box) as served:
        yield served


@dataclass(frozen=True)
class Owner:
    user_id: UUID
    tenant_id: UUID
    cookie: str


@pytest.fixture
def ana(box):
    return sign_ana_in(box)


def sign_ana_in(box):
    """Operator and owner of the first company."""
    actions.set_up_from_console(box, ANA)
    signed_in = actions.sign_in(box, email=ANA.email, password=PASSWORD, device=Device("127.0.0.1", "test"))
    return Owner(signed_in.user_id, signed_in.tenant_id, signed_in.secret)


@pytest.fixture
def new_context(chromium, site):
    """A browser profile; with `who`, signed in."""
    contexts = []

    def make(who=None, *, locale="pt-BR", **options):
        context = chromium.new_context(locale=locale, base_url=site.url, reduced_motion="reduce", **options)
        if who is not None:
            context.add_cookies([{"name": SESSION_COOKIE, "value": who.cookie, "url": site.url}])
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
