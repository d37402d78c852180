"""What somebody has begun to write: theirs alone, wherever they go on with it, and gone with what was sent."""

import threading
import time

import pytest
from sqlalchemy import select

from appliance.core.errors import Conflict, NotFound
from appliance.core.ids import new_id
from appliance.core.uow import Actor
from appliance.domains.conversations import actions, queries
from appliance.domains.conversations.tables import KeptDraft
from appliance.domains.conversations.types import DraftKind
from tests.statements import statements_of

REPLY, NOTE = DraftKind


@pytest.fixture
def talk(says):
    return says("oi")


@pytest.fixture
def do(box, tenant_id, bruno, talk):
    """As Bruno, in this conversation."""

    def act(action, *given, **named):
        with box.unit(tenant_id, Actor("user", bruno, "Bruno")) as uow:
            return action(uow, talk, *given, **named)

    return act


@pytest.fixture
def kept(do, bruno):
    return lambda: do(queries.drafts_of, bruno)


def test_a_draft_of_each_kind_is_kept_and_replaced(do, kept):
    do(actions.keep_draft, REPLY, "Bom d")
    do(actions.keep_draft, REPLY, "Bom dia, ")
    do(actions.keep_draft, NOTE, "ligar amanhã")
    assert kept() == {REPLY: "Bom dia, ", NOTE: "ligar amanhã"}
    do(actions.keep_draft, REPLY, " ")
    assert kept() == {REPLY: "", NOTE: "ligar amanhã"}


def test_nobody_sees_the_draft_of_another(do):
    do(actions.keep_draft, REPLY, "só meu")
    assert do(queries.drafts_of, new_id()) == {REPLY: "", NOTE: ""}


def test_what_is_sent_takes_its_draft_along_and_not_the_words_after_it(do, kept, bruno):
    do(actions.keep_draft, REPLY, "Bom dia, já")
    do(actions.keep_draft, NOTE, "ligar")
    do(actions.reply, user_id=bruno, content={"text": "Bom dia, já respondo."})
    assert kept() == {REPLY: "", NOTE: "ligar"}
    do(actions.add_note, user_id=bruno, text="ligar amanhã")
    do(actions.keep_draft, REPLY, "E o prazo?")
    do(actions.reply, user_id=bruno, content={"text": "Segue o orçamento."})
    assert kept() == {REPLY: "E o prazo?", NOTE: ""}


def test_a_draft_is_erased_with_its_conversation(box, tenant_id, do, talk):
    do(actions.keep_draft, REPLY, "Olá, Ana")
    with box.unit(tenant_id) as uow:
        actions.erase_contact(uow, queries.get_conversation(uow, talk).contact_id)
    with box.unit(tenant_id, read_only=True) as uow:
        assert uow.session.scalars(select(KeptDraft)).all() == []


def test_a_conversation_that_is_not_there_takes_no_draft(box, tenant_id, bruno):
    with box.unit(tenant_id, Actor("user", bruno, "Bruno")) as uow, pytest.raises(NotFound):
        actions.keep_draft(uow, new_id(), REPLY, "oi")


def test_a_text_of_another_window_is_not_written_over(do, kept):
    do(actions.keep_draft, REPLY, "Bom dia", instead_of="")
    for text in ("Boa tarde", ""):
        with pytest.raises(Conflict):
            do(actions.keep_draft, REPLY, text, instead_of="Boa")
    do(actions.keep_draft, REPLY, "Bom dia, Ana", instead_of="Bom dia")
    assert kept()[REPLY] == "Bom dia, Ana"
    do(actions.keep_draft, REPLY, "", instead_of="Bom dia, Ana")
    do(actions.keep_draft, REPLY, "", instead_of="Bom dia, Ana")
    assert kept()[REPLY] == ""


@pytest.mark.only_database("postgresql")
def test_of_two_windows_that_begin_at_once_the_second_is_told(box, tenant_id, bruno, talk, do, kept):
    told = []

    def second():
        try:
            do(actions.keep_draft, REPLY, "Boa tarde", instead_of="")
        except Conflict as err:
            told.append(err)

    other = threading.Thread(target=second)
    with box.unit(tenant_id, Actor("user", bruno, "Bruno")) as uow:
        actions.keep_draft(uow, talk, REPLY, "Bom dia", instead_of="")
        with statements_of(box) as statements:
            other.start()
            deadline = time.monotonic() + 60
            while not any("INSERT INTO drafts" in said for said, _values in list(statements)):
                assert time.monotonic() < deadline
                time.sleep(0.01)
    other.join(60)
    assert (len(told), kept()[REPLY]) == (1, "Bom dia")
