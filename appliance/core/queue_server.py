"""Every connection to Redis is made here: to one address, or to whichever server the sentinels name as master at that moment."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

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
    SentinelConnectionPoolProxy,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)

from appliance.core.config import read_secret
from appliance.core.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from appliance.core.config import RedisSettings

    Address = tuple[str, int]

SENTINEL_PORT = 26379
SENTINEL_S = 1.0  # of several, so none is waited for long
DEPOSED = ("UNBLOCKED", "NOREPLICAS")  # what a server says that is no master any more, or shall not act as one
PATIENCE = {"socket_timeout": 5, "socket_connect_timeout": 2}
# A master whose machine lost its power says no word more: after ten seconds it counts as gone.
KEPT_ALIVE = {
    "socket_keepalive": True,
    "socket_keepalive_options": {socket.TCP_KEEPIDLE: 4, socket.TCP_KEEPINTVL: 2, socket.TCP_KEEPCNT: 3},
}
log = structlog.get_logger()
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
    pool = _Pool(server.master, _Sentinels(server), **options)  # type: ignore[no-untyped-call]  # the library types none
    return Redis.from_pool(pool)


@asynccontextmanager
async def listening(server: RedisSettings) -> AsyncIterator[AsyncRedis]:
    """For a loop that hears what is published."""
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
    """What the sentinels say at this moment. `is_certain`: it does not end by itself."""

    answering: int
    master: Address | None
    fault: str
    is_certain: bool = False


def ask_sentinels(server: RedisSettings) -> Sight:
    manager = _Sentinels(server)
    answers: list[Mapping[str, Any]] = []
    refusals = 0
    for sentinel in manager.sentinels:
        try:
            answers.append(cast("Mapping[str, Any]", sentinel.sentinel_masters()))
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
        return Sight(len(answers), None, said, is_certain=True)
    if refusals:
        said = _("The sentinels refuse this box. Check redis.sentinel_password_file, and the user in redis.sentinels.")
        return Sight(0, None, said, is_certain=True)
    asked = ", ".join(urlsplit(_written_out(server, one)).netloc.rpartition("@")[2] for one in server.sentinels)
    return Sight(0, None, _("None of the sentinels answers: %(asked)s. Check redis.sentinels, and that they run.", asked=asked))


class _Deposed:
    """A connection to a master that is one no longer is given up, and the next one begins with asking the sentinels.

    Where one was left without an answer those beside it, which lie idle, are given up as well. The library's own would be used again, and
    hand what comes late to the next question.
    """

    connection_pool: SentinelConnectionPoolProxy

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().read_response(*arguments, **{"disconnect_on_error": True, **options})  # type: ignore[misc]  # of the connection beside it
        except NoAnswer:
            pool = self.connection_pool.connection_pool_ref()
            if pool is not None:
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
    def close(self) -> None:
        super().close()
        self.sentinel_manager.close()


class _Sentinels(Sentinel):
    """While none of them answers the master they named last is asked on.

    The library's own search forgets one now and then when two threads look at once.
    """

    def __init__(self, server: RedisSettings) -> None:
        super().__init__([])  # type: ignore[no-untyped-call]  # the library types none
        self._server = server
        self.sentinels = [Redis.from_url(_written_out(server, one), **_options(server, one), retry=_again()) for one in server.sentinels]

    def discover_master(self, service_name: str) -> Address:
        asked, silent = self.sentinels, 0
        for sentinel in asked:
            try:
                found = _master_in(sentinel.sentinel_masters(), service_name)
            except (RedisError, OSError):
                silent += 1
                continue
            if found:
                self.sentinels = [sentinel, *(other for other in asked if other is not sentinel)]
                return _remember(self._server, found)
        return _last_of(self._server, is_silence=silent == len(asked))


class _AsyncSentinels(AsyncSentinel):
    def __init__(self, server: RedisSettings) -> None:
        super().__init__([])  # type: ignore[no-untyped-call]  # the library types none
        self._server = server
        self.sentinels = [
            AsyncRedis.from_url(_written_out(server, one), **_options(server, one), retry=_again_async()) for one in server.sentinels
        ]

    async def discover_master(self, service_name: str) -> Address:
        silent = 0
        for sentinel in self.sentinels:
            try:
                found = _master_in(await sentinel.sentinel_masters(), service_name)
            except (RedisError, OSError):
                silent += 1
                continue
            if found:
                return _remember(self._server, found)
        return _last_of(self._server, is_silence=silent == len(self.sentinels))


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


def _last_of(server: RedisSettings, *, is_silence: bool) -> Address:
    last = _last_known.get((server.url, server.sentinels))
    if not is_silence or last is None:
        raise StaleConnection(f"no sentinel names a master {server.master}")
    log.warning("sentinels_silent", name=server.master)
    return last


def _is_encrypted(url: str) -> bool:
    return urlsplit(url).scheme == "rediss"


def _password(server: RedisSettings) -> dict[str, Any]:
    found = read_secret(server.password_file)
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
    password = read_secret(server.sentinel_password_file)
    if password:
        found["password"] = password
    if _is_encrypted(_written_out(server, sentinel)):  # by the certificates that url names
        found |= {name: told for name, told in _told_by(server.url).items() if name.startswith("ssl_")}
    return found
