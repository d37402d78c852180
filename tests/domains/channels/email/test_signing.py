"""Mails carry the signature of their domain (DKIM) from the moment a person says so, and receivers find it valid."""

from functools import partial
from itertools import cycle
from uuid import UUID

import dns.resolver
import pytest

from appliance.core.config import NetworkMode
from appliance.domains.channels import actions, queries
from appliance.domains.channels.gateways.email import signing
from appliance.domains.channels.schemas import ChannelPatch
from appliance.domains.channels.tables import MailKey
from tests.domains.channels.email.conftest import mail
from tests.domains.channels.email.test_sending import answer, arrive  # noqa: F401 - fixtures
from tests.peers import dkim

pytestmark = pytest.mark.only_database("sqlite")
# made by another program from the example of RFC 6376, with a key made for it
FOREIGN_RECORD = {
    "test._domainkey.football.example.com": ("k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDIL+hdN/bpSDVK+rpWv4xy57FvXXxL7MrYJeFr1yy8b41E"
    "YAPujgYflI3okbeeq5eMalT27FKiAXnK96dqINZRjfpmcJb1IXk0yjIS/bSvxAnJ8aQ5538oxTu/8ndgNTCzt9afU9c/U38yyQtY1BtTjrxf6Zp1v4CYxtN2PC3DrQIDAQAB")
}
FOREIGN_MAIL = (
    b"From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\nSubject: Is dinner\r\n ready?\r\n\r\n"
    b"Hi. \r\n\r\nWe  lost\tthe game.\r\n\r\n\r\n"
)
FOREIGN_SIGNATURES = [
    (b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com; q=dns/txt; s=test;\r\n"
    b" t=1795287735; h=from : to : subject : from;\r\n bh=sTT02lKuPAH1nGYBiIjR27DGuCuXdYrdO56uQNzQX+8=;\r\n"
    b" b=jPMKFL2WjqET20/hn+qfWXFdcQ+2xvN6Ob+BF2Sfa8QIjeK/Vm1MOwV9UVmJo1d8t4q4Z\r\n"
    b" ZMo6nkO26ac+AEX5kAGmzIUKnFH+KdNydbopvgcQGRejWBLwNTBpLJ69f0ZoUc8sHJWrvGY\r\n 6eQUJ//P/u3XbHNNgf8wdq7ztkydcgk=\r\n"),
    (b"DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple;\r\n d=football.example.com; i=@football.example.com; q=dns/txt; s=test;\r\n"
    b" t=1795287735; h=from : to : subject : from;\r\n bh=CxEJ6p6CT/zX+UlZ0a4flcFSJmPDfrKC3TUNTcbLgHI=;\r\n"
    b" b=QKVb9R+Sfpib2s4gjokRYOybSnTG+E/wKBqtOEGxVVvjglIgqC0FEbwN30dYGM3wI3S6J\r\n"
    b" w12GQHrRLzsNRmi26lZ6trcp3ZbqTMeyN2t17wvQtykplPbs8U5Pq2T2b0S3yYieprdGLm9\r\n N7YPCICb7vRRPCMqo1R0dd3VCoinvTY=\r\n"),
]


@pytest.fixture(scope="module")
def pairs():
    return [signing.new_pair(), signing.new_pair()]


@pytest.fixture(autouse=True)
def _made_before(pairs, monkeypatch):
    """One key costs as much as a test."""
    monkeypatch.setattr(signing, "new_pair", partial(next, cycle(pairs)))


@pytest.fixture
def keys(client, channel_id):
    """`keys("post", "/<id>/sign")` at the keys of the channel."""

    def call(verb, rest=""):
        return getattr(client, verb)(f"/api/v1/channels/{channel_id}/mail-keys{rest}")

    return call


@pytest.fixture
def signed_with(keys):
    def make():
        made = keys("post").json
        assert keys("post", f"/{made['id']}/sign").json["state"] == "signing"
        return made

    return make


@pytest.fixture
def name_server(monkeypatch):
    server = dkim.NameServer()
    server.start()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], server.port
    monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
    yield server
    server.stop()


def records(*made):
    return {one["record_name"]: one["record"] for one in made}


@pytest.mark.parametrize("signature", FOREIGN_SIGNATURES)
def test_the_receiver_of_these_tests_knows_the_signatures_of_others(signature):
    assert dkim.is_valid(signature + FOREIGN_MAIL, FOREIGN_RECORD)
    assert not dkim.is_valid(signature + FOREIGN_MAIL.replace(b"lost", b"won"), FOREIGN_RECORD)


def test_without_a_key_in_use_mails_leave_unsigned(arrive, answer, keys, post_office):  # noqa: F811
    assert keys("post").json["state"] == "new"
    answer(arrive(mail()))
    assert b"DKIM-Signature" not in post_office.taken[0].content


