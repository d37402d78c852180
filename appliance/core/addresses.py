"""How addresses are written in settings, and what is none. Pure text: nobody is looked up."""

import json
import re
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import BeforeValidator
from pydantic_settings import NoDecode
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from appliance.core.i18n import lazy_gettext as _


def _may_be_several(given: object) -> object:
    """A list, also in JSON as environments have it, or one text with semicolons between."""
    if not isinstance(given, str):
        return given
    if not given.lstrip().startswith("["):
        return [one.strip() for one in given.split(";") if one.strip()]
    try:
        return json.loads(given)
    except ValueError as err:
        raise ValueError(str(_('A list is written as ["FIRST", "SECOND"], or with semicolons between.'))) from err


Several = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_may_be_several)]


def master_of(url: SplitResult) -> str:
    return url.netloc.rpartition("@")[2].partition(":")[0]  # `hostname` would make it lower case


def is_machine(address: str) -> bool:
    try:
        url = urlsplit(address)
        return url.scheme in {"redis", "rediss"} and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is no number
        return False


def is_web_address(text: str) -> bool:
    try:
        found = urlsplit(text)
        name = (found.hostname or "").encode("idna")  # as the resolver will have it
        return found.scheme in {"http", "https"} and bool(name) and found.port != 0 and not re.search(r"\s", text)
    except ValueError:  # also a port that is no number, and a name that no resolver takes
        return False


def is_postgresql(address: str) -> bool:
    """With the driver that the box has, and both host and name of a database: neither the environment nor a file may name them."""
    try:
        found = make_url(address)
    except (ArgumentError, ValueError):  # the latter for a port that is no number
        return False
    names_host = bool(found.host) or not found.query.keys().isdisjoint({"host", "hostaddr"})
    ports = found.normalized_query.get("port", ())
    has_ports = found.port != 0 and all(re.fullmatch(r"[1-9]\d{0,4}(,[1-9]\d{0,4})*", one) for one in ports)
    is_whole = names_host and bool(found.database) and has_ports and "service" not in found.query
    return found.drivername == "postgresql+psycopg" and is_whole


def is_dsn(text: str) -> bool:
    if not is_web_address(text):
        return False
    found = urlsplit(text)
    return bool(found.username) and re.fullmatch("[0-9]+", found.path.rpartition("/")[2]) is not None
