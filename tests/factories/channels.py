"""Channels, and customers who write on them."""

from uuid import UUID

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import actions
from appliance.domains.channels.gateways.email.signing import Pair
from appliance.domains.channels.schemas import ChannelIn, TemplateIn


def make_simulator(uow: UnitOfWork) -> UUID:
    return actions.create_channel(uow, ChannelIn(kind="simulator", name="Simulator")).id


def make_chat(uow: UnitOfWork) -> str:
    """The public key of a chat for web pages."""
    return actions.create_channel(uow, ChannelIn(kind="webchat", name="Site", config={"title": "Solara"})).external_id


def say(uow: UnitOfWork, channel_id: UUID, text: str) -> UUID:
    """A new visitor writes; returns the conversation."""
    return actions.receive_simulated(uow, channel_id, visitor=new_id().hex, name="Davi", text=text)


def make_template(uow: UnitOfWork) -> UUID:
    given = {"kind": "chat", "name": f"Oi {new_id().hex}", "parts": {"body": "Oi {{contact.first_name|tudo bem}}!"}}
    return actions.create_template(uow, TemplateIn.model_validate(given)).id


def make_mailbox(uow: UnitOfWork) -> UUID:
    config = {"address": f"v{new_id().hex}@solara.example", "imap_host": "mail.solara.example", "smtp_host": "mail.solara.example"}
    given = ChannelIn(kind="email", name="Vendas", config=config, secrets={"user": "a", "password": "b"})
    return actions.create_channel(uow, given).id


def make_mail_key(uow: UnitOfWork) -> UUID:
    return actions.add_mail_key(uow, make_mailbox(uow), Pair("private", "public")).id


PATH_PARAMETERS = {"channel_id": make_simulator, "key": make_chat, "mail_key_id": make_mail_key, "template_id": make_template}
BODIES = {
    "POST /api/v1/mails": {"channel_id": str(new_id()), "to": "ana@example.com", "subject": "Oi", "text": "Oi"},
    "POST /api/v1/messages/<uuid:message_id>/reaction": {"emoji": "👍"},
    "POST /api/v1/messages/whatsapp": {"to": "5531999990001", "text": "Oi"},
    "POST /api/v1/templates": {"kind": "chat", "name": "Oi", "parts": {"body": "Oi!"}},
    "POST /api/v1/templates/prices/rate-card": {
        "csv": "Market,Currency,Marketing\nBrazil,BRL,0.30\n", "valid_from": "2026-10-01",
    },
    "PUT /api/v1/templates/prices": {"csv": "country,charge,valid_from,currency,amount,source\nBR,service,2026-10-01,BRL,0.03,contrato"},
    "POST /api/v1/whatsapp/<uuid:agent_id>/send-message": {"to": "5531999990001", "text": "Oi"},
    "POST /api/v1/whatsapp/<uuid:agent_id>/sessions/init": {"risk_version": 1},
}
