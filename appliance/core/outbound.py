"""The only way out of the box. Enforces the network mode, refuses private targets, counts and logs every destination."""

import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog

from appliance.core import guard, metrics
from appliance.core.breaker import OPEN_FOR_S, Breakers
from appliance.core.config import NetworkMode, NetworkSettings
from appliance.core.errors import Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _

TransportFailed = httpx.TransportError  # for callers that read a streamed body, where it can still break
Client = httpx.Client
Response = httpx.Response
InvalidAddress = httpx.InvalidURL  # for callers whose address somebody typed
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
TIMES = 3  # the time-out of one read: what an exchange may take in all, unless its caller says
_OPENED = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})  # httpcore's names
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
log = structlog.get_logger()


class NotAllowed(Refused):
    """The box may not call there at all, whatever is asked of it."""


class NoAnswer(Unavailable):
    """The request may have arrived; its answer did not. Whoever must not repeat it blindly catches this."""


class Outbound:
    def __init__(self, settings: NetworkSettings, *, at_home: str | None = None, ca_file: Path | None = None) -> None:
        """`at_home` is called like one of `private_hosts`, but there only: where its name leads elsewhere the network mode decides.

        `ca_file`: the authority that vouches for whom is called, in place of the public ones.
        """
        self._settings = settings
        self._ca_file = ca_file
        self._at_home = at_home
        self.timeout_s = settings.timeout_s
        self.breakers = Breakers()

    def client(self, purpose: str, *, timeout_s: float | None = None, within_s: float | None = None) -> httpx.Client:
        """A client for one purpose, used as a context manager. Redirects are not followed: each hop is a new decision.

        `timeout_s` is one of each read; `within_s` one of each exchange, to the last byte of the answer: TIMES as long by default.
        """
        guard.check_no_open_unit(f"outbound call ({purpose})")
        transport = _Checked(self, purpose, within_s, ssl.create_default_context(cafile=self._ca_file) if self._ca_file else certificates())
        return httpx.Client(transport=transport, timeout=timeout_s or self._settings.timeout_s, follow_redirects=False, trust_env=False)

    def connect(self, purpose: str, host: str, port: int, *, timeout_s: float | None = None) -> socket.socket:
        """A socket for what is not HTTP (mail), under the same rules. What is said over it is the caller's; so is its encryption."""
        guard.check_no_open_unit(f"outbound call ({purpose})")
        address, started, outcome = self.admit(purpose, host, port), time.perf_counter(), "error"
        try:
            found = socket.create_connection((address, port), timeout_s or self._settings.timeout_s)
            outcome = "connected"
        except OSError as err:
            self.breakers.failed(host)
            raise Unavailable(_("%(host)s does not answer.", host=host)) from err
        finally:
            note(purpose, host, outcome, started)
        self.breakers.succeeded(host)
        return found

    @contextmanager
    def within(self, lines: "Lines") -> Iterator[None]:
        """A few words over connections of one's own (`connect`) have one limit together, as an exchange of a client's has.

        When it is over it hangs up, and whoever reads meets an OSError or the end.
        """
        deadline = _Deadline(TIMES * self.timeout_s, lines)
        try:
            yield
        finally:
            deadline.end()

    def admit(self, purpose: str, host: str, port: int) -> str:
        """The checked address to connect to. Raises NotAllowed, and Unavailable while the host rests."""
        self.check_allowed(host)
        address = self.address_of(host, port)
        if self.breakers.is_open(host):
            note(purpose, host, "open", time.perf_counter())
            raise Unavailable(_("%(host)s has failed repeatedly; the box waits before trying again.", host=host), retry_after=OPEN_FOR_S)
        return address

    def is_private(self, host: str) -> bool:
        """The operator vouches for this host: it is on a network of ours."""
        return host in self._settings.private_hosts

    def check_allowed(self, host: str) -> None:
        """Raises NotAllowed with the setting that would allow it."""
        if host not in (*self._settings.private_hosts, self._at_home):
            self._check_mode(host)

    def _check_mode(self, host: str) -> None:
        mode = self._settings.mode
        if mode is NetworkMode.SEALED:
            raise NotAllowed(_("This box is sealed: it may not call %(host)s. The operator can change network.mode.", host=host))
        if mode is NetworkMode.ALLOW_LISTED and host not in self._settings.allowed_hosts:
            raise NotAllowed(_("%(host)s is not on this box's list of allowed hosts (network.allowed_hosts).", host=host))

    def texts_of(self, purpose: str, name: str, host: str) -> list[str]:
        """The TXT records under `name`, a name of `host`'s, from the name servers of this machine; the rules are those of calling `host`.

        Raises NotAllowed, and Unavailable when no name server answers.
        """
        import dns.exception  # noqa: PLC0415 - 80 ms that only boxes whose mails are signed pay
        import dns.resolver  # noqa: PLC0415 - the same

        guard.check_no_open_unit(f"outbound call ({purpose})")
        self.check_allowed(host)
        started, outcome = time.perf_counter(), "error"
        try:
            found = dns.resolver.resolve(name, "TXT", lifetime=self.timeout_s)
            outcome = "answered"
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            outcome = "nothing"
            return []
        except (dns.exception.DNSException, OSError) as err:
            raise Unavailable(_("No name server answered about %(host)s.", host=host)) from err
        finally:
            note(purpose, host, outcome, started)
        return [b"".join(record.strings).decode("utf-8", "replace") for record in found]

    def address_of(self, host: str, port: int) -> str:
        """Resolve once and connect to exactly what was checked, so a changing name cannot point inside."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as err:  # UnicodeError: a part of the name is empty or too long
            raise Unavailable(_("The name %(host)s could not be found on the network.", host=host), retry_after=30) from err
        addresses = [str(entry[4][0]) for entry in found]
        public = [address for address in addresses if is_public(address)]
        if host in self._settings.private_hosts or (host == self._at_home and not public):
            return addresses[0]
        if host == self._at_home:
            self._check_mode(host)
        if len(public) < len(addresses):
            raise NotAllowed(_("%(host)s points to a private address, which this box does not call.", host=host))
        return addresses[0]


def vouched(network: NetworkSettings, url: str, *, ca_file: Path | None = None) -> Outbound:
    """The operator named this host: if it is a private one it may be called even from a sealed box. Public ones may not."""
    try:
        host = urlsplit(url).hostname or ""
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # ValueError: no address at all, or a part of the name is empty or too long
        return Outbound(network, ca_file=ca_file)
    is_private = not any(is_public(str(entry[4][0])) for entry in found)
    return Outbound(network, at_home=host if host and is_private else None, ca_file=ca_file)


def object_of(content: bytes) -> dict[str, Any]:
    """What a peer answered in JSON; empty when that is no object."""
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def is_public(address: str) -> bool:
    """Reachable by anybody, and no disguise of an address that is not: IPv4 inside IPv6 (RFC 4291, 3056, 6052, 4380), multicast."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast and not found.is_reserved


