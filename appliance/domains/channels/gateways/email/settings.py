"""What a mailbox is reached by. User and password are secrets; the rest is here."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from appliance.core.web import Schema

USER, PASSWORD = "user", "password"
Security = Literal["tls", "starttls", "none"]
Host = Annotated[str, Field(max_length=253, pattern=r"^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$"), AfterValidator(str.lower)]
Port = Annotated[int, Field(ge=1, le=65_535)]
OneLine = Annotated[str, Field(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]


class EmailSettings(Schema):
    """`none` sends the password in the clear: only to a host that the operator calls private."""

    address: Annotated[str, Field(max_length=254, pattern=r'^[^@\s<>",;]+@[^@\s<>",;]+\.[^@\s<>",;]+$'), AfterValidator(str.lower)]
    from_name: OneLine = ""
    imap_host: Host
    imap_port: Port = 993
    imap_security: Security = "tls"
    folder: OneLine = "INBOX"
    smtp_host: Host
    smtp_port: Port = 465
    smtp_security: Security = "tls"
    signature: str = Field("", max_length=2000)
