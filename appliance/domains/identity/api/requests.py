"""What views of this domain ask of the request around them."""

from flask import request

from appliance.core import web
from appliance.core.web.auth import check_access
from appliance.domains.identity.errors import NotByKey
from appliance.domains.identity.types import Device


def device() -> Device:
    return Device(request.remote_addr or "", request.user_agent.string[:200])


def who() -> web.Principal:
    return check_access(web.current_principal(), None)


def person() -> web.Principal:
    """A signed-in person; raises NotByKey for a program's key."""
    principal = who()
    if principal.via == "api_key":
        raise NotByKey
    return principal
