"""The browser's side of a session: its cookie, and where a request came from."""

from flask import request
from werkzeug import Response

from appliance.domains.identity.types import SESSION_COOKIE, SESSION_LIFETIME, Device, SignedIn


def device() -> Device:
    return Device(ip=request.remote_addr or "", user_agent=request.headers.get("User-Agent", ""))


def keep(response: Response, signed_in: SignedIn) -> Response:
    response.set_cookie(
        SESSION_COOKIE, signed_in.secret, max_age=int(SESSION_LIFETIME.total_seconds()),
        httponly=True, samesite="Lax", secure=request.is_secure,
    )  # fmt: skip
    return response


def forget(response: Response) -> Response:
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="Lax", secure=request.is_secure)
    return response
