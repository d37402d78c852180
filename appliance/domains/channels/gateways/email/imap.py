"""A mailbox, looked at and never changed (IMAP4rev1, RFC 3501; IDLE, RFC 2177)."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError
from imapclient.imap4 import IMAP4WithTimeout

from appliance.core import clock
from appliance.core.errors import Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import certificates
from appliance.domains.channels.errors import KeyRefused
from appliance.domains.channels.gateways.email.settings import PASSWORD, USER, EmailSettings
from appliance.domains.channels.gateways.email.smtp import check_encrypted
from appliance.domains.channels.types import Account

if TYPE_CHECKING:
    import socket

    from appliance.core.box import Box

IDLE_S = 240.0  # asked anew well before servers and routers give up (RFC 2177 says 29 minutes, NAT far less)
SLICE_S = 2.0  # how long a stop may go unnoticed
BEGINNING = 262_144  # of a mail that is too large to be taken whole
SENTENCE = 200


@dataclass(frozen=True)
class Fetched:
    raw: bytes
    arrived_at: datetime
    is_whole: bool


class _Imap(IMAPClient):  # type: ignore[misc]  # the library has no types
    """Connects only where the box may."""

    def __init__(self, box: Box, config: EmailSettings, reached: list[socket.socket]) -> None:
        """`reached` gets the connection as soon as there is one."""
        self._box, self._is_wrapped, self._is_fresh, self._reached = box, config.imap_security == "tls", False, reached
        timeout_s = box.settings.network.timeout_s
        super().__init__(config.imap_host, config.imap_port, ssl=False, timeout=SocketTimeout(timeout_s, timeout_s))

    def idle(self) -> None:
        super().idle()
        self._is_fresh = True

    def _poll_socket(self, sock: socket.socket, timeout: float | None = None) -> object:
        """What came in one packet with the go-ahead is read already and no poll would tell of it: so the first look is at what is there."""
        is_fresh, self._is_fresh = self._is_fresh, False
        return is_fresh or super()._poll_socket(sock, timeout)

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802 - the library's hook
        return _Guarded(self._box, self.host, self.port, is_wrapped=self._is_wrapped, reached=self._reached)


class _Guarded(IMAP4WithTimeout):  # type: ignore[misc]  # the library has no types
    def __init__(self, box: Box, host: str, port: int, *, is_wrapped: bool, reached: list[socket.socket]) -> None:
        self._box, self._is_wrapped, self._reached = box, is_wrapped, reached
        super().__init__(host, port, box.settings.network.timeout_s)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        found = self._box.outbound.connect("email_imap", self.host, self.port, timeout_s=timeout)
        self._reached.append(certificates().wrap_socket(found, server_hostname=self.host) if self._is_wrapped else found)
        return self._reached[-1]


class Mailbox:
    """An open folder. UIDs rise; they mean something only beside `validity`."""

    def __init__(self, client: IMAPClient, host: str, *, validity: int, next_uid: int) -> None:
        self._client, self._host = client, host
        self.validity, self.next_uid = validity, next_uid
        self._can_idle = bool(client.has_capability("IDLE"))

    def list_after(self, uid: int) -> list[int]:
        with _translated(self._host):
            found = self._client.search(["UID", f"{uid + 1}:*"])
        return sorted(int(one) for one in found if one > uid)  # "n:*" always names the last one

    def list_since(self, moment: datetime) -> list[int]:
        """Those of that day and later, as the server counts days."""
        with _translated(self._host):
            return sorted(int(one) for one in self._client.search(["SINCE", moment.date()]))

    def fetch(self, uid: int, *, limit: int) -> Fetched | None:
        """None when it is gone. Above `limit` bytes only the beginning."""
        with _translated(self._host):
            described = self._client.fetch([uid], ["RFC822.SIZE", "INTERNALDATE"]).get(uid)
            if described is None:
                return None
            is_whole = described[b"RFC822.SIZE"] <= limit
            wanted, key = ("BODY.PEEK[]", b"BODY[]") if is_whole else (f"BODY.PEEK[]<0.{BEGINNING}>", b"BODY[]<0>")
            content = self._client.fetch([uid], [wanted]).get(uid, {}).get(key)
        arrived = described.get(b"INTERNALDATE")
        moment = arrived.astimezone(UTC) if isinstance(arrived, datetime) else clock.now()
        return Fetched(content, moment, is_whole) if isinstance(content, bytes) else None

    def wait(self, is_over: Callable[[], bool], pause: Callable[[float], object]) -> None:
        """Until something may have come, or it is over."""
        if not self._can_idle:
            pause(IDLE_S / 4)
            with _translated(self._host):
                self._client.noop()
            return
        with _translated(self._host):
            self._client.idle()
            for _slice in range(int(IDLE_S / SLICE_S)):
                if is_over() or self._client.idle_check(timeout=SLICE_S):
                    break
            self._client.idle_done()


@contextmanager
def opened(box: Box, account: Account) -> Iterator[Mailbox]:
    """Raises KeyRefused, Refused and Unavailable."""
    config = EmailSettings.model_validate(account.config)
    check_encrypted(box, config.imap_host, config.imap_security)
    reached: list[socket.socket] = []
    with _translated(config.imap_host), box.outbound.within(lambda: reached):
        client = _Imap(box, config, reached)
        client.normalise_times = False  # aware
    try:
        with _translated(config.imap_host), box.outbound.within(lambda: [client.socket()]):
            if config.imap_security == "starttls":
                client.starttls(certificates())
            client.login(account.secrets[USER], account.secrets[PASSWORD])
        yield _selected(client, config)
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            client.shutdown()


def _selected(client: IMAPClient, config: EmailSettings) -> Mailbox:
    with _translated(config.imap_host):
        if not client.folder_exists(config.folder):
            raise Refused(_("The mailbox has no folder called %(name)s.", name=config.folder))
        said = client.select_folder(config.folder, readonly=True)
    return Mailbox(client, config.imap_host, validity=int(said[b"UIDVALIDITY"]), next_uid=int(said[b"UIDNEXT"]))


@contextmanager
def _translated(host: str) -> Iterator[None]:
    try:
        yield
    except LoginError as err:
        said = str(err).removeprefix("b'").removesuffix("'")[:SENTENCE]  # the library says bytes as Python writes them
        if "UNAVAILABLE" in said or "INUSE" in said:
            raise Unavailable(_("The mail server %(host)s cannot sign in right now: %(said)s", host=host, said=said)) from err
        raise KeyRefused(_("The mail server %(host)s does not take user and password: %(said)s", host=host, said=said)) from err
    except ssl.SSLCertVerificationError as err:
        raise Unavailable(_("%(host)s shows a certificate that cannot be verified.", host=host)) from err
    except (OSError, imaplib.IMAP4.error, KeyError, ValueError) as err:  # also what the library says of an answer it cannot read
        raise Unavailable(_("The mail server %(host)s broke off or took too long.", host=host)) from err
