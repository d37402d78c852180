"""Addresses that programs written for Evolution API v2 call; whoever calls shows a key of the box as `apikey`.

https://doc.evolution-api.com/v2/api-reference
"""

import time
from typing import Any
from uuid import UUID

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Api, Call
from appliance.domains.channels import queries as channels
from appliance.domains.feeds import actions, queries
from appliance.domains.feeds.api.feeds import LISTEN
from appliance.domains.feeds.rules import evolution as words
from appliance.domains.feeds.schemas import (
    ConnectQuery,
    FetchQuery,
    InstanceIn,
    Json,
    SendMediaIn,
    SendTextIn,
    WebhookSetIn,
)
from appliance.domains.feeds.tables import Feed

evolution = Api("evolution", prefix="/evolution")
CODE_WAIT_S, LOOK_S = 5.0, 0.25


@evolution.post("/instance/create", permission=LISTEN, body=InstanceIn, returns=Json, status=201, unit=False)
def create_instance(call: Call, body: InstanceIn) -> Json:
    with call.unit() as uow:
        made = actions.create_instance(uow, body)
        shown = {"instance": {**_instance(uow, made), "status": words.state_of(queries.connection_of(uow, UUID(made.id)).state)}}
    channels.nudge_sessions(call.box)
    code = _code(call, UUID(made.id)) if body.qrcode else {}
    return {**shown, "hash": None, "qrcode": code, "settings": {}}


@evolution.get("/instance/fetchInstances", permission=LISTEN, query=FetchQuery, returns=list[Json])
def fetch_instances(uow: UnitOfWork, query: FetchQuery) -> list[Json]:
    linked = [words.Instance(channel.name, str(channel.id)) for channel, _link in channels.list_links(uow) if channel.active]
    asked = [one for one in linked if query.instance_name in ("", one.name)]
    return [{**_instance(uow, one), "connectionStatus": _state(uow, one)} for one in asked]


@evolution.get("/instance/connect/<instance>", permission=LISTEN, query=ConnectQuery, returns=Json, unit=False)
def connect(call: Call, instance: str, query: ConnectQuery) -> Json:
    """It changes something although it is a GET, so a browser's session is not enough."""
    with call.unit(read_only=True) as uow:
        queries.get_instance(uow, instance)
    if call.who.via == "cookie":
        raise Refused(_("Show an API key of this box in the header apikey."))
    with call.unit() as uow:
        channel_id = actions.begin_link(uow, instance, number=query.number)
    channels.nudge_sessions(call.box)
    return _code(call, channel_id)


@evolution.get("/instance/connectionState/<instance>", permission=LISTEN, returns=Json)
def connection_state(uow: UnitOfWork, instance: str) -> Json:
    found = queries.get_instance(uow, instance)
    return {"instance": {"instanceName": found.name, "state": _state(uow, found)}}


@evolution.delete("/instance/logout/<instance>", permission=LISTEN, returns=Json)
def log_out(uow: UnitOfWork, instance: str) -> Json:
    actions.log_out(uow, instance)
    return _done("Instance logged out")


@evolution.delete("/instance/delete/<instance>", permission=LISTEN, returns=Json)
def delete_instance(uow: UnitOfWork, instance: str) -> Json:
    actions.delete_instance(uow, instance)
    return _done("Instance deleted")


@evolution.post("/message/sendText/<instance>", permission=LISTEN, body=SendTextIn, returns=Json, status=201)
def send_text(uow: UnitOfWork, instance: str, body: SendTextIn) -> Json:
    return actions.send_text(uow, instance, body)


@evolution.post("/message/sendMedia/<instance>", permission=LISTEN, body=SendMediaIn, returns=Json, status=201, unit=False)
def send_media(call: Call, instance: str, body: SendMediaIn) -> Json:
    return actions.send_media(call.box, call.who.tenant_id, call.unit, instance, body)


@evolution.post("/webhook/set/<instance>", permission=LISTEN, body=WebhookSetIn, returns=Json, status=201)
def set_webhook(uow: UnitOfWork, instance: str, body: WebhookSetIn) -> Json:
    return {"webhook": _webhook(actions.set_webhook(uow, instance, body.webhook))}


@evolution.get("/webhook/find/<instance>", permission=LISTEN, returns=Json)
def find_webhook(uow: UnitOfWork, instance: str) -> Json:
    found = queries.find_feed(uow, UUID(queries.get_instance(uow, instance).id))
    return _webhook(found) if found else {"enabled": False, "url": "", "events": []}


def _code(call: Call, channel_id: UUID) -> Json:
    """What is to be scanned or typed, once there is something; the supervisor needs a moment to fetch it."""
    until = time.monotonic() + CODE_WAIT_S
    while True:
        with call.unit(read_only=True) as uow:
            found = queries.connection_of(uow, channel_id)
        if found.qr or found.pairing_code or words.state_of(found.state) != "connecting" or time.monotonic() > until:
            state: Json = {} if words.state_of(found.state) == "connecting" else {"instance": {"state": words.state_of(found.state)}}
            return {**words.code_of(found), **state}
        time.sleep(LOOK_S)


def _instance(uow: UnitOfWork, found: words.Instance) -> dict[str, Any]:
    owner = queries.instance_of(uow, UUID(found.id)).sender or None
    return {"instanceName": found.name, "instanceId": found.id, "name": found.name, "id": found.id, "ownerJid": owner,
            "integration": words.INTEGRATION}


def _state(uow: UnitOfWork, found: words.Instance) -> str:
    return words.state_of(queries.connection_of(uow, UUID(found.id)).state)


def _webhook(feed: Feed) -> Json:
    return {
        "enabled": feed.active, "url": feed.url, "byEvents": feed.by_events, "base64": feed.with_files, "webhookByEvents": feed.by_events,
        "webhookBase64": feed.with_files, "events": words.shown_events(feed.events or words.EVENTS),
    }  # fmt: skip


def _done(said: str) -> Json:
    return {"status": "SUCCESS", "error": False, "response": {"message": said}}
