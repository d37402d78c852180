"""The pages as people get them: the real application with its screens, on SQLite."""

from dataclasses import replace

import pytest

from appliance.core.web import Authenticator, create_app
from webui import shell


@pytest.fixture
def app(box, somebody):
    box.provide(Authenticator, somebody)
    somebody.principal = replace(somebody.principal, via="cookie", locale="")
    return create_app(box, register=shell.register, error_page=shell.error_page)


@pytest.fixture
def browser_headers():
    return {"Accept": "text/html", "Accept-Language": "pt-BR"}
