"""The mail by which the owner of a mailbox is asked whether a yes was theirs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from babel.dates import format_date

from appliance.core import i18n
from appliance.core.errors import Conflict, Refused
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.actions.receive import route_of
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts import queries as people
from appliance.domains.contacts.types import Identity, IdentityKind
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.types import STALE, Outgoing, Person

CONFIRMS = "confirms"  # in a message: what its link confirms
UNWILLING = _("This person asked not to be written to by e-mail any more, or was blocked. Ask again once they have written.")


class Awaited(Protocol):
    @property
    def expires_at(self) -> datetime: ...
    @property
    def words(self) -> str: ...
    @property
    def locale(self) -> str: ...


class Asking(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def content(self) -> Mapping[str, object]: ...


def ask_by_mail(uow: UnitOfWork, awaited_id: UUID) -> None:
    """Once. Raises ConfirmationNotFound, Refused for a mailbox that is switched off, or when it waited for more than a day."""
    awaited = people.lock_awaited(uow, awaited_id)
    if awaited.message_id is not None:
        return
    if awaited.asked_at <= uow.now - STALE:
        raise Refused(_("It waited for more than a day. Try again if it is still wanted."))
    try:
        channel = queries.get_mailbox(uow, awaited.sender_id)
    except ChannelNotFound:
        contacts.note_confirmation_unsent(uow, awaited_id, _("The mailbox that was to ask was removed."))
        return
    except Refused as err:
        raise Refused(_("The mailbox that is to ask is switched off. Switch it on and try again.")) from err
    content = {**_content(awaited), CONFIRMS: str(awaited_id)}
    person = Person((Identity(IdentityKind.EMAIL, awaited.address),))
    message = conversations.write_from_box(uow, route_of(channel, awaited.address), person, content)
    if message is None:
        contacts.note_confirmation_unsent(uow, awaited_id, UNWILLING)
    else:
        contacts.note_confirmation_sent(uow, awaited_id, message.id)


def ask_again(uow: UnitOfWork, awaited_id: UUID) -> None:
    """Somebody saw that the mail did not go. Raises ConfirmationNotFound, ConfirmationOver, Conflict, Refused."""
    people.lock_awaited(uow, awaited_id)  # of two who ask at once the second sees the mail of the first
    if not queries.get_awaited(uow, awaited_id).unsent:
        raise Conflict(_("This mail is on its way, or was sent."))
    if contacts.reopen_confirmation(uow, awaited_id):
        ask_by_mail(uow, awaited_id)


def withdraw_overtaken(uow: UnitOfWork, message: Asking) -> bool:
    """The mail without its link is of no use: another one asks by now, or there is nothing to confirm any more."""
    named = message.content.get(CONFIRMS)
    if not named or people.find_awaited_by(uow, UUID(str(named)), message.id) is not None:
        return False
    conversations.withdraw(uow, message.id, _("Another mail asks for this confirmation, or there is nothing to confirm any more."))
    return True


def put_link_in(uow: UnitOfWork, outgoing: Outgoing) -> Outgoing:
    """Colleagues read what is kept of the mail, and the link is good for whoever has it: it is put in on the way out."""
    awaited = people.find_awaited_by(uow, UUID(str(named)), outgoing.message_id) if (named := outgoing.content.get(CONFIRMS)) else None
    if awaited is None:
        return outgoing
    link = f"{uow.box.settings.public_url}/confirm/{awaited.id}/{people.confirmation_proof(uow, awaited.id)}"
    return replace(outgoing, content={**outgoing.content, **_content(awaited, link)})


def _content(awaited: Awaited, link: str = "") -> dict[str, object]:
    """Nothing in it was typed by whoever filled in the form: they may have named anybody."""
    with i18n.in_locale(awaited.locale):
        day = format_date(awaited.expires_at, "long", locale=i18n.current_locale())
        parts = [
            gettext("Somebody, we hope you, filled in a form of ours with this address and agreed to hear from us.")
            + (f"\n“{awaited.words}”" if awaited.words else ""),
            gettext("To confirm, open this address and press the button; it works until %(day)s:", day=day)
            + "\n"
            + (link or gettext("(The link stands only in the mail itself.)")),
            gettext("If that was not you, do nothing: without your confirmation you get no offers from us."),
        ]
        return {"text": "\n\n".join(parts), "mail": {"subject": gettext("Please confirm that we may write to you")}}
