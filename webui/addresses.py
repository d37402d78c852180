"""Addresses of this box: which may be followed, and the present one with another filter."""

from urllib.parse import urlencode, urlsplit

from flask import request


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


def local_url(target: str, default: str = "/") -> str:
    """`target` when it is a path on this box, so that no link in a mail can send a person elsewhere after signing in."""
    parts = urlsplit(target) if target.isprintable() else None
    is_local = parts is not None and not parts.netloc and not parts.scheme
    return target if is_local and target.startswith("/") and not target.startswith(("//", "/\\")) else default
