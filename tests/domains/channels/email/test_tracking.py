"""A notice tells when it is opened and what is followed in it: only where that was switched on, and of those who agreed to it."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from appliance.core import clock
from appliance.core.web import PageQuery
from appliance.domains.channels import actions
from appliance.domains.channels.rules import tracking as rules
from appliance.domains.channels.schemas import ChannelPatch
from appliance.domains.contacts import actions as people
from appliance.domains.contacts import queries as contacts
from appliance.domains.contacts.schemas import ConsentIn
from appliance.domains.contacts.types import Channel as Medium
from appliance.domains.contacts.types import ConsentMode, Identity, IdentityKind, Purpose
from appliance.domains.conversations import actions as talking
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.tables import Message, Sighting
from appliance.domains.conversations.types import MessageStatus
from tests.domains.channels.email.conftest import mail
from tests.domains.channels.email.test_sending import answer, arrive, parsed, written  # noqa: F401 - fixtures
from tests.statements import statements_of

HOME = "https://caixa.solara.example"
KIT = "https://solara.example/kit?a=1&b=2"
PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"}
TEXT = f"Veja {KIT} e {HOME}/rate/1/2"


@pytest.fixture
def settings(settings):
    return settings.model_copy(update={"server": settings.server.model_copy(update={"public_url": HOME})})


@pytest.fixture
def consent(box, tenant_id):
    def say(mode, purpose=Purpose.MARKETING, address="caio@cliente.example"):
        with box.unit(tenant_id) as uow:
            found = people.upsert_contact(uow, (Identity(IdentityKind.EMAIL, address),), one_person=True).id
            said = ConsentIn(channel=Medium.EMAIL, purpose=purpose, mode=mode, source="form", evidence={})
            people.record_consent(uow, found, said)
        return found

    return say


@pytest.fixture
def switch(box, tenant_id, channel_id):
    def turn(*, tracks):
        with box.unit(tenant_id) as uow:
            actions.change_channel(uow, channel_id, ChannelPatch(config={"tracks": tracks}))

    return turn


@pytest.fixture
def caio(consent, switch):
    """The contact: agreed, and asked."""
    switch(tracks=True)
    return consent(ConsentMode.DOUBLE_OPT_IN)


@pytest.fixture
def begin(client, channel_id, run_deliveries, post_office, box, tenant_id):
    """Begin a mail to Caio a minute ago; its HTML, and the message."""

    def write(**more):
        asked = {"channel_id": str(channel_id), "to": "caio@cliente.example", "subject": "Oferta", "text": TEXT, **more}
        said = client.post("/api/v1/mails", json=asked)
        assert said.status_code == 201, said.json
        run_deliveries()
        with box.unit(tenant_id) as uow:
            uow.session.execute(update(Message).where(Message.direction == "outbound").values(sent_at=uow.now - timedelta(minutes=1)))
        return written(parsed(post_office.taken[-1]), "html"), said.json["id"]

    return write


@pytest.fixture
def reader(client, somebody):
    """Somebody with a mail program and no session: `reader(address, headers=…)`."""

    def fetch(address, *, method="GET", headers=PERSON):
        known, somebody.principal = somebody.principal, None
        try:
            return client.open(address, method=method, headers=headers)
        finally:
            somebody.principal = known

    return fetch


def signs(html):
    """The addresses of the picture and of the first link, as the mail program asks for them."""
    [picture] = re.findall(r'<img src="([^"]+)" width="1" height="1" alt="">', html)
    link = re.search(r'<a href="([^"]+)"', html)[1]
    return unescape(picture).removeprefix(HOME), unescape(link).removeprefix(HOME)


@pytest.fixture
def told(client):
    def ask(message_id):
        found = client.get(f"/api/v1/messages/{message_id}/sighting").json
        return found["opens"], found["followed"], found["by_programs"]

    return ask


@pytest.mark.only_database("sqlite")
def test_nothing_tells_unless_it_is_switched_on_and_the_reader_agreed(consent, switch, begin, arrive, answer, post_office):  # noqa: F811
    consent(ConsentMode.OPT_IN, Purpose.SERVICE)
    plain = begin()[0]
    switch(tracks=True)
    assert begin()[0] == plain
    consent(ConsentMode.OPT_IN)
    marked = begin()[0]
    assert "/picture.gif" in marked
    assert f'href="{HOME}/rate/1/2"' in marked  # the box's own ways are never led around
    assert written(parsed(post_office.taken[-1]), "plain") == written(parsed(post_office.taken[0]), "plain")
    assert begin(cc=["chefe@cliente.example"])[0] == plain
    consent(ConsentMode.OPT_IN, address="bia@cliente.example")
    answer(arrive(mail()))
    assert "/m/" not in written(parsed(post_office.taken[-1]), "html")  # what somebody just asked is answered unwatched


@pytest.mark.only_database("sqlite")
def test_a_box_that_cannot_be_called_marks_nothing(consent, switch, begin, box):
    consent(ConsentMode.OPT_IN)
    switch(tracks=True)
    home = box.settings.server.public_url
    object.__setattr__(box.settings.server, "public_url", "http://10.0.0.1:8000")
    try:
        assert "/m/" not in begin()[0]
    finally:
        object.__setattr__(box.settings.server, "public_url", home)


def test_a_reader_is_told_of_once_and_counted_once_a_minute(caio, begin, reader, told, box, tenant_id):
    html, message_id = begin()
    picture, link = signs(html)
    shown = reader(picture)
    assert (shown.status_code, shown.mimetype, shown.headers["Cache-Control"]) == (200, "image/gif", "no-store, private")
    for minutes in (0, 2):
        with box.unit(tenant_id) as uow:
            uow.session.execute(update(Sighting).values(last_at=uow.now - timedelta(minutes=minutes)))
        led = [reader(link) for _again in range(3)][-1]
        assert (led.status_code, led.location, led.headers["Referrer-Policy"]) == (302, KIT, "no-referrer")
        assert "Set-Cookie" not in led.headers
    assert told(message_id) == (1, {KIT: 2}, 0)
    with box.unit(tenant_id, read_only=True) as uow:
        message = conversations.get_message(uow, UUID(message_id))
        assert (message.status, message.read_at is not None) == (MessageStatus.READ, True)
        story = [entry.kind for entry in contacts.list_timeline(uow, caio, PageQuery()).items]
        exported = conversations.export_contact(uow, caio)["sightings"]
    assert (story.count("mail.opened"), story.count("mail.followed")) == (1, 1)
    assert exported[0]["followed"] == {KIT: 2}


@pytest.mark.only_database("sqlite")
def test_programs_are_led_and_not_counted_as_readers(caio, begin, reader, told, client):
    html, message_id = begin()
    picture, link = signs(html)
    assert reader(link, method="HEAD").location == KIT
    assert client.get(picture, headers=PERSON).status_code == 200  # a colleague who is signed in
    assert told(message_id) == (0, {}, 0)
    for headers in ({"User-Agent": "Mozilla/5.0"}, {"User-Agent": "Barracuda Sentinel"}, {**PERSON, "Sec-Purpose": "prefetch"}):
        assert reader(link, headers=headers).location == KIT
    assert told(message_id) == (0, {}, 1), "one a minute"
    assert client.get(f"/api/v1/messages/{message_id}").json["status"] == "sent"


@pytest.mark.only_database("sqlite")
def test_whoever_follows_is_led_while_the_database_writes_nothing(caio, begin, reader, told, monkeypatch):
    html, message_id = begin()
    picture, link = signs(html)
    reader(picture)

    def locked(*_given):
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr("appliance.domains.conversations.actions.sightings.insert_if_absent", locked)
        assert (reader(link).location, reader(picture).status_code) == (KIT, 200)
        assert reader(link.replace("solara", "boese")).status_code == 404
    assert told(message_id) == (1, {}, 0)


@pytest.mark.only_database("sqlite")
def test_what_is_fetched_again_and_again_is_read_and_not_written(caio, begin, reader, box):
    picture, link = signs(begin()[0])
    reader(picture), reader(link)
    with statements_of(box) as statements:
        for _again in range(3):
            reader(picture), reader(link)
    assert {said.split()[0] for said, _values in statements} <= {"BEGIN", "SELECT"}


@pytest.mark.only_database("sqlite")
def test_who_takes_the_yes_back_is_led_and_no_longer_counted(caio, consent, switch, begin, reader, told):
    html, message_id = begin()
    picture, link = signs(html)
    reader(picture)
    consent(ConsentMode.OPT_OUT)
    assert reader(picture).status_code == 200
    assert reader(link).location == KIT
    assert told(message_id) == (1, {}, 0)
    consent(ConsentMode.OPT_IN)
    switch(tracks=False)
    assert reader(link).location == KIT
    assert told(message_id) == (1, {}, 0)


def test_what_is_known_goes_with_the_person_and_the_way_stays(caio, begin, reader, box, tenant_id, client):
    html, message_id = begin()
    picture, link = signs(html)
    reader(link)
    with box.unit(tenant_id) as uow:
        talking.erase_contact(uow, caio)
    with box.unit(tenant_id, read_only=True) as uow:
        assert conversations.find_sightings(uow, {UUID(message_id)}) == {}
    assert reader(link).location == KIT
    assert reader(picture).status_code == 200
    assert client.get(f"/api/v1/messages/{message_id}/sighting").status_code == 404


@pytest.mark.only_database("sqlite")
def test_the_box_leads_nowhere_but_where_the_mail_said(caio, begin, reader, told):
    html, message_id = begin()
    picture, link = signs(html)
    path = urlsplit(link).path
    pictures_own = picture.removesuffix("/picture.gif")
    for forged in (f"{path}?to=https://boese.example/", f"{path}?to={quote(KIT, safe='')}x", f"{pictures_own}?to=https://boese.example/",
                   f"{path}/picture.gif", f"{path[:-1]}{'0' if path[-1] != '0' else '1'}?to={quote(KIT, safe='')}"):
        assert reader(forged).status_code == 404, forged
    assert reader(path).status_code == 422
    assert told(message_id) == (0, {}, 0)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters='"'), max_size=60))
def test_every_address_is_found_again_in_what_is_marked(tail):
    address = f"https://solara.example/{tail}"
    page = f'<p><a href="{address.replace("&", "&amp;")}" rel="noopener">x</a></p>'
    got = []
    rules.marked(page, lambda to: got.append(to) or "https://c.example/m", "https://c.example/p", home="https://c.example")
    assert got == [unescape(address.replace("&", "&amp;"))]


def test_nobody_reads_a_mail_that_has_just_left():
    now = clock.now()
    assert rules.is_program(PERSON, sent_at=None, now=now)
    assert rules.is_program(PERSON, sent_at=now - timedelta(seconds=1), now=now)
    assert not rules.is_program(PERSON, sent_at=now - timedelta(seconds=9), now=now)
    assert rules.is_program({}, sent_at=now - timedelta(hours=1), now=now)
