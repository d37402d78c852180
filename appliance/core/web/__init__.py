"""The HTTP edge: routes, pages, sign-in, problems, OpenAPI."""

from appliance.core.web import openapi
from appliance.core.web.api import API_PREFIX, PUBLIC, SIGNED_IN, Api, Call, Route, current_box, event_stream, parse
from appliance.core.web.app import create_app
from appliance.core.web.auth import Authenticator, Principal, current_principal
from appliance.core.web.files import send_file, send_stored
from appliance.core.web.pages import Form, PageRoute, Pages, read_form
from appliance.core.web.schema import Page, PageOf, PageQuery, Problem, Schema
from appliance.core.web.uploads import Upload, keep_upload

__all__ = [
    "API_PREFIX",
    "PUBLIC",
    "SIGNED_IN",
    "Api",
    "Authenticator",
    "Call",
    "Form",
    "Page",
    "PageOf",
    "PageQuery",
    "PageRoute",
    "Pages",
    "Principal",
    "Problem",
    "Route",
    "Schema",
    "Upload",
    "create_app",
    "current_box",
    "current_principal",
    "event_stream",
    "keep_upload",
    "openapi",
    "parse",
    "read_form",
    "send_file",
    "send_stored",
]
