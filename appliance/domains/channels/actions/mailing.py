from typing import Any
from uuid import UUID

from appliance.core.errors import Refused, TooMany
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web.limits import RateLimits
from appliance.domains.channels import queries
from appliance.domains.channels.actions.receive import route_of
from appliance.domains.channels.schemas import MailIn
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import Identity, IdentityKind, Purpose
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations.schemas import MessageOut, media_kind
from appliance.domains.conversations.types import MessageKind, Person

MOST_STRANGERS = 3  # in copy of one mail: nobody asked them whether they may be written to
STRANGERS_A_DAY = "30/day"  # of one person


def begin_mail(uow: UnitOfWork, given: MailIn, *, user_id: UUID) -> MessageOut:
    """In the conversation with this address, or in a new one; through the gate. Raises ChannelNotFound, ConsentRefused, Refused."""
    channel = queries.get_mailbox(uow, given.channel_id)
    copies = [one for one in dict.fromkeys(given.cc) if one not in (given.to, channel.external_id)]
    strangers = _check_copies(uow, copies)
    content: dict[str, Any] = {"text": given.text, "mail": {"subject": given.subject, **({"cc": copies} if copies else {})}}
    kind = MessageKind.TEXT
    if given.media is not None:
        content["media"], kind = conversations.chosen_media(uow, given.media), media_kind(given.media.mime_type)
    person = Person((Identity(IdentityKind.EMAIL, given.to),))
    message = conversations.write_first(uow, route_of(channel, given.to), person, user_id=user_id, content=content, kind=kind)
    _count_strangers(uow, strangers, user_id)
    return MessageOut.model_validate(message)


def _check_copies(uow: UnitOfWork, copies: list[str]) -> int:
    """How many of them are no contacts. Who asked not to be written to gets no copy either. Raises ConsentRefused, Refused."""
    owners = contacts.find_owners(uow, [Identity(IdentityKind.EMAIL, one) for one in copies])
    for contact_id in owners.values():
        contacts.check_may_send(uow, contact_id, Medium.EMAIL, Purpose.SERVICE)
    strangers = len(copies) - len(owners)
    if strangers > MOST_STRANGERS:
        sentence = _("At most %(most)s copies of a mail may go to people who are not among your contacts.", most=MOST_STRANGERS)
        raise Refused(sentence, fields={"cc": sentence})
    return strangers


def _count_strangers(uow: UnitOfWork, strangers: int, user_id: UUID) -> None:
    limits = RateLimits(uow.box.redis)
    try:
        for _one in range(strangers):
            limits.check(STRANGERS_A_DAY, "mail_copies", user_id.hex)
    except TooMany as err:
        sentence = _("You have sent as many copies to people who are not among your contacts as a day allows. Leave them out for now.")
        raise Refused(sentence, fields={"cc": sentence}) from err
