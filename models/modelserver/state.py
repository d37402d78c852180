"""What the routes share, and how they read a body."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from modelserver import problems
from modelserver.hub import Hub
from modelserver.index.store import Store
from modelserver.metering import Meters
from modelserver.options import Options

B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True)
class State:
    options: Options
    hub: Hub
    store: Store | None
    meters: Meters


def state_of(request: Request) -> State:
    found = request.app.state.server
    assert isinstance(found, State)
    return found


def store_of(request: Request) -> Store:
    """Raises Problem when the server was started without a key."""
    store = state_of(request).store
    if store is None:
        raise problems.absent("no_key", "This server was started without --key-file, so it keeps no indexes.")
    return store


async def body_of(request: Request, kind: type[B]) -> B:
    """Raises Problem naming the field that is wrong."""
    content = await request.body() or b"{}"
    return checked(lambda: kind.model_validate_json(content))


def checked(read: Callable[[], B]) -> B:
    """Raises Problem naming the field that is wrong."""
    try:
        return read()
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise problems.refused("bad_request", f"{where}: {first['msg']}.") from err
