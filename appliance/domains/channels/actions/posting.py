"""Mails that another program hands over: kept at the door, read by a worker. And the secret that they are signed with."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from appliance.core import crypto, files
from appliance.core.box import Box
from appliance.core.errors import NotFound, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.rows import insert_new, locked
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries
from appliance.domains.channels.actions.arriving import store_mail
from appliance.domains.channels.actions.rejected import keep_rejected
from appliance.domains.channels.actions.send import note_success
from appliance.domains.channels.errors import ChannelNotFound
from appliance.domains.channels.events import ChannelChanged, MailPosted
from appliance.domains.channels.gateways.email import admission
from appliance.domains.channels.gateways.email.admission import Letter, Letterbox, Receipt
from appliance.domains.channels.gateways.email.mail import Kept, Mail
from appliance.domains.channels.gateways.email.settings import POSTING
from appliance.domains.channels.tables import Channel, PostedMail
from appliance.domains.channels.types import EMAIL, ChannelStatus
from appliance.domains.contacts.types import Identity, IdentityKind

AT_ONCE = 500


def open_letterbox(uow: UnitOfWork, channel_id: UUID) -> str:
    """The secret; what was signed with an earlier one is refused from now on. Raises ChannelNotFound, Refused."""
    channel = _mailbox(uow, channel_id)
    secret = f"mail_{secrets.token_urlsafe(32)}"
    channel.secrets = {**channel.secrets, POSTING: secret}
    uow.emit(ChannelChanged(channel_id))
    return secret


def close_letterbox(uow: UnitOfWork, channel_id: UUID) -> None:
    """What was taken is still read. Raises ChannelNotFound, Refused."""
    channel = _mailbox(uow, channel_id)
    channel.secrets = {name: value for name, value in channel.secrets.items() if name != POSTING}
    if queries.is_deaf(channel):
        channel.verified_at = None
        channel.status = ChannelStatus.NEW if channel.status is ChannelStatus.CONNECTED else channel.status
    uow.emit(ChannelChanged(channel_id))


def keep_letters(uow: UnitOfWork, letterbox: Letterbox, letters: Sequence[Letter]) -> Sequence[Receipt]:
    """Once this is committed they are ours. Raises ChannelNotFound where nothing signed with this secret is taken any more."""
    if queries.get_letterbox(uow, letterbox.channel_id) != letterbox:
        raise ChannelNotFound
    named = {new_id(): letter for letter in letters}
    made = insert_new(uow, PostedMail, [_row(uow, letterbox, *one) for one in named.items()])
    for mail_id in (mail_id for mail_id in named if mail_id in made):
        files.use(uow, mail_id, [named[mail_id].file_id])
        uow.emit(MailPosted(letterbox.channel_id, mail_id, named[mail_id].lane))
    known = queries.find_post_receipts(uow, letterbox.channel_id, [letter.digest for letter in letters])
    return [replace(known[letter.digest], is_new=mail_id in made) for mail_id, letter in named.items()]


def take_in_posted(uow: UnitOfWork, mail_id: UUID, mail: Mail, kept: Kept) -> None:
    """What it says is stored, and it is read. Raises ChannelNotFound."""
    posted = _lock(uow, mail_id)
    if posted is None:
        return
    channel = queries.get_channel(uow, posted.channel_id)
    store_mail(uow, channel, mail, kept)
    if POSTING in channel.secrets:
        channel.verified_at = channel.verified_at or uow.now
        if channel.status is ChannelStatus.NEW:
            note_success(uow, channel.id)
    _let_go(uow, posted)


def put_aside_posted(uow: UnitOfWork, mail_id: UUID, reason: str, raw: bytes) -> None:
    """It cannot be used; a person may look at it."""
    posted = _lock(uow, mail_id)
    if posted is not None:
        keep_rejected(uow, posted.channel_id, [(reason, raw.decode("utf-8", "replace").replace("\x00", ""))])
        _let_go(uow, posted)


def drop_letters(uow: UnitOfWork, channel_id: UUID) -> None:
    """The channel goes, and what was posted to it."""
    own = PostedMail.channel_id == channel_id
    files.let_go(uow, select(PostedMail.id).where(own))
    uow.session.execute(delete(PostedMail).where(own))


def drop_letters_of(uow: UnitOfWork, identities: Sequence[Identity]) -> int:
    """What waits to be read and is from this person. Returns how many are gone."""
    addresses = {one.value for one in identities if one.kind is IdentityKind.EMAIL}
    theirs = [posted.id for posted in queries.list_waiting_posted(uow) if _sender(uow, posted) in addresses] if addresses else []
    files.let_go(uow, theirs)
    uow.session.execute(delete(PostedMail).where(PostedMail.id.in_(theirs)))
    return len(theirs)


def fill_senders(box: Box) -> None:
    """Of mails that waited already when this column came. Whoever erases a person then reads no file, which may lie far away."""
    with box.whole_box("senders of mails that wait", read_only=True) as uow:
        unknown = PostedMail.read_at.is_(None), PostedMail.sender.is_(None)
        waiting = uow.session.execute(select(PostedMail.tenant_id, PostedMail.id, PostedMail.file_id).where(*unknown).limit(AT_ONCE)).all()
    for tenant_id, mail_id, file_id in waiting:
        try:
            sender = admission.sender_of(next(box.blobs.read(tenant_id, file_id)))
        except (NotFound, crypto.KeyUnreadable):  # read meanwhile, or never to be read
            continue
        with box.unit(tenant_id) as uow:
            posted = _lock(uow, mail_id)
            if posted is not None:
                posted.sender = sender


def prune_letters(uow: UnitOfWork, *, kept_for: timedelta) -> None:
    """Of the whole box: a repeat is known by its message from then on."""
    uow.session.execute(delete(PostedMail).where(PostedMail.read_at < uow.now - kept_for))


def _mailbox(uow: UnitOfWork, channel_id: UUID) -> Channel:
    channel = queries.lock_channel(uow, channel_id)
    if channel.kind != EMAIL:
        raise Refused(_("Mails are posted to channels of e-mail only."))
    return channel


def _sender(uow: UnitOfWork, posted: PostedMail) -> str:
    if posted.sender is not None:
        return posted.sender
    return admission.sender_of(next(uow.box.blobs.read(uow.tenant_id, posted.file_id)))


def _row(uow: UnitOfWork, letterbox: Letterbox, mail_id: UUID, letter: Letter) -> dict[str, object]:
    return {
        "id": mail_id, "tenant_id": uow.tenant_id, "channel_id": letterbox.channel_id, "file_id": letter.file_id,
        "digest": letter.digest, "sender": letter.sender, "received_at": uow.now,
    }  # fmt: skip


def _lock(uow: UnitOfWork, mail_id: UUID) -> PostedMail | None:
    """None once it is read, or gone with its channel or with whom it was from."""
    waiting = PostedMail.id == mail_id, PostedMail.read_at.is_(None)
    return uow.session.scalar(locked(select(PostedMail).where(*waiting)))


def _let_go(uow: UnitOfWork, posted: PostedMail) -> None:
    posted.read_at, posted.sender = uow.now, None
    files.let_go(uow, [posted.id])
