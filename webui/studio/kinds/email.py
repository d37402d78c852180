"""E-mail: one mailbox, read by IMAP and written from by SMTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import NotAllowed
from appliance.domains.channels import queries
from appliance.domains.channels.types import EMAIL
from webui.studio.kinds.page import ChannelForm, KindPage

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.uow import UnitOfWork
    from appliance.domains.channels.schemas import ChannelOut

Security = Literal["tls", "starttls", "none"]
SECURITIES = (("tls", _("TLS (usual)")), ("starttls", _("STARTTLS")), ("none", _("None: only inside your own network")))


class EmailForm(ChannelForm):
    address: str = Field(max_length=254)
    from_name: str = Field("", max_length=120)
    user: str = Field("", max_length=254)
    password: str = Field("", max_length=1000)
    imap_host: str = Field(max_length=253)
    imap_port: int = 993
    imap_security: Security = "tls"
    folder: str = Field("INBOX", max_length=120)
    smtp_host: str = Field(max_length=253)
    smtp_port: int = 465
    smtp_security: Security = "tls"
    signature: str = Field("", max_length=2000)


def _around(box: Box, channel: ChannelOut | None) -> dict[str, object]:
    hosts = [str(channel.config[name]) for name in ("imap_host", "smtp_host")] if channel else []
    return {"securities": SECURITIES, "walled": next((said for said in (_wall(box, host) for host in hosts) if said), "")}


def _wall(box: Box, host: str) -> str:
    """Why this box may not call the mail server, with the setting to change; empty when it may."""
    try:
        box.outbound.check_allowed(host)
    except NotAllowed as err:
        return str(err)
    return ""


def _panel(uow: UnitOfWork, channel: ChannelOut) -> dict[str, object]:
    return {"mailbox": queries.find_mailbox(uow, channel.id)}


EMAIL_PAGE = KindPage(
    EMAIL,
    form=EmailForm,
    title=_("Connect a mailbox"),
    says=_("Any mailbox that speaks IMAP and SMTP, as sales@ or support@. Mail comes and goes in the same inbox as everything else."),
    tests=_("The test signs in at both servers and opens the folder. It sends nothing and changes nothing."),
    made=_("Saved. Mail that comes from now on appears in the inbox; what lay there before stays where it is."),
    around=_around,
    panel=_panel,
)
