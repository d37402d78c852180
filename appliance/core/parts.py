"""The processes of a box that take no jobs tell Redis that they work. Who told so once, left without a word and is silent, is missing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from redis import Redis, RedisError
from rq.utils import as_text

from appliance.core.manifest import Check, CheckResult

if TYPE_CHECKING:
    from appliance.core.box import Box

FIRST_S, EVERY_S = 0.2, 5.0  # a part that begins works in a moment
LASTS_S = 30
ENDS_S = 1.0
RELAY, SCHEDULER, SESSIONS = "relay", "scheduler", "sessions"
EVERY_BOX = (RELAY, SCHEDULER, SESSIONS)
KNOWN = "parts"  # a set of names; of each that works `part:NAME`, for a while
STAND_STILL = "Look at their logs and start them: systemctl status 'salesedge-*', or start the box with `salesedge up`. What waits is kept."


@contextmanager
def telling(redis: Redis, name: str, works: Callable[[], bool]) -> Iterator[None]:
    """While the block lasts; `works` is asked every few seconds, in a thread of its own. On several machines one of a name is enough."""
    stop = threading.Event()
    thread = threading.Thread(target=_tell_until, args=(stop, redis, name, works), name="part", daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(ENDS_S)
    if not thread.is_alive():  # else Redis hangs, and nothing is waited for at an end
        with suppress(RedisError), redis.pipeline() as pipe:
            pipe.srem(KNOWN, name)
            pipe.delete(_key(name))
            pipe.execute()


def _tell_until(stop: threading.Event, redis: Redis, name: str, works: Callable[[], bool]) -> None:
    next_s = FIRST_S
    while True:
        if works():
            next_s = EVERY_S
            with suppress(RedisError), redis.pipeline() as pipe:
                pipe.set(_key(name), 1, ex=LASTS_S)
                pipe.sadd(KNOWN, name)
                pipe.execute()
        if stop.wait(next_s):
            return


def list_missing(redis: Redis) -> list[str]:
    """By name. Raises RedisError."""
    known = sorted(as_text(name) for name in redis.smembers(KNOWN))
    return [name for name, tells in zip(known, _tell(redis, known), strict=True) if not tells]


def working(redis: Redis) -> dict[str, bool]:
    """Of those that every box has, whether they told so or never. Raises RedisError."""
    return dict(zip(EVERY_BOX, _tell(redis, EVERY_BOX), strict=True))


def check(box: Box) -> CheckResult:
    try:
        missing = [name for name, works in working(box.redis).items() if not works]
    except RedisError as err:
        return CheckResult(ok=False, detail=type(err).__name__, fix="Work waits in the database until Redis is back; nothing is lost.")
    return CheckResult(ok=not missing, detail=", ".join(missing) or "answers", fix=STAND_STILL)


def _tell(redis: Redis, names: Sequence[str]) -> list[bool]:
    return [told is not None for told in redis.mget([_key(name) for name in names])] if names else []


def _key(name: str) -> str:
    return f"part:{name}"


CHECK = Check("parts", check, thorough=True)
