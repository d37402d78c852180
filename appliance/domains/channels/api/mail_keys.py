"""Keys that mails are signed with (DKIM)."""

from collections.abc import Sequence
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api, Call
from appliance.domains.channels import actions, queries
from appliance.domains.channels.api.channels import MANAGE, READ
from appliance.domains.channels.schemas import MailKeyOut, MailKeysOut
from appliance.domains.channels.tables import MailKey

mail_keys = Api("mail_keys")
ALL = "/channels/<uuid:channel_id>/mail-keys"
ONE = f"{ALL}/<uuid:mail_key_id>"


@mail_keys.get(ALL, permission=READ, returns=MailKeysOut, summary="What mails are signed with")
def list_mail_keys(uow: UnitOfWork, channel_id: UUID) -> dict[str, Sequence[MailKey]]:
    return {"items": queries.list_mail_keys(uow, channel_id)}


@mail_keys.post(ALL, permission=MANAGE, returns=MailKeyOut, status=201, unit=False, limit="20/hour", summary="Make a key")
def make_mail_key(call: Call, channel_id: UUID) -> MailKeyOut:
    return actions.make_mail_key(call.box, call.who.tenant_id, call.who.actor, channel_id)


@mail_keys.post(f"{ONE}/sign", permission=MANAGE, returns=MailKeyOut, summary="Sign with it")
def sign_with(uow: UnitOfWork, channel_id: UUID, mail_key_id: UUID) -> MailKey:
    return actions.sign_with(uow, channel_id, mail_key_id)


@mail_keys.post(f"{ONE}/stop", permission=MANAGE, returns=MailKeyOut, summary="Sign no more")
def stop_signing(uow: UnitOfWork, channel_id: UUID, mail_key_id: UUID) -> MailKey:
    return actions.stop_signing(uow, channel_id, mail_key_id)


@mail_keys.post(f"{ONE}/check", permission=MANAGE, returns=MailKeyOut, unit=False, limit="60/hour", summary="Look for its DNS record")
def check_mail_key(call: Call, channel_id: UUID, mail_key_id: UUID) -> MailKeyOut:
    return actions.look_up_mail_key(call.box, call.who.tenant_id, call.who.actor, channel_id, mail_key_id)


@mail_keys.delete(ONE, permission=MANAGE)
def drop_mail_key(uow: UnitOfWork, channel_id: UUID, mail_key_id: UUID) -> None:
    actions.drop_mail_key(uow, channel_id, mail_key_id)
