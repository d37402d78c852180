"""Pages and REST on gunicorn's threads. In production it sits behind the reverse proxy, beside `live`."""

from __future__ import annotations

from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from appliance.core.box import Box
from appliance.core.config import load_settings
from appliance.core.web import create_app
from appliance.entrypoints.boot import boot

REQUEST_TIMEOUT_S = 60


def build(box: Box) -> Flask:
    from webui import shell

    return create_app(box, register=shell.register, error_page=shell.error_page)


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn without its command line."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return build(boot("web"))


def main() -> None:
    settings = load_settings()
    Server(
        {
            "bind": f"{settings.server.host}:{settings.server.port}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": settings.server.threads,
            "timeout": REQUEST_TIMEOUT_S,
            "keepalive": 20,
            "accesslog": None,
            "errorlog": "-",
            "loglevel": "warning",
            "control_socket_disable": True,
        }
    ).run()


if __name__ == "__main__":
    main()