def test_a_signed_mail_is_found_valid_and_a_changed_one_is_not(arrive, answer, signed_with, post_office):  # noqa: F811
    made = signed_with()
    answer(arrive(mail()), "Olá, Ana.\n\n.começa com ponto\nfim  com  espaços \n\n")
    [taken] = post_office.taken
    assert f"d=solara.example; s={made['selector']};".encode() in taken.content
    assert all(line.isascii() for line in taken.content.splitlines())
    assert dkim.is_valid(taken.content, records(made))
    for was, becomes in ((b"Ol=C3=A1", b"Al=C3=A1"), (b"To: bia", b"To: eva"), (b"Subject: Re", b"Subject: Rx"), (b"Date: ", b"Date: X")):
        assert was in taken.content
        assert not dkim.is_valid(taken.content.replace(was, becomes), records(made))
    assert not dkim.is_valid(taken.content.replace(b"\r\nTo:", b"\r\nSubject: x\r\nTo:"), records(made))


def test_the_next_key_takes_over_when_it_is_said_and_what_is_on_its_way_stays_valid(
    arrive, answer, signed_with, keys, post_office, box, tenant_id,  # noqa: F811
):  # fmt: skip
    first = signed_with()
    second = keys("post").json
    assert keys("post").status_code == 409  # one that waits is enough
    answer(arrive(mail()))
    keys("post", f"/{second['id']}/sign")
    answer(arrive(mail(message_id="<dois@cliente.example>")))
    assert keys("post").status_code == 201
    assert keys("post", f"/{second['id']}/stop").status_code == 409  # two that wait would be one too many
    assert all(dkim.is_valid(taken.content, records(one)) for taken, one in zip(post_office.taken, (first, second), strict=True))
    assert [one["state"] for one in keys("get").json["items"]] == ["new", "signing", "old"]
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.get(MailKey, UUID(first["id"])).private == ""
    assert keys("post", f"/{first['id']}/sign").status_code == 409
    assert keys("delete", f"/{first['id']}").status_code == 204


def test_signing_is_switched_off_and_on_again(arrive, answer, signed_with, keys, post_office):  # noqa: F811
    made = signed_with()
    assert keys("delete", f"/{made['id']}").status_code == 409
    assert keys("post", f"/{made['id']}/stop").json["state"] == "new"
    assert keys("post", f"/{made['id']}/stop").status_code == 409
    answer(arrive(mail()))
    keys("post", f"/{made['id']}/sign")
    answer(arrive(mail(message_id="<dois@cliente.example>")))
    assert [b"DKIM-Signature" in taken.content for taken in post_office.taken] == [False, True]


def test_a_key_of_another_domain_signs_nothing(arrive, answer, signed_with, post_office, box, tenant_id, channel_id):  # noqa: F811
    signed_with()
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, channel_id, ChannelPatch(config={"address": "vendas@outra.example"}))
    answer(arrive(mail()))
    assert b"DKIM-Signature" not in post_office.taken[0].content


def test_the_key_is_sealed_and_never_told(signed_with, keys, box, tenant_id, channel_id):
    signed_with()
    assert "PRIVATE" not in keys("get").text
    with box.unit(tenant_id, read_only=True) as uow:
        [key] = queries.list_mail_keys(uow, channel_id)
        assert key.private.startswith("-----BEGIN PRIVATE KEY")
        stored = uow.session.connection().exec_driver_sql("select private from channel_mail_keys").scalar()
        assert b"PRIVATE" not in bytes(stored)


def test_only_mailboxes_have_keys(box, tenant_id, client):
    chat = client.post("/api/v1/channels", json={"kind": "simulator", "name": "S"}).json["id"]
    assert client.post(f"/api/v1/channels/{chat}/mail-keys").status_code == 422


class TestTheLookUp:
    @pytest.fixture
    def settings(self, settings):
        network = settings.network.model_copy(update={"mode": NetworkMode.CONNECTED})
        return settings.model_copy(update={"network": network})

    def test_says_what_is_missing_until_the_record_is_there(self, keys, name_server):
        made = keys("post").json
        check = f"/{made['id']}/check"
        assert made["record_name"] in keys("post", check).json["detail"]
        for wrong in ("v=DKIM1; k=rsa; p=AAAA", "v=spf1 -all", made["record"].replace("k=rsa", "k=ed25519")):
            name_server.records = {made["record_name"]: wrong}
            assert keys("post", check).status_code == 422
        name_server.records = records(made)
        assert keys("post", check).json["seen_at"] is not None

    def test_tells_when_no_name_server_answers(self, keys, monkeypatch, impatient):
        nowhere = dns.resolver.Resolver(configure=False)
        nowhere.nameservers, nowhere.port = ["127.0.0.1"], 9
        monkeypatch.setattr(dns.resolver, "default_resolver", nowhere)
        with impatient():
            assert keys("post", f"/{keys('post').json['id']}/check").status_code == 503


def test_a_box_behind_a_wall_looks_nothing_up(keys, name_server, client):
    made = keys("post").json
    name_server.records = records(made)
    said = keys("post", f"/{made['id']}/check")
    assert said.status_code == 422
    assert "solara.example" in said.json["detail"]
