"""A linked number, by the name that other gateways' programs call it."""

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import actions
from appliance.domains.channels.schemas import ChannelIn


def make_instance(uow: UnitOfWork) -> str:
    return str(actions.create_channel(uow, ChannelIn(kind="whatsapp_qr", name=f"Loja {new_id()}")).id)


PATH_PARAMETERS = {"instance": make_instance}
BODIES = {
    "POST /evolution/message/sendText/<instance>": {"number": "5531999990001", "text": "Oi"},
    "POST /evolution/message/sendMedia/<instance>": {"number": "5531999990001", "mediatype": "document", "media": "aGVsbG8="},
}
