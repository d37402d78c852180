"""In whose name something is written."""

import pytest

from appliance.core.errors import Forbidden
from appliance.core.ids import new_id
from appliance.core.uow import SYSTEM, Actor
from appliance.domains.channels.api.links import send_message
from appliance.domains.channels.api.mails import begin_mail
from appliance.domains.channels.api.templates import send_template
from appliance.domains.channels.schemas import FillIn, MailIn, SendMessageIn
from appliance.domains.conversations.api.conversations import add_note, me
from appliance.domains.conversations.schemas import NoteIn

NOBODY = [SYSTEM, Actor("contact", new_id()), Actor("user")]


@pytest.mark.parametrize("kind", ["user", "api_key"])
def test_a_person_and_a_key_write_in_their_own_name(kind):
    someone = Actor(kind, new_id())
    assert someone.writer_id == someone.id


@pytest.mark.parametrize("actor", NOBODY, ids=["system", "contact", "unnamed"])
def test_whoever_is_no_writer_is_told_so_in_a_sentence(actor):
    with pytest.raises(Forbidden, match=r"\w+ \w+"):
        _ = actor.writer_id


@pytest.mark.only_database("sqlite")
def test_nothing_is_written_by_a_sender_who_is_nobody(box, tenant_id):
    somewhere = new_id()
    with box.unit(tenant_id) as uow:
        for write in (
            lambda: me(uow),
            lambda: add_note(uow, somewhere, NoteIn(text="Oi")),
            lambda: begin_mail(uow, MailIn.model_construct(to="ana@x.example")),
            lambda: send_template(uow, somewhere, somewhere, FillIn()),
            lambda: send_message(uow, somewhere, SendMessageIn.model_construct()),
        ):
            with pytest.raises(Forbidden):
                write()
