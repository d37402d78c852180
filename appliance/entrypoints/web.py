"""Pages and REST: the Flask application, which `live` mounts beside the stream."""

from __future__ import annotations

from flask import Flask

from appliance.core.box import Box
from appliance.core.web import create_app


def build(box: Box) -> Flask:
    from webui import shell

    return create_app(box, register=shell.register, error_page=shell.error_page)
