"""Between the 200 and the message: nothing kept is lost, read twice, out of order, or left behind by an erasure."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import event, select

from appliance.core import deliveries, jobs
from appliance.core.outbox import Delivery, DeliveryState
from appliance.domains.channels import actions
from appliance.domains.channels.actions.envelopes import READ_AT_ONCE, READ_TOGETHER
from appliance.domains.channels.gateways.cloud import inbound
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.tables import Envelope, RejectedEvent
from appliance.domains.contacts import actions as contacts
from appliance.domains.contacts.schemas import ContactFields
from tests.peers.graph import SECRET, TOKEN, VERIFY, text_webhook
from tests.turns import somebody_waits

ROOT = Path(__file__).parents[3]
THEIRS = "206540352242922"


def keep(box, tenant_id, channel_id, *bodies):
    """What the process that takes webhooks commits before it answers."""
    with box.unit(tenant_id) as uow:
        actions.keep_envelopes(uow, channel_id, [json.dumps(body) if isinstance(body, dict) else body for body in bodies])


def envelopes(box):
    with box.whole_box("test", read_only=True) as uow:
        return uow.session.scalars(select(Envelope)).all()


def reads():
    """What is owed to whom reads them."""
    return select(Delivery).where(Delivery.subscriber.endswith("store_webhooks"))


def texts(inbox):
    return [[message.content.get("text") for message in thread] for _, thread in inbox()]


def test_the_200_comes_after_the_webhook_is_kept_and_before_it_is_read(meta, read_in, inbox, box):
    assert meta(text_webhook("oi")).status_code == 200
    [envelope] = envelopes(box)
    assert (len(envelope.bodies), inbox()) == (1, [])
    read_in()
    assert (envelopes(box), texts(inbox)) == ([], [["oi"]])


def test_a_large_group_is_kept_in_envelopes_of_a_readable_size_in_order(box, tenant_id, cloud):
    keep(box, tenant_id, cloud, *map(str, range(70)))
    kept = sorted(envelopes(box), key=lambda one: (one.received_at, one.id))
    assert [len(one.bodies) for one in kept] == [32, 32, 6]
    assert [body for one in kept for body in one.bodies] == [str(number) for number in range(70)]


def test_what_is_kept_cannot_be_read_in_the_database(meta, box):
    meta(text_webhook("segredo"))
    with box.database.engine.connect() as connection:
        if box.database.is_postgresql:
            connection.exec_driver_sql("SELECT set_config('app.scope', 'box', true)")
        [(raw,)] = connection.exec_driver_sql("SELECT bodies FROM channel_envelopes").all()
    assert b"segredo" not in bytes(raw)


def test_a_body_that_cannot_be_stored_is_kept_aside_and_holds_nobody_up(box, tenant_id, cloud, read_in, inbox, monkeypatch):
    understand = inbound.changes_of

    def trip(payload):
        if "veneno" in json.dumps(payload):
            raise KeyError("what nobody thought of")
        return understand(payload)

    monkeypatch.setattr(inbound, "changes_of", trip)
    keep(box, tenant_id, cloud, *(text_webhook(text, first_id=f"w.{text}.") for text in ("um", "veneno", "dois")))
    keep(box, tenant_id, cloud, text_webhook("três", first_id="w4."))
    read_in()
    assert (texts(inbox), envelopes(box)) == ([["um", "dois", "três"]], [])
    with box.unit(tenant_id, read_only=True) as uow:
        [aside] = uow.session.scalars(select(RejectedEvent)).all()
    assert aside.reason == "unreadable_KeyError"
    assert json.loads(aside.body)["entry"]


def test_a_person_s_messages_keep_their_order_across_envelopes_whichever_is_woken_first(box, tenant_id, cloud, read_in, inbox):
    for number in range(40):
        keep(box, tenant_id, cloud, text_webhook(f"{number:02d}", first_id=f"w{number}."))
    with box.whole_box("test", read_only=True) as uow:
        newest = uow.session.scalars(reads().order_by(Delivery.event_seq.desc()).limit(1)).one()
    jobs.deliver(box, newest.tenant_id, newest.id)
    assert texts(inbox) == [[f"{number:02d}" for number in range(READ_TOGETHER)]]
    read_in()
    assert (texts(inbox), envelopes(box)) == ([[f"{number:02d}" for number in range(40)]], [])


@pytest.mark.only_database("sqlite")
def test_who_reads_writes_one_envelope_while_somebody_waits_who_accepts(box, tenant_id, cloud, read_in, inbox):
    for number in range(3):
        keep(box, tenant_id, cloud, text_webhook(str(number), first_id=f"w{number}."))
    with somebody_waits(box), box.unit(tenant_id) as uow:
        actions.read_envelopes(uow, cloud)
    assert texts(inbox) == [["0"]]
    read_in()
    assert (texts(inbox), envelopes(box)) == ([["0", "1", "2"]], [])


@pytest.mark.only_database("sqlite")
def test_of_a_large_envelope_a_part_is_read_while_somebody_waits_and_the_rest_is_announced_anew(box, tenant_id, cloud, read_in, inbox):
    many = [f"{number:02d}" for number in range(3 * READ_AT_ONCE + 1)]
    keep(box, tenant_id, cloud, *(text_webhook(text, first_id=f"w{text}.") for text in many))
    with box.whole_box("test", read_only=True) as uow:
        [only] = uow.session.scalars(reads()).all()
    with somebody_waits(box):
        jobs.deliver(box, tenant_id, only.id)
    assert texts(inbox) == [many[:READ_AT_ONCE]]
    assert [len(one.bodies) for one in envelopes(box)] == [len(many) - READ_AT_ONCE]
    read_in()
    assert (texts(inbox), envelopes(box)) == ([many], [])


def test_workers_that_read_one_channel_at_once_keep_the_order_and_leave_nothing(box, tenant_id, cloud, read_in, inbox):
    for number in range(48):
        keep(box, tenant_id, cloud, text_webhook(f"{number:02d}", first_id=f"w{number}."))
    workers = [threading.Thread(target=read_in) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (texts(inbox), envelopes(box)) == ([[f"{number:02d}" for number in range(48)]], [])


def test_one_lost_wake_up_holds_nobody_up(box, tenant_id, cloud, inbox):
    for number in range(3):
        keep(box, tenant_id, cloud, text_webhook(str(number), first_id=f"w{number}."))
    with box.unit(tenant_id) as uow:
        first, second, _third = uow.session.scalars(reads().order_by(Delivery.event_seq)).all()
        deliveries.fail(uow, first.id, error="given up", tries=1)
    jobs.deliver(box, tenant_id, second.id)
    assert texts(inbox) == [["0", "1", "2"]]


def test_the_same_webhook_in_two_envelopes_is_stored_once(box, tenant_id, cloud, read_in, inbox):
    for _ in range(2):
        keep(box, tenant_id, cloud, text_webhook("oi"), text_webhook("oi"))
    read_in()
    assert texts(inbox) == [["oi"]]


def test_a_worker_killed_while_it_reads_leaves_the_envelope_to_the_next(box, tenant_id, cloud, settings, read_in, inbox):
    keep(box, tenant_id, cloud, text_webhook("oi"))
    environ = {
        "SALESEDGE_HOME": settings.home, "SALESEDGE__REDIS__URL": settings.redis_server.url,
        "SALESEDGE__KEYS__MASTER_KEY_FILE": settings.keys.master_key_file, "SALESEDGE__DATABASE__URL": settings.database.url,
    }  # fmt: skip
    command, named = [sys.executable, "-m", "tests.domains.channels.dying"], {name: str(value) for name, value in environ.items()}
    died = subprocess.run(command, cwd=ROOT, env={**os.environ, **named}, timeout=240, check=False)
    assert died.returncode == -signal.SIGKILL
    assert (len(envelopes(box)), inbox()) == (1, [])
    read_in()
    assert (envelopes(box), texts(inbox)) == ([], [["oi"]])


@pytest.fixture
def their_number(box, other_tenant_id):
    """Another organisation's channel behind the same app of Meta, hence with the same secret."""
    secrets = {"access_token": TOKEN, "app_secret": SECRET, "verify_token": VERIFY}
    given = ChannelIn(kind="whatsapp_cloud", name="Carla", external_id=THEIRS, secrets=secrets)
    with box.unit(other_tenant_id) as uow:
        actions.create_channel(uow, given)
    return THEIRS


