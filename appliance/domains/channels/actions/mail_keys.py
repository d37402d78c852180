"""Keys that mails are signed with: made, published by a person in the DNS, used, and replaced by the next one."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from appliance.core.box import Box
from appliance.core.errors import Conflict, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.rows import required
from appliance.core.uow import Actor, UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.errors import MailKeyNotFound
from appliance.domains.channels.events import ChannelChanged
from appliance.domains.channels.gateways.email import signing
from appliance.domains.channels.rules import mail_keys as rules
from appliance.domains.channels.schemas import MailKeyOut
from appliance.domains.channels.tables import MailKey
from appliance.domains.channels.types import EMAIL, MailKeyState


def make_mail_key(box: Box, tenant_id: UUID, actor: Actor, channel_id: UUID) -> MailKeyOut:
    """Raises what `add_mail_key` raises."""
    pair = signing.new_pair()
    with box.unit(tenant_id, actor) as uow:
        return MailKeyOut.model_validate(add_mail_key(uow, channel_id, pair))


def add_mail_key(uow: UnitOfWork, channel_id: UUID, pair: signing.Pair) -> MailKey:
    """It signs nothing before `sign_with`. Raises ChannelNotFound, Refused, Conflict."""
    channel = queries.lock_channel(uow, channel_id)
    if channel.kind != EMAIL:
        raise Refused(_("Only the mails of a mailbox are signed."))
    if any(one.state is MailKeyState.NEW for one in queries.list_mail_keys(uow, channel_id)):
        raise Conflict(_("A key is ready already: use it or discard it first."))
    key = MailKey(
        tenant_id=uow.tenant_id, channel_id=channel_id, domain=channel.external_id.rpartition("@")[2], selector=rules.new_selector(uow.now),
        state=MailKeyState.NEW, private=pair.private, public=pair.public, made_at=uow.now, changed_at=uow.now,
    )  # fmt: skip
    uow.session.add(key)
    uow.session.flush()
    uow.emit(ChannelChanged(channel_id))
    return key


def sign_with(uow: UnitOfWork, channel_id: UUID, key_id: UUID) -> MailKey:
    """Every mail from now on. The one it replaces keeps its name, so that a person knows which record to leave and when it may go."""
    keys = _lock(uow, channel_id)
    key = _chosen(keys, key_id)
    if key.state is MailKeyState.OLD:
        raise Conflict(_("This key was replaced and is destroyed. Make a new one."))
    for other in keys:
        if other.state is MailKeyState.SIGNING and other is not key:
            other.state, other.private, other.changed_at = MailKeyState.OLD, "", uow.now
    key.state, key.changed_at = MailKeyState.SIGNING, uow.now
    uow.emit(ChannelChanged(channel_id))
    return key


def stop_signing(uow: UnitOfWork, channel_id: UUID, key_id: UUID) -> MailKey:
    """Mails leave as before there was a key; the key is kept."""
    key = _chosen(_lock(uow, channel_id), key_id)
    if key.state is not MailKeyState.SIGNING:
        raise Conflict(_("Nothing is signed with this key."))
    if any(one.state is MailKeyState.NEW for one in queries.list_mail_keys(uow, channel_id)):
        raise Conflict(_("Another key is ready: sign with that one, or discard it first."))
    key.state, key.changed_at = MailKeyState.NEW, uow.now
    uow.emit(ChannelChanged(channel_id))
    return key


def drop_mail_key(uow: UnitOfWork, channel_id: UUID, key_id: UUID) -> None:
    key = _chosen(_lock(uow, channel_id), key_id)
    if key.state is MailKeyState.SIGNING:
        raise Conflict(_("Mails are signed with this key: stop that first."))
    uow.session.delete(key)
    uow.emit(ChannelChanged(channel_id))


def look_up_mail_key(box: Box, tenant_id: UUID, actor: Actor, channel_id: UUID, key_id: UUID) -> MailKeyOut:
    """It is seen in the DNS from now on. Raises NotAllowed, Unavailable, and Refused with what stands there instead."""
    with box.unit(tenant_id, actor, read_only=True) as uow:
        key = _chosen(queries.list_mail_keys(uow, channel_id), key_id)
        name, domain, public = key.record_name, key.domain, key.public
    found = box.outbound.texts_of("email_dkim", name, domain)
    rules.check_record(found, name, public)
    with box.unit(tenant_id, actor) as uow:
        key = _chosen(_lock(uow, channel_id), key_id)
        key.seen_at = uow.now
        return MailKeyOut.model_validate(key)


def _lock(uow: UnitOfWork, channel_id: UUID) -> Sequence[MailKey]:
    queries.lock_channel(uow, channel_id)
    return uow.session.scalars(select(MailKey).where(MailKey.channel_id == channel_id)).all()


def _chosen(keys: Sequence[MailKey], key_id: UUID) -> MailKey:
    return required(next((one for one in keys if one.id == key_id), None), MailKeyNotFound)
