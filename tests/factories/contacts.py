"""Contacts as the box would hold them, made through the actions that make them."""

from datetime import date
from uuid import UUID

import factory

from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.errors import ConsentRefused
from appliance.domains.contacts.schemas import ConsentIn, ContactFields
from appliance.domains.contacts.tables import Consent, Contact
from appliance.domains.contacts.types import Channel, ConsentMode, Purpose


class FieldsFactory(factory.Factory):
    class Meta:
        model = ContactFields

    name = factory.Sequence(lambda n: f"Cliente {n}")
    email = factory.Sequence(lambda n: f"cliente{n}@loja.example")
    phone = factory.Sequence(lambda n: f"(11) 9{80000000 + n}")


def make_contact(uow: UnitOfWork, **fields: object) -> Contact:
    return actions.create_contact(uow, FieldsFactory(**fields))


def make_child(uow: UnitOfWork) -> Contact:
    return make_contact(uow, name="Duda", born_on=date(uow.now.year - 10, 1, 1))


def say_yes(uow: UnitOfWork, contact_id: UUID, purpose: Purpose = Purpose.MARKETING, channel: Channel = Channel.WHATSAPP) -> Consent:
    return actions.record_consent(uow, contact_id, ConsentIn(channel=channel, purpose=purpose, mode=ConsentMode.OPT_IN, source="form"))


def say_no(uow: UnitOfWork, contact_id: UUID, purpose: Purpose = Purpose.MARKETING, channel: Channel = Channel.WHATSAPP) -> Consent:
    return actions.record_consent(uow, contact_id, ConsentIn(channel=channel, purpose=purpose, mode=ConsentMode.OPT_OUT, source="form"))


def may_send(uow: UnitOfWork, contact_id: UUID, channel: Channel, purpose: Purpose) -> bool:
    try:
        queries.check_may_send(uow, contact_id, channel, purpose)
    except ConsentRefused:
        return False
    return True