@pytest.mark.usefixtures("their_number")
def test_each_organisation_keeps_only_what_was_said_to_its_own_number(meta, box, tenant_id, other_tenant_id, read_in, inbox):
    ours, theirs = text_webhook("nosso"), text_webhook("deles", number=THEIRS, first_id="wamid.T")
    assert meta({"object": ours["object"], "entry": ours["entry"] + theirs["entry"]}).status_code == 200
    said = {envelope.tenant_id: envelope.bodies for envelope in envelopes(box)}
    assert ["nosso" in said[tenant_id][0], "deles" in said[tenant_id][0]] == [True, False]
    assert ["nosso" in said[other_tenant_id][0], "deles" in said[other_tenant_id][0]] == [False, True]
    read_in()
    assert texts(inbox) == [["nosso"]]


@pytest.mark.usefixtures("their_number")
@pytest.mark.parametrize(("strange", "reason"), [(1, "unknown_number"), (1001, "too_many_changes")])
def test_what_is_kept_aside_is_what_nobody_takes_in(meta, box, tenant_id, strange, reason):
    ours, theirs = text_webhook("nosso"), text_webhook("deles", number=THEIRS, first_id="wamid.T")
    entries = [*ours["entry"], *theirs["entry"], *text_webhook("alheio", number="999")["entry"] * strange]
    late = [*text_webhook("nosso tarde")["entry"], *text_webhook("deles tarde", number=THEIRS)["entry"]]
    assert meta({"object": ours["object"], "entry": entries + late}).status_code == 200
    with box.whole_box("test", read_only=True) as uow:
        aside = {one.reason: one for one in uow.session.scalars(select(RejectedEvent))}[reason]
    assert aside.tenant_id == tenant_id
    assert ["alheio" in aside.body, "deles" in aside.body, '"nosso"' in aside.body] == [True, False, False]


