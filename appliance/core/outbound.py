"""The only way out of the box. Enforces the network mode, refuses private targets, counts and logs every destination."""

import ipaddress
import socket
import ssl
import time
from functools import lru_cache

import httpx
import structlog

from appliance.core import guard, telemetry
from appliance.core.breaker import OPEN_FOR_S, Breakers
from appliance.core.config import NetworkMode, NetworkSettings
from appliance.core.errors import Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _

TransportFailed = httpx.TransportError  # for callers that read a streamed body, where it can still break
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
log = structlog.get_logger()


class NotAllowed(Refused):
    """The box may not call there at all, whatever is asked of it."""


class NoAnswer(Unavailable):
    """The request may have arrived; its answer did not. Whoever must not repeat it blindly catches this."""


class Outbound:
    def __init__(self, settings: NetworkSettings) -> None:
        self._settings = settings
        self.breakers = Breakers()

    def client(self, purpose: str, *, timeout_s: float | None = None) -> httpx.Client:
        """A client for one purpose, used as a context manager. Redirects are not followed: each hop is a new decision."""
        guard.check_no_open_unit(f"outbound call ({purpose})")
        transport = _Checked(self, purpose)
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
        mode = self._settings.mode
        if host in self._settings.private_hosts:
            return
        if mode is NetworkMode.SEALED:
            raise NotAllowed(_("This box is sealed: it may not call %(host)s. The operator can change network.mode.", host=host))
        if mode is NetworkMode.ALLOW_LISTED and host not in self._settings.allowed_hosts:
            raise NotAllowed(_("%(host)s is not on this box's list of allowed hosts (network.allowed_hosts).", host=host))

    def address_of(self, host: str, port: int) -> str:
        """Resolve once and connect to exactly what was checked, so a changing name cannot point inside."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as err:
            raise Unavailable(_("The name %(host)s could not be found on the network.", host=host), retry_after=30) from err
        addresses = [str(entry[4][0]) for entry in found]
        if host not in self._settings.private_hosts and not all(is_public(address) for address in addresses):
            raise NotAllowed(_("%(host)s points to a private address, which this box does not call.", host=host))
        return addresses[0]


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
    telemetry.OUTBOUND.labels(purpose, outcome).inc()
    log.info("outbound", purpose=purpose, host=host, outcome=outcome, ms=round((time.perf_counter() - started) * 1000))


@lru_cache(maxsize=1)
def certificates() -> ssl.SSLContext:
    """Read once a process: 18 ms of CPU that every call would pay again."""
    return httpx.create_ssl_context(trust_env=False)


class _Checked(httpx.BaseTransport):
    def __init__(self, outbound: Outbound, purpose: str) -> None:
        self._outbound = outbound
        self._purpose = purpose
        self._inner = httpx.HTTPTransport(verify=certificates(), retries=0, trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host, port = request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)
        address = self._outbound.admit(self._purpose, host, port)
        started, outcome = time.perf_counter(), "error"
        try:
            response = self._send(request, host, address)
            outcome = str(response.status_code)
        except httpx.TransportError as err:
            self._outbound.breakers.failed(host)
            kind = Unavailable if isinstance(err, _NEVER_LEFT) else NoAnswer
            raise kind(_("%(host)s does not answer.", host=host)) from err
        finally:
            note(self._purpose, host, outcome, started)
        self._outbound.breakers.succeeded(host)
        return response

    def _send(self, request: httpx.Request, host: str, address: str) -> httpx.Response:
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return self._inner.handle_request(pinned)

    def close(self) -> None:
        self._inner.close()
