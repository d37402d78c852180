"""What a mailbox is reached by. User and password are secrets; the rest is here."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Schema

USER, PASSWORD = "user", "password"
POSTING = "posting_secret"  # what the box makes for programs that hand mails over
POSTING_PATH = "/webhooks/email/"  # of this box; the channel's id follows


def _name_alone(given: object) -> object:
    if isinstance(given, str) and ("/" in given or "@" in given):
        raise ValueError(str(_("Only the name of the server, as in mail.example.com: without https://, a path or an @.")))
    return given.strip() if isinstance(given, str) else given


Security = Literal["tls", "starttls", "none"]
_HOST = r"[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?"
Host = Annotated[str, BeforeValidator(_name_alone), Field(max_length=253, pattern=rf"^{_HOST}$"), AfterValidator(str.lower)]
MaybeHost = Annotated[str, BeforeValidator(_name_alone), Field(max_length=253, pattern=rf"^({_HOST})?$"), AfterValidator(str.lower)]
Port = Annotated[int, Field(ge=1, le=65_535)]
OneLine = Annotated[str, Field(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]


class EmailSettings(Schema):
    """Without an `imap_host` nothing is fetched: mails come when another program hands them over. `none` sends the password in the
    clear: only to a host that the operator calls private. `tracks`: notices to those who agreed to offers tell when they are opened
    and what is followed in them.
    """

    address: Annotated[str, Field(max_length=254, pattern=r'^[^@\s<>",;]+@[^@\s<>",;]+\.[^@\s<>",;]+$'), AfterValidator(str.lower)]
    from_name: OneLine = ""
    imap_host: MaybeHost = ""
    imap_port: Port = 993
    imap_security: Security = "tls"
    folder: OneLine = "INBOX"
    smtp_host: Host
    smtp_port: Port = 465
    smtp_security: Security = "tls"
    signature: str = Field("", max_length=2000)
    tracks: bool = False