def test_what_waits_does_not_survive_the_erasure_of_who_wrote_it(post, meta, box, tenant_id, read_in, inbox):
    post(text_webhook("antes"))
    [(conversation, _)] = inbox()
    meta(text_webhook("ainda não lida", first_id="wamid.LATE"))
    meta(text_webhook("outra pessoa", wa_id="5531999990002", first_id="wamid.OTHER"))
    with box.unit(tenant_id) as uow:
        contacts.delete_contact(uow, conversation.contact_id)
    assert envelopes(box) == []
    read_in()
    assert texts(inbox) == [["outra pessoa"]]
    with box.whole_box("test", read_only=True) as uow:
        mine = Delivery.subscriber == "channels.store_webhooks"
        assert {row.state for row in uow.session.scalars(select(Delivery).where(mine))} == {DeliveryState.DONE}


def test_what_was_kept_aside_does_not_survive_the_erasure_of_who_it_names(box, tenant_id, cloud, read_in, inbox):
    keep(box, tenant_id, cloud, text_webhook("antes", wa_id="5531999990001"))
    read_in()
    [(conversation, _)] = inbox()
    theirs = (
        json.dumps({"from": "5531999990001", "text": "segredo"}),
        json.dumps({"from": "553199990001", "text": "sem o nono dígito"}),
        '{"text": "me liga: (31) 99999-0001"',
        '{"e-mail": "Ana.Lima\\u0040example.com", "text": "cortad',
    )
    others = (json.dumps({"from": "5531999990002"}), '{"e-mail": "mari.ana.lima@example.com"}', "indecifrável")
    with box.unit(tenant_id) as uow:
        contacts.change_contact(uow, conversation.contact_id, ContactFields(name="Ana", email="ana.lima@example.com"))
        actions.keep_rejected(uow, cloud, [("unreadable", body) for body in theirs + others])
    with box.unit(tenant_id) as uow:
        contacts.delete_contact(uow, conversation.contact_id)
    with box.unit(tenant_id, read_only=True) as uow:
        assert {aside.body for aside in uow.session.scalars(select(RejectedEvent))} == set(others)


def test_reading_loads_only_what_it_takes_in(box, tenant_id, cloud):
    keep(box, tenant_id, cloud, *(text_webhook(str(number), first_id=f"w{number}.") for number in range(READ_TOGETHER)))
    keep(box, tenant_id, cloud, text_webhook("depois", first_id="later."))
    loaded = []

    def note(envelope, _context):
        loaded.append(len(envelope.bodies))

    event.listen(Envelope, "load", note)
    try:
        with box.unit(tenant_id) as uow:
            actions.read_envelopes(uow, cloud)
    finally:
        event.remove(Envelope, "load", note)
    assert loaded == [READ_TOGETHER]
    assert len(envelopes(box)) == 1


def test_what_was_said_to_a_deleted_channel_goes_with_it(meta, box, tenant_id, cloud, read_in, inbox):
    meta(text_webhook("oi"))
    with box.unit(tenant_id) as uow:
        actions.delete_channel(uow, cloud)
    read_in()
    assert (envelopes(box), inbox()) == ([], [])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD"])
def test_other_methods_are_told_so(door, method):
    assert door.request(method, "/webhooks/whatsapp").status_code == 405
