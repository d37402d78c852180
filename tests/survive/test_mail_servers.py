"""Mail servers on a bad day: nobody else waits for them, and people read why."""

import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest

from appliance.core.errors import Unavailable
from appliance.domains.channels import actions
from appliance.domains.channels import queries as channel_queries
from appliance.domains.channels.gateways.email import imap, reading
from appliance.domains.channels.gateways.email.mail import Kept, Spot
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import ChannelStatus
from appliance.domains.conversations import queries as threads
from appliance.domains.conversations.types import MessageStatus
from tests.domains.channels.email.conftest import OURS, mail
from tests.peers import smtp
from tests.peers.line import Line

pytestmark = pytest.mark.only_database("sqlite")
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def post_office():
    peer = smtp.SmtpPeer()
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture(autouse=True)
def _empty(post_office):
    post_office.mails.taken.clear()
    post_office.mails.answers.clear()
    post_office.mails.refused.clear()


@pytest.fixture
def make_mailbox(box, tenant_id):
    """A mailbox that sends by this port."""

    def make(port, address=OURS, imap_port=1):
        config = {
            "address": address, "imap_host": "127.0.0.1", "imap_port": imap_port, "imap_security": "none", "smtp_host": "127.0.0.1",
            "smtp_port": port, "smtp_security": "none",
        }  # fmt: skip
        secrets = {"user": smtp.USER, "password": smtp.PASSWORD}
        with box.unit(tenant_id) as uow:
            found = actions.create_channel(uow, ChannelIn(kind="email", name=address, config=config, secrets=secrets)).id
            actions.open_mailbox(uow, found, source="x", validity=1, last_uid=0)
        return found

    return make


@pytest.fixture
def arrive(box, tenant_id):
    """A mail by this person; the conversation."""
    uids = iter(range(1, 100))

    def take(channel_id, sender):
        read = reading.read(mail(sender=sender, message_id=f"<{sender}>").as_bytes())
        with box.unit(tenant_id) as uow:
            actions.take_in_mail(uow, channel_id, read, Kept(read.message_id, uow.now), Spot(next(uids), 1))
            return threads.get_thread(uow, channel_id, sender)

    return take


def words(post_office):
    return [taken.content.decode().split("\r\n\r\n", 2)[2].split("\r\n")[0] for taken in post_office.taken]


def test_e_mail_without_a_network_for_an_hour(make_mailbox, arrive, say, message, hours, post_office, channel):
    line = Line(post_office.port)
    ours = make_mailbox(line.port)
    talk = arrive(ours, "bia@cliente.example")
    line.cut("refused")
    ids = [say(talk, text) for text in ("um", "dois", "três")]
    hours.pass_(HOUR)
    assert {message(one).status for one in ids} == {MessageStatus.QUEUED}
    assert channel(ours).status is ChannelStatus.FAILING
    line.mend()
    hours.pass_(HOUR)
    line.close()
    assert [taken.recipients for taken in post_office.taken] == [["bia@cliente.example"]] * 3
    assert [message(one).status for one in ids] == [MessageStatus.SENT] * 3
    sent = [message(one).sent_at for one in ids]
    assert sent == sorted(sent)


def test_who_is_busy_at_the_server_holds_up_nobody_else(make_mailbox, arrive, say, message, hours, post_office, channel):
    ours = make_mailbox(post_office.port)
    post_office.mails.refused["bia@cliente.example"] = "450 4.2.2 caixa cheia"
    busy = say(arrive(ours, "bia@cliente.example"), "um")
    hours.pass_(HOUR)
    other = say(arrive(ours, "caio@cliente.example"), "dois")
    hours.pass_(timedelta(seconds=5))
    assert (message(busy).status, message(other).status) == (MessageStatus.QUEUED, MessageStatus.SENT)
    assert "caixa cheia" in message(busy).error
    assert channel(ours).status is ChannelStatus.CONNECTED
    post_office.mails.refused.clear()
    hours.pass_(HOUR)
    assert message(busy).status is MessageStatus.SENT


def test_who_is_refused_for_good_holds_up_nobody_else(make_mailbox, arrive, say, message, hours, post_office, channel):
    ours = make_mailbox(post_office.port)
    post_office.mails.refused["bia@cliente.example"] = "550 5.1.1 nao existe"
    gone, other = say(arrive(ours, "bia@cliente.example"), "um"), say(arrive(ours, "caio@cliente.example"), "dois")
    hours.pass_(timedelta(seconds=5))
    assert (message(gone).status, message(other).status) == (MessageStatus.FAILED, MessageStatus.SENT)
    assert "nao existe" in message(gone).error


class Tarpit:
    """Answers a letter at a time, each in time for who waits for the next."""

    def __init__(self, greeting=b"220-"):
        self._greeting = greeting
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._server.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                threading.Thread(target=self._drip, args=(self._server.accept()[0],), daemon=True).start()

    def _drip(self, connection):
        with suppress(OSError):
            connection.sendall(self._greeting)
            while True:
                connection.sendall(b"x")
                time.sleep(0.05)


def test_a_server_that_answers_a_letter_at_a_time_keeps_nobody(make_mailbox, arrive, say, message, hours, post_office, impatient):
    tarpit = Tarpit()
    stuck = say(arrive(make_mailbox(tarpit.port, "tarpit@solara.example"), "bia@cliente.example"), "um")
    with impatient():  # it would drip for ever
        hours.pass_(timedelta(seconds=1))
    tarpit.close()
    assert (message(stuck).status, "took too long" in message(stuck).error) == (MessageStatus.QUEUED, True)
    other = say(arrive(make_mailbox(post_office.port), "caio@cliente.example"), "dois")
    hours.pass_(timedelta(seconds=1))
    assert message(other).status is MessageStatus.SENT


def test_a_mailbox_that_answers_a_letter_at_a_time_is_left_and_said_so(make_mailbox, box, tenant_id, impatient):
    tarpit = Tarpit(b"* OK ")
    ours = make_mailbox(1, imap_port=tarpit.port)
    with box.unit(tenant_id, read_only=True) as uow:
        account = channel_queries.get_account(uow, ours)
    with impatient(), pytest.raises(Unavailable, match="took too long"), imap.opened(box, account):
        pass
    tarpit.close()
