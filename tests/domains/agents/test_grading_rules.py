import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.agents.rules import grading
from appliance.domains.agents.types import Decision, Expected, Outcome, Reason

SENT = Decision(Outcome.SEND, "O prazo para troca é de 17 dias. Custa R$ 49,00. [1]")


@pytest.mark.parametrize(
    ("fact", "there"),
    [
        ("17 DIAS", True),
        ("7 dias", False),
        ("r$ 49,00", True),
        ("R$ 49,0", False),
        ("prazo  para troca", True),
        ("30 dias | 17 dias", True),
        ("30 dias | um mês", False),
        (" | ", False),
    ],
)
def test_a_fact_is_read_as_people_would(fact, there):
    assert grading.is_said(fact, SENT.text) is there


def test_a_whole_figure_is_found_after_part_of_another():
    assert grading.is_said("7 dias", "17 dias ou 7 dias")


def test_every_fact_has_to_be_there_and_nothing_forbidden():
    found = grading.grade(Expected.ANSWER, SENT, facts=["17 dias", "grátis"], forbidden=["troca", "desconto"])
    assert (found.passed, found.missing, found.said) == (False, ("grátis",), ("troca",))
    assert grading.grade(Expected.ANSWER, SENT, facts=["17 dias"], forbidden=["desconto"]).passed


@pytest.mark.parametrize(
    ("expected", "decision", "passed"),
    [
        (Expected.ANSWER, Decision(Outcome.FALLBACK, "Não sei."), False),
        (Expected.UNKNOWN, Decision(Outcome.FALLBACK, "Não sei."), True),
        (Expected.UNKNOWN, Decision(Outcome.HAND_OFF, "Já chamo.", Reason.LOW_CONFIDENCE), True),
        (Expected.UNKNOWN, Decision(Outcome.HAND_OFF, "Já chamo.", Reason.COMPLAINT), False),
        (Expected.UNKNOWN, SENT, False),
        (Expected.PERSON, Decision(Outcome.HAND_OFF, "Já chamo.", Reason.COMPLAINT), True),
        (Expected.PERSON, SENT, False),
    ],
)
def test_not_knowing_and_calling_a_person_can_be_what_is_right(expected, decision, passed):
    assert grading.grade(expected, decision).passed is passed


@given(st.text(alphabet=st.characters(categories=("L", "N")), min_size=1, max_size=20))
def test_whatever_is_said_is_found(word):
    assert grading.is_said(word, f"Bom: {word}.")
