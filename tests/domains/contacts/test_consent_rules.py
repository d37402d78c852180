"""The gate before anything is sent."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.contacts.errors import ConsentRefused
from appliance.domains.contacts.rules import consents
from appliance.domains.contacts.types import ConsentMode, Objection, Purpose

TODAY = date(2026, 11, 21)
ADULT, CHILD = date(1990, 1, 1), date(2016, 1, 1)
YES, NO = (ConsentMode.OPT_IN, ConsentMode.DOUBLE_OPT_IN), ConsentMode.OPT_OUT


def objection(purpose, latest, born_on=None):
    return consents.objection(purpose, latest, born_on=born_on, today=TODAY)


@pytest.mark.parametrize("purpose", Purpose)
def test_an_opt_out_closes_any_purpose(purpose):
    assert objection(purpose, NO) is (Objection.SILENCED if purpose is Purpose.REPLY else Objection.OPTED_OUT)


@pytest.mark.parametrize("purpose", [Purpose.REPLY, Purpose.SERVICE])
@pytest.mark.parametrize("latest", [None, *YES])
def test_replies_and_notices_need_no_consent(purpose, latest):
    assert objection(purpose, latest, CHILD) is None


def test_marketing_needs_a_yes():
    assert objection(Purpose.MARKETING, None) is Objection.NEVER_OPTED_IN
    assert all(objection(Purpose.MARKETING, yes, ADULT) is None for yes in YES)


def test_a_minor_gets_no_marketing_whatever_the_ledger_says():
    assert objection(Purpose.MARKETING, ConsentMode.OPT_IN, CHILD) is Objection.MINOR


def test_the_gate_raises_what_it_objects_to():
    with pytest.raises(ConsentRefused) as refused:
        consents.check_may_send(Purpose.MARKETING, None, born_on=None, today=TODAY)
    assert refused.value.objection is Objection.NEVER_OPTED_IN
    consents.check_may_send(Purpose.REPLY, None, born_on=None, today=TODAY)


def test_minor_cannot_consent_to_marketing():
    with pytest.raises(ConsentRefused):
        consents.check_may_consent(Purpose.MARKETING, CHILD, TODAY)
    consents.check_may_consent(Purpose.SERVICE, CHILD, TODAY)
    consents.check_may_consent(Purpose.MARKETING, ADULT, TODAY)
    consents.check_may_consent(Purpose.MARKETING, None, TODAY)


def test_a_person_is_of_age_on_the_eighteenth_birthday():
    assert consents.is_minor(date(2008, 11, 22), TODAY)
    assert not consents.is_minor(date(2008, 11, 21), TODAY)


@given(st.dates(date(1900, 1, 1), TODAY), st.dates(date(1900, 1, 1), TODAY))
def test_nobody_becomes_a_minor_again(born_on, day):
    assert not (consents.is_minor(born_on, TODAY) and not consents.is_minor(born_on, min(day, TODAY)))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("SAIR", "pt"), ("sair!!", "pt-BR"), ("Parar, por favor", "pt"), ("Quero cancelar", "pt"), ("Não quero mais receber", "pt"),
        ("me tira da lista pfv", "pt"), ("STOP", "en"), ("Please unsubscribe me.", "en"), ("stop", "pt"), ("Sair", "en"),
        ("descadastrar", "pt"), ("opt-out", "en"),
    ],
)  # fmt: skip
def test_a_message_that_only_asks_to_stop_is_an_opt_out(text, language):
    assert consents.is_opt_out(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("quero cancelar meu pedido 4312", "pt"), ("posso sair mais cedo?", "pt"), ("can you stop by tomorrow", "en"), ("", "pt"),
        ("por favor", "pt"), ("???", "en"), ("quit", "pt"), ("descadastrar", "en"),
    ],
)  # fmt: skip
def test_a_message_about_something_else_is_not(text, language):
    assert not consents.is_opt_out(text, language)


def test_an_organisation_adds_its_own_words():
    assert consents.is_opt_out("Chega, obrigada!", "pt", ["chega"])
    assert not consents.is_opt_out("", "pt", ["", "!"])


@given(st.text(max_size=80))
def test_any_text_gets_an_answer(text):
    assert consents.is_opt_out(text, "pt") in (True, False)
