"""SMTP on the wire (RFC 5321): its answers become ours."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from appliance.core.errors import DomainError, Refused, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import certificates
from appliance.domains.channels.errors import Deferred, KeyRefused
from appliance.domains.channels.gateways.email.settings import PASSWORD, USER, EmailSettings
from appliance.domains.channels.types import Account

if TYPE_CHECKING:
    import socket

    from appliance.core.box import Box

TAKEN = 250
GO_AHEAD = 354
GREETING = 220
REFUSED = 400
FINAL = 500  # from here on the same again has no better end (RFC 5321, 4.2.1)
SENTENCE = 200
_LEADING_DOT = re.compile(rb"(?m)^\.")


class Session(smtplib.SMTP):
    """Connects only where the box may."""

    def __init__(self, box: Box, config: EmailSettings) -> None:
        self._box, self._is_wrapped = box, config.smtp_security == "tls"
        timeout_s = box.settings.network.timeout_s
        super().__init__(timeout=timeout_s, local_hostname=config.address.rpartition("@")[2])
        self._host = config.smtp_host  # what the certificate has to name

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found = self._box.outbound.connect("email_smtp", host, port, timeout_s=timeout)
        return certificates().wrap_socket(found, server_hostname=host) if self._is_wrapped else found

    def in_time(self) -> AbstractContextManager[None]:
        return self._box.outbound.within(lambda: [self.sock])


@contextmanager
def signed_in(box: Box, account: Account) -> Iterator[Session]:
    """A session that may send. Raises KeyRefused, Refused and Unavailable."""
    config = EmailSettings.model_validate(account.config)
    check_encrypted(box, config.smtp_host, config.smtp_security)
    smtp = Session(box, config)
    try:
        with _translated(config.smtp_host), smtp.in_time():
            code, said = smtp.connect(config.smtp_host, config.smtp_port)
            if code != GREETING:
                raise refusal(code, said)
            if config.smtp_security == "starttls":
                smtp.starttls(context=certificates())
            smtp.login(account.secrets[USER], account.secrets[PASSWORD])
        yield smtp
    finally:
        smtp.close()


def send(smtp: Session, host: str, mail: bytes, *, sender: str, recipients: Sequence[str]) -> bool:
    """True: the server took it. False: it may have. Raises Refused and Unavailable when it surely did not."""
    content = _LEADING_DOT.sub(b"..", mail)
    with _translated(host):
        with smtp.in_time():
            code, said = smtp.mail(sender)
            if code >= REFUSED:
                raise refusal(code, said)
            for recipient in recipients:
                code, said = smtp.rcpt(recipient)
                if code >= REFUSED:
                    raise refusal(code, said, of_message=True)
            code, said = smtp.docmd("DATA")
        if code != GO_AHEAD:
            raise refusal(code, said, of_message=True)
    try:
        smtp.send(content if content.endswith(b"\r\n") else content + b"\r\n")
        with smtp.in_time():
            smtp.send(b".\r\n")
            code, said = smtp.getreply()
    except (OSError, smtplib.SMTPException):
        return False
    if code != TAKEN:
        raise refusal(code, said, of_message=True)
    return True


def check_encrypted(box: Box, host: str, security: str) -> None:
    if security == "none" and not box.outbound.is_private(host):
        said = _("%(host)s would get the password unencrypted. Choose TLS, or have it named in network.private_hosts.", host=host)
        raise KeyRefused(said)


@contextmanager
def _translated(host: str) -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPAuthenticationError as err:
        if err.smtp_code < FINAL:
            raise refusal(err.smtp_code, _bytes(err.smtp_error)) from err
        said = _("The mail server %(host)s does not take user and password: %(said)s", host=host, said=_sentence(_bytes(err.smtp_error)))
        raise KeyRefused(said) from err
    except smtplib.SMTPResponseException as err:
        raise refusal(err.smtp_code, _bytes(err.smtp_error)) from err
    except smtplib.SMTPNotSupportedError as err:
        raise KeyRefused(_("%(host)s does not offer what is set here (STARTTLS, or signing in).", host=host)) from err
    except ssl.SSLCertVerificationError as err:
        raise Unavailable(_("%(host)s shows a certificate that cannot be verified.", host=host)) from err
    except (OSError, smtplib.SMTPException) as err:
        raise Unavailable(_("The mail server %(host)s broke off or took too long.", host=host)) from err


def refusal(code: int, said: bytes, *, of_message: bool = False) -> DomainError:
    """4xx: later. 5xx: never, with the server's own sentence. `of_message`: it speaks of this mail or its recipient."""
    if 0 <= code < FINAL:
        later = Deferred if of_message else Unavailable
        return later(_("The mail server asks to wait (%(code)s): %(said)s", code=code, said=_sentence(said)))
    return Refused(_("The mail server refused the message (%(code)s): %(said)s", code=code, said=_sentence(said)))


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()


def _sentence(said: bytes) -> str:
    return " ".join(said.decode("utf-8", "replace").split())[:SENTENCE]
