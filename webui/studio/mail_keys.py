"""What people do with the keys that a mailbox signs with. The page that is shown after is the channel's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from flask import flash, redirect, url_for

from appliance.core.errors import DomainError
from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Call
from appliance.domains.channels import actions
from webui.studio.pages import pages

if TYPE_CHECKING:
    from werkzeug import Response

    from appliance.core.box import Box
    from appliance.core.uow import Actor

WRITE = "channels:write"


@pages.post("/channels/<uuid:channel_id>/mail-keys", permission=WRITE, unit=False, limit="20/hour")
def make_mail_key(call: Call, channel_id: UUID) -> Response:
    said = gettext("The key is made. Put its record into your DNS.")
    return _then(channel_id, said, lambda: actions.make_mail_key(*_who(call), channel_id))


@pages.post("/channels/<uuid:channel_id>/mail-keys/<uuid:mail_key_id>/check", permission=WRITE, unit=False, limit="60/hour")
def check_mail_key(call: Call, channel_id: UUID, mail_key_id: UUID) -> Response:
    said = gettext("The record is there and is the right one.")
    return _then(channel_id, said, lambda: actions.look_up_mail_key(*_who(call), channel_id, mail_key_id))


@pages.post("/channels/<uuid:channel_id>/mail-keys/<uuid:mail_key_id>/sign", permission=WRITE)
def sign_with(uow: UnitOfWork, channel_id: UUID, mail_key_id: UUID) -> Response:
    said = gettext("Mails are signed with this key from now on.")
    return _then(channel_id, said, lambda: actions.sign_with(uow, channel_id, mail_key_id))


@pages.post("/channels/<uuid:channel_id>/mail-keys/<uuid:mail_key_id>/stop", permission=WRITE)
def stop_signing(uow: UnitOfWork, channel_id: UUID, mail_key_id: UUID) -> Response:
    return _then(channel_id, gettext("Mails leave unsigned from now on."), lambda: actions.stop_signing(uow, channel_id, mail_key_id))


@pages.post("/channels/<uuid:channel_id>/mail-keys/<uuid:mail_key_id>/drop", permission=WRITE)
def drop_mail_key(uow: UnitOfWork, channel_id: UUID, mail_key_id: UUID) -> Response:
    return _then(channel_id, gettext("The key was destroyed."), lambda: actions.drop_mail_key(uow, channel_id, mail_key_id))


def _who(call: Call) -> tuple[Box, UUID, Actor]:
    return call.box, call.who.tenant_id, call.who.actor


def _then(channel_id: UUID, said: str, act: Callable[[], object]) -> Response:
    try:
        act()
    except DomainError as err:
        flash(str(err), "bad")
    else:
        flash(said)
    return redirect(url_for("studio.channel", channel_id=channel_id, _anchor="h-keys"))
