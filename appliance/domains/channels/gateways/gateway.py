from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, ValidationError

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Schema
from appliance.core.web.problems import refusal_of
from appliance.domains.channels.types import Account, Change, Checkup, Kind, ProviderTemplate, TemplateStatus, Transport

if TYPE_CHECKING:
    from appliance.core.box import Box


class Courteous(Schema):
    """Of a kind whose contacts can be told what happens here beside messages."""

    shows_typing: bool = Field(True, description="Contacts see who is writing; by QR the team does too, and the number is online meanwhile")
    marks_read: bool = Field(True, description="What a person has opened in the inbox is marked as read for the contact")


class Gateway(ABC):
    """The way to the outside for one kind of channel. Only `open` is needed; the rest is for kinds that have it."""

    kind: ClassVar[Kind]
    settings: ClassVar[type[Schema]] = Schema  # what its `config` holds; without fields: nothing

    @abstractmethod
    def open(self, box: Box, account: Account) -> Transport: ...

    def read(self, _body: str) -> Iterable[Change]:
        """What an envelope's body says. Whatever it raises puts the body aside."""
        raise Refused(_("Nothing is delivered to channels of this kind."))

    def fetch(self, _box: Box, _account: Account, _provider_id: str) -> dict[str, object]:
        """A file that a contact sent. Raises Refused when it will never come, Unavailable when it may come later."""
        raise Refused(_("Channels of this kind bring no files."))

    def check(self, _box: Box, _account: Account) -> Checkup:
        """Asks the provider and changes nothing. Raises Refused with what has to be mended, Unavailable when nobody answers."""
        raise Refused(_("A channel of this kind is always connected: there is nothing to test."))

    def list_templates(self, _box: Box, _account: Account) -> list[ProviderTemplate]:
        """Raises Refused with what has to be mended, Unavailable when nobody answers."""
        raise Refused(_("The provider of a channel of this kind keeps no templates."))

    def submit_template(self, _box: Box, _account: Account, _wanted: ProviderTemplate) -> tuple[str, TemplateStatus]:
        """Asks for its approval: the provider's id and what became of it. The same name and language again is no second one."""
        raise Refused(_("The provider of a channel of this kind keeps no templates."))

    def check_config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The settings as they are kept, with what was left out. Raises Refused with a sentence a field."""
        try:
            return self.settings.model_validate(config).model_dump(mode="json")
        except ValidationError as err:
            refusal = refusal_of(err)
            raise Refused(refusal.message, fields={f"config.{name}": said for name, said in refusal.fields.items()}) from err

    def end_of(self, _config: Mapping[str, Any]) -> str:
        """The name of our end where the settings tell it (a mailbox's address); empty where they don't."""
        return ""

    def check_external_id(self, external_id: str) -> None:
        """Raises Refused unless this is how the provider of a channel of this kind calls our end."""
        if not re.fullmatch(self.kind.external_id, external_id):
            said = _("A channel of the kind %(kind)s cannot have this id.", kind=self.kind.title)
            raise Refused(said, fields={"external_id": said})

    def check_secrets(self, names: Collection[str]) -> None:
        """Raises Refused unless these are what a channel of this kind is connected with."""
        if set(names) != self.kind.needs:
            needs = ", ".join(sorted(self.kind.needs)) or "-"
            said = _("A channel of the kind %(kind)s needs these keys and no others: %(needs)s.", kind=self.kind.title, needs=needs)
            raise Refused(said, fields={"secrets": said})