def note(purpose: str, host: str, outcome: str, started: float) -> None:
    metrics.OUTBOUND.labels(purpose, outcome).inc()
    log.info("outbound", purpose=purpose, host=host, outcome=outcome, ms=round((time.perf_counter() - started) * 1000))


@lru_cache(maxsize=1)
def certificates() -> ssl.SSLContext:
    """Read once a process: 18 ms of CPU that every call would pay again."""
    return httpx.create_ssl_context(trust_env=False)


class _Checked(httpx.BaseTransport):
    def __init__(self, outbound: Outbound, purpose: str, within_s: float | None, trusted: ssl.SSLContext) -> None:
        self._outbound = outbound
        self._purpose = purpose
        self._within_s = within_s
        self._lines: list[socket.socket | None] = []
        self._cuts = 0
        self._inner = httpx.HTTPTransport(verify=trusted, retries=0, trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host, port = request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)
        address = self._outbound.admit(self._purpose, host, port)
        started, outcome, deadline, cuts = time.perf_counter(), "error", _Deadline(self._longest(request), self._cut), self._cuts
        try:
            response = self._send(request, host, address, deadline)
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = _Timed(response.stream, deadline, lambda: self._cuts > cuts)
            outcome = str(response.status_code)
        except httpx.TransportError as err:
            self._outbound.breakers.failed(host)
            kind = Unavailable if isinstance(err, _NEVER_LEFT) else NoAnswer
            raise kind(_("%(host)s does not answer.", host=host)) from err
        finally:
            note(self._purpose, host, outcome, started)
            if outcome == "error":
                deadline.end()
        self._outbound.breakers.succeeded(host)
        return response

    def _longest(self, request: httpx.Request) -> float:
        return self._within_s or TIMES * (request.extensions["timeout"]["read"] or self._outbound.timeout_s)

    def _send(self, request: httpx.Request, host: str, address: str, deadline: "_Deadline") -> httpx.Response:
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host, "trace": partial(self._heed, deadline)},
        )
        return self._inner.handle_request(pinned)

    def _heed(self, deadline: "_Deadline", event: str, said: dict[str, Any]) -> None:
        """What the client tells of itself: every line it opens can be cut, one that opens too late at once."""
        if event in _OPENED:
            self._lines.append(said["return_value"].get_extra_info("socket"))
            if deadline.is_over:
                deadline.hang_up()

    def _cut(self) -> Iterable[socket.socket | None]:
        """All lines: which exchange has which is httpcore's, and the deadline of one that is over may still meet the next."""
        self._cuts += 1
        return tuple(self._lines)

    def close(self) -> None:
        self._inner.close()


Lines = Callable[[], Iterable[socket.socket | None]]


class _Deadline:
    """Hangs up when an exchange takes too long in all: who answers a letter at a time keeps every time-out of a read."""

    def __init__(self, within_s: float, lines: Lines) -> None:
        self.is_over = False
        self._lines = lines
        self._watch = threading.Timer(within_s, self.hang_up)
        self._watch.daemon = True
        self._watch.start()

    def hang_up(self) -> None:
        self.is_over = True
        for line in filter(None, self._lines()):
            with suppress(OSError):  # it is closed already
                line.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        self._watch.cancel()


class _Timed(httpx.SyncByteStream):
    """An answer whose length nobody told ends like one that was cut off: so that is told apart."""

    def __init__(self, stream: httpx.SyncByteStream, deadline: _Deadline, was_cut: Callable[[], bool]) -> None:
        self._stream = stream
        self._deadline = deadline
        self._was_cut = was_cut

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except httpx.TransportError as err:
            if self._was_cut():
                raise httpx.ReadTimeout("The answer took too long in all.") from err
            raise
        if self._was_cut():
            raise httpx.ReadTimeout("The answer took too long in all.")

    def close(self) -> None:
        self._deadline.end()
        self._stream.close()
