"""Addresses of this box: which may be followed, which the Internet can call, and the present one with another filter."""

import ipaddress
from urllib.parse import urlencode, urlsplit

from flask import request

_INSIDE = (".local", ".lan", ".internal", ".home.arpa", ".localhost", ".test")


def url_with(**changes: object) -> str:
    """This address with some of its query changed; None takes a key away."""
    values: dict[str, list[str]] = {name: request.args.getlist(name) for name in request.args}
    for name, value in changes.items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = [str(value)]
    query = urlencode([(name, value) for name, many in values.items() for value in many if value != ""])
    return f"{request.path}?{query}" if query else request.path


def is_public(url: str) -> bool:
    """Somebody outside can call it: HTTPS, at a name or an address of the Internet."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "https" and ipaddress.ip_address(host).is_global
    except ValueError:
        return parts.scheme == "https" and "." in host and not host.endswith(_INSIDE)


def local_url(target: str, default: str = "/") -> str:
    """`target` when it is a path on this box, so that no link in a mail can send a person elsewhere after signing in."""
    parts = urlsplit(target) if target.isprintable() else None
    is_local = parts is not None and not parts.netloc and not parts.scheme
    return target if is_local and target.startswith("/") and not target.startswith(("//", "/\\")) else default
