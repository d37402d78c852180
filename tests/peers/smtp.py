"""A real SMTP server (aiosmtpd) on loopback that can be told how to misbehave."""

import asyncio
import warnings
from dataclasses import dataclass, field

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

USER, PASSWORD = "vendas", "senha-do-correio"


@dataclass
class Taken:
    sender: str
    recipients: list[str]
    content: bytes


@dataclass
class Handler:
    """`answers` are given in order, each at its verb: ("RCPT", "450 busy"). "hang": it says nothing
    more; "cut": it hangs up once it has the mail.
    """

    taken: list[Taken] = field(default_factory=list)
    answers: list[tuple[str, str]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)  # recipient -> what is said of them, always

    def _next(self, verb):
        if self.answers and self.answers[0][0] == verb:
            return self.answers.pop(0)[1]
        return ""

    async def handle_MAIL(self, _server, _session, envelope, address, options):  # noqa: N802 - aiosmtpd's hook
        said = self._next("MAIL")
        if said == "hang":
            await asyncio.sleep(30)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return said or "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's hook
        said = self.refused.get(address) or self._next("RCPT")
        if not said:
            envelope.rcpt_tos.append(address)
        return said or "250 OK"

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802 - aiosmtpd's hook
        said = self._next("DATA")
        if said and said not in {"cut", "hang"}:
            return said
        self.taken.append(Taken(envelope.mail_from, envelope.rcpt_tos, envelope.content))
        if said == "cut":
            server.transport.abort()
        if said == "hang":
            await asyncio.sleep(30)
        return "250 taken"


class SmtpPeer(Controller):
    def __init__(self, *, tls=None, starttls=None):
        self.mails, self._starttls = Handler(), starttls
        super().__init__(self.mails, hostname="127.0.0.1", port=0, ssl_context=tls)

    def factory(self):
        with warnings.catch_warnings(action="ignore"):  # it warns of what this is for
            return self._server()

    def _server(self):
        return SMTP(
            self.mails, authenticator=_is_known, auth_required=True, auth_require_tls=False, hostname="loopback",
            tls_context=self._starttls, require_starttls=self._starttls is not None,
        )  # fmt: skip

    def _trigger_server(self):
        """The port is the system's choice, so there is none to knock at before it is known."""
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()

    @property
    def taken(self):
        return self.mails.taken

    def answer(self, verb, said):
        self.mails.answers.append((verb, said))


def _is_known(_server, _session, _envelope, _mechanism, given):
    is_right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=is_right)
