"""Every connection to Redis is made here: to one address, or to whichever server the sentinels name as master at that moment."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import structlog
from redis import Redis, RedisError
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import AuthenticationError, MasterDownError, NoPermissionError, ResponseError
from redis.exceptions import ConnectionError as StaleConnection
from redis.exceptions import TimeoutError as NoAnswer
from redis.retry import Retry
from redis.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)

from appliance.core.config import secret_in
from appliance.core.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping

    from appliance.core.config import RedisSettings

    Address = tuple[str, int]
    Masters = Mapping[str, Any]  # by name, as one sentinel sees them

SENTINEL_PORT = 26379
SENTINEL_S = 1.0  # of several, so none is waited for long
SILENT_S = 2.0  # once all were silent: whoever comes meanwhile does not wait for them as well
DEPOSED = ("UNBLOCKED", "NOREPLICAS")  # what a server says that is no master any more, or shall not act as one
QUIET_S = 10.0  # a Redis that publishes nothing for so long is asked for a word: it may hang
TURN_S = 1.0
PATIENCE = {"socket_timeout": 5, "socket_connect_timeout": 2}
# A master whose machine lost its power says no word more: after ten seconds it counts as gone.
KEPT_ALIVE = {
    "socket_keepalive": True,
    "socket_keepalive_options": {socket.TCP_KEEPIDLE: 4, socket.TCP_KEEPINTVL: 2, socket.TCP_KEEPCNT: 3},
}
log = structlog.get_logger()
_pools: WeakValueDictionary[int, _Pool] = WeakValueDictionary()  # of this process
_last_known: dict[tuple[str, tuple[str, ...]], Address] = {}  # by master and sentinels; whoever is forked from here knows it too


def connect_redis(server: RedisSettings) -> Redis:
    """Tries again once and at once, for a connection that went stale: left to itself the library waits seconds for a dead Redis.

    One that hangs is not waited for twice.
    """
    options: dict[str, Any] = {**PATIENCE, **_password(server), "health_check_interval": 30, "retry": _again()}
    if not server.sentinels:
        return Redis.from_url(server.url, **options)
    kind = _EncryptedConnection if _is_encrypted(server.url) else _Connection
    options |= {**KEPT_ALIVE, **_told_by(server.url), "connection_class": kind}
    pool = _Pool(server.master, _Sentinels(server), **options)
    return Redis.from_pool(pool)


def hear(redis: Redis, channel: str, *, turn_s: float = TURN_S) -> Generator[bytes | None]:
    """What is published; None at each turn that brought nothing. Raises NoAnswer where the server hangs."""
    silence = _Silence()
    with redis.pubsub(ignore_subscribe_messages=True) as heard:  # type: ignore[no-untyped-call]  # the library types none
        heard.subscribe(channel)
        while True:
            told = heard.get_message(timeout=turn_s)
            try:
                if silence.is_long(told):
                    heard.ping()
            except NoAnswer:  # those beside it, which lie idle, would be taken next
                redis.connection_pool.disconnect(inuse_connections=False)
                raise
            yield told["data"] if told and told["type"] == "message" else None


async def hear_async(server: RedisSettings, channel: str) -> AsyncGenerator[bytes]:
    """What is published. Raises NoAnswer where the server hangs."""
    silence = _Silence()
    async with _connected(server) as redis, redis.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(channel)
        if asyncio.current_task().cancelling():  # type: ignore[union-attr]  # the library loses one while it connects
            raise asyncio.CancelledError
        while True:
            told = await heard.get_message(timeout=TURN_S)
            if silence.is_long(told):
                await heard.ping()
            if told and told["type"] == "message":
                yield told["data"]


class _Silence:
    """A server that publishes nothing may hang. It is asked, not left: what is published between two connections is lost."""

    def __init__(self) -> None:
        self._since, self._is_asked = time.monotonic(), False

    def is_long(self, told: object) -> bool:
        """Whether to ask for a word now. Raises NoAnswer where none came."""
        now = time.monotonic()
        if told is not None:
            self._since, self._is_asked = now, False
        elif now < self._since + (PATIENCE["socket_timeout"] if self._is_asked else QUIET_S):
            return False
        elif self._is_asked:
            raise NoAnswer("silent for too long")
        else:
            self._since, self._is_asked = now, True
        return self._is_asked


@asynccontextmanager
async def _connected(server: RedisSettings) -> AsyncIterator[AsyncRedis]:
    if not server.sentinels:
        async with AsyncRedis.from_url(server.url, **_password(server)) as redis:
            yield redis
        return
    options: dict[str, Any] = {**PATIENCE, **KEPT_ALIVE, **_password(server), "retry": _again_async(), **_told_by(server.url)}
    sentinels = _AsyncSentinels(server)
    try:
        async with sentinels.master_for(server.master, ssl=_is_encrypted(server.url), **options) as redis:
            yield redis
    finally:
        await sentinels.aclose()


@dataclass(frozen=True)
class Sight:
    """What the sentinels say at this moment. `is_misnamed`: most of them lack the name, or all refuse; it does not end by itself."""

    answering: int
    master: Address | None
    fault: str
    is_misnamed: bool = False


def ask_sentinels(server: RedisSettings) -> Sight:
    manager = _Sentinels(server)
    answers: list[Masters] = []
    refusals = 0
    for sentinel in manager.sentinels:
        try:
            answers.append(cast("Masters", sentinel.sentinel_masters()))
        except (AuthenticationError, NoPermissionError):
            refusals += 1
        except (RedisError, OSError):
            pass
    manager.close()
    working = next(filter(None, (_master_in(masters, server.master) for masters in answers)), None)
    if working:
        return Sight(len(answers), working, "")
    if any(server.master in masters for masters in answers):
        return Sight(len(answers), None, _("The master is down. Work waits in the database until another takes over; nothing is lost."))
    if answers:
        known = ", ".join(sorted({name for masters in answers for name in masters})) or "-"
        said = _("The sentinels know no master %(name)s. They know: %(known)s. Write that into redis.url.", name=server.master, known=known)
        return Sight(len(answers), None, said, is_misnamed=len(answers) > len(server.sentinels) // 2)
    if refusals:
        said = _("The sentinels refuse this box. Check redis.sentinel_password_file, and the user in redis.sentinels.")
        return Sight(0, None, said, is_misnamed=refusals == len(server.sentinels))
    asked = ", ".join(urlsplit(_written_out(server, one)).netloc.rpartition("@")[2] for one in server.sentinels)
    return Sight(0, None, _("None of the sentinels answers: %(asked)s. Check redis.sentinels, and that they run.", asked=asked))


class _Deposed:
    """A connection to a master that is one no longer is given up, and the next one begins with asking the sentinels.

    Where one was left without an answer all that lie idle in this process are given up as well: each would be waited for as long. The
    library's own would be used again, and hand what comes late to the next question.
    """

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().read_response(*arguments, **{"disconnect_on_error": True, **options})  # type: ignore[misc]  # of the connection beside it
        except NoAnswer:
            for held in _pools.valuerefs():
                if (pool := held()) is not None:
                    pool.disconnect(inuse_connections=False)
            raise
        except ResponseError as err:
            if not (isinstance(err, MasterDownError) or str(err).startswith(DEPOSED)):
                raise
            self.disconnect()  # type: ignore[attr-defined]  # the same
            raise StaleConnection(str(err)) from err


class _Connection(_Deposed, SentinelManagedConnection):
    pass


class _EncryptedConnection(_Deposed, SentinelManagedSSLConnection):
    pass


class _Pool(SentinelConnectionPool):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]  # the library types none
        _pools[id(self)] = self

    def close(self) -> None:
        super().close()
        self.sentinel_manager.close()


class _Sentinels(Sentinel):
    """While none of them knows of the master the one they named last is asked on.

    The library's own search forgets one now and then when two threads look at once.
    """

    def __init__(self, server: RedisSettings) -> None:
        super().__init__([])  # type: ignore[no-untyped-call]  # the library types none
        self._server, self._silent_until = server, 0.0
        self.sentinels = [Redis.from_url(_written_out(server, one), **_options(server, one), retry=_again()) for one in server.sentinels]

    def discover_master(self, service_name: str) -> Address:
        asked, answers = self.sentinels if time.monotonic() >= self._silent_until else [], list[Any]()
        for sentinel in asked:
            with suppress(RedisError, OSError):
                answers.append(sentinel.sentinel_masters())
                if found := _master_in(answers[-1], service_name):
                    self.sentinels = [sentinel, *(other for other in asked if other is not sentinel)]
                    return _remember(self._server, found)
        if asked and not answers:
            self._silent_until = time.monotonic() + SILENT_S
        return _last_of(self._server, answers)


class _AsyncSentinels(AsyncSentinel):
    def __init__(self, server: RedisSettings) -> None:
        super().__init__([])  # type: ignore[no-untyped-call]  # the library types none
        self._server = server
        self.sentinels = [
            AsyncRedis.from_url(_written_out(server, one), **_options(server, one), retry=_again_async()) for one in server.sentinels
        ]

    async def discover_master(self, service_name: str) -> Address:
        answers = list[Any]()
        for sentinel in self.sentinels:
            with suppress(RedisError, OSError):
                answers.append(await sentinel.sentinel_masters())
                if found := _master_in(answers[-1], service_name):
                    return _remember(self._server, found)
        return _last_of(self._server, answers)


def _again() -> Retry:
    return Retry(NoBackoff(), 1, supported_errors=(StaleConnection,))


def _again_async() -> AsyncRetry:
    return AsyncRetry(NoBackoff(), 1, supported_errors=(StaleConnection,))


def _master_in(masters: Any, name: str) -> Address | None:
    """Where it is, unless this sentinel misses it."""
    state = masters.get(name, {"is_master": False})
    works = state["is_master"] and not state["is_sdown"] and not state["is_odown"]
    return (str(state["ip"]), int(state["port"])) if works else None


def _remember(server: RedisSettings, master: Address) -> Address:
    _last_known[server.url, server.sentinels] = master
    return master


def _last_of(server: RedisSettings, answers: list[Masters]) -> Address:
    """One that is silent, or came back without its file, says nothing about the master; one that misses it does."""
    last = _last_known.get((server.url, server.sentinels))
    if last is None or any(server.master in masters for masters in answers):
        raise StaleConnection(f"no sentinel names a master {server.master}")
    log.warning("sentinels_silent", name=server.master)
    return last


def _is_encrypted(url: str) -> bool:
    return urlsplit(url).scheme == "rediss"


def _password(server: RedisSettings) -> dict[str, Any]:
    found = secret_in(server.password_file)
    return {"password": found} if found else {}


def _told_by(url: str) -> dict[str, Any]:
    """The user, the password, the number of the database, certificates: all but where to go."""
    told: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]  # the library types none
    return {name: value for name, value in told.items() if name not in {"host", "port", "connection_class"}}


def _written_out(server: RedisSettings, sentinel: str) -> str:
    """As an address, with a port."""
    whole = sentinel if "://" in sentinel else f"{urlsplit(server.url).scheme}://{sentinel}"
    parts = urlsplit(whole)
    return whole if parts.port else parts._replace(netloc=f"{parts.netloc}:{SENTINEL_PORT}").geturl()


def _options(server: RedisSettings, sentinel: str) -> dict[str, Any]:
    found: dict[str, Any] = {"socket_timeout": SENTINEL_S, "socket_connect_timeout": SENTINEL_S}
    password = secret_in(server.sentinel_password_file)
    if password:
        found["password"] = password
    if _is_encrypted(_written_out(server, sentinel)):  # by the certificates that url names
        found |= {name: told for name, told in _told_by(server.url).items() if name.startswith("ssl_")}
    return found
