"""E-mail: written from by SMTP; read by IMAP, or handed over by another program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels import queries
from appliance.domains.channels.types import EMAIL, MailKeyState
from webui.addresses import is_public
from webui.studio.kinds import walls
from webui.studio.kinds.page import ChannelForm, KindPage

if TYPE_CHECKING:
    from appliance.core.box import Box
    from appliance.core.uow import UnitOfWork
    from appliance.domains.channels.schemas import ChannelOut
    from appliance.domains.channels.types import Kind

Security = Literal["tls", "starttls", "none"]
SECURITIES = (("tls", _("TLS (usual)")), ("starttls", _("STARTTLS")), ("none", _("None: only inside your own network")))
WAYS_IN = (
    ("imap", _("A mailbox that the box reads (IMAP)")),
    ("http", _("Only what another program hands over (HTTP)")),
)
BY_HTTP = {  # in place of what is said where a mailbox is read
    "tests": _("The test signs in where mails leave. It sends nothing and changes nothing."),
    "made": _("Saved. Now open the address below."),
    "walled": _("Until then nothing can be sent by this channel."),
}
KEY_STATES = {MailKeyState.NEW: (_("Not in use"), "info"), MailKeyState.SIGNING: (_("Signs"), "ok"), MailKeyState.OLD: (_("Replaced"), "")}


class EmailForm(ChannelForm):
    address: str = Field(max_length=254)
    from_name: str = Field("", max_length=120)
    user: str = Field("", max_length=254)
    password: str = Field("", max_length=1000)
    fetches: Literal["imap", "http"] = "imap"
    imap_host: str = Field("", max_length=253)
    imap_port: int = 993
    imap_security: Security = "tls"
    folder: str = Field("INBOX", max_length=120)
    smtp_host: str = Field(max_length=253)
    smtp_port: int = 465
    smtp_security: Security = "tls"
    signature: str = Field("", max_length=2000)
    tracks: bool = False

    def config_of(self, kind: Kind) -> dict[str, Any]:
        """Raises Refused where a mailbox is to be read and no server is named."""
        config = super().config_of(kind)
        if config.pop("fetches") == "imap" and not self.imap_host.strip():
            said = _("Enter the server where the mailbox is read.")
            raise Refused(said, fields={"config.imap_host": said})
        return config if self.fetches == "imap" else {**config, "imap_host": ""}

    @classmethod
    def shown(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        return {**config, "fetches": "imap" if config["imap_host"] else "http"}


def _around(box: Box, channel: ChannelOut | None) -> dict[str, object]:
    is_reached = box.settings.public_url.startswith("https://")
    if channel is None:
        return {"securities": SECURITIES, "ways_in": WAYS_IN, "wall": walls.wall_before_anybody(box), "is_reached": is_reached}
    hosts = tuple(str(host) for name in ("imap_host", "smtp_host") if (host := channel.config[name]))
    domain = str(channel.config["address"]).rpartition("@")[2]
    return {
        "securities": SECURITIES, "ways_in": WAYS_IN, "wall": _wall(box, hosts, domain), "dns_wall": walls.wall_before(box, (domain,)),
        "is_reached": is_reached, **({} if channel.config["imap_host"] else BY_HTTP),
    }  # fmt: skip


def _wall(box: Box, hosts: tuple[str, ...], domain: str) -> walls.Wall | None:
    """One block of lines for the servers and for the look into the DNS."""
    return walls.wall_before(box, (*hosts, domain)) if walls.wall_before(box, hosts) else None


def _panel(uow: UnitOfWork, channel: ChannelOut) -> dict[str, object]:
    keys, domain = queries.list_mail_keys(uow, channel.id), str(channel.config["address"]).rpartition("@")[2]
    address = queries.posting_address(uow, channel.id)
    return {
        "mailbox": queries.find_mailbox(uow, channel.id), "mail_keys": keys, "mail_domain": domain, "key_states": KEY_STATES,
        "posting_address": address, "is_open": queries.POSTING in channel.secrets_set, "is_public": is_public(address),
        "last_posted": queries.find_last_posted(uow, channel.id), "largest_mb": uow.box.settings.channels.max_media_mb,
    }  # fmt: skip


EMAIL_PAGE = KindPage(
    EMAIL,
    form=EmailForm,
    title=_("Connect a mailbox"),
    says=_("Any mailbox that speaks IMAP and SMTP, as sales@ or support@, or a mail server that hands its mail over by HTTP."),
    tests=_("The test signs in where mails leave and where the mailbox is read. It sends nothing and changes nothing."),
    made=_("Saved. Mail that comes from now on appears in the inbox; what lay there before stays where it is."),
    around=_around,
    panel=_panel,
)
