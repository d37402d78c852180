"""A conversation in its own words: what is picked from it, and what is not."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from appliance.domains.agents.rules import excerpts, facts
from appliance.domains.agents.types import FactKind, Line, Speaker

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
WHO = {"c": Speaker.CONTACT, "p": Speaker.PERSON, "a": Speaker.AGENT, "b": Speaker.BOX}


def talk(*said, sources=("manual.pdf",)):
    """"c:…" is the contact, "p:…" a person, "a:…" the agent from documents, "b:…" the box."""
    return [
        Line(number, WHO[one[0]], one[2:], NOON + timedelta(minutes=number), sources if one[0] == "a" else ())
        for number, one in enumerate(said, 1)
    ]


def wishes(lines):
    return [(wish.text, wish.is_open) for wish in excerpts.excerpt(lines).wishes]


def test_what_leads_up_to_the_first_question_belongs_to_it_and_greetings_do_not():
    said = talk("c:oi boa tarde", "b:Olá!", "c:comprei um aquecedor e ele não liga", "c:tem como trocar?")
    assert wishes(said) == [("comprei um aquecedor e ele não liga · tem como trocar?", True)]


def test_what_documents_or_a_person_answered_is_no_longer_open():
    said = talk("c:qual o prazo de entrega?", "a:São 5 dias [1].", "c:e o frete quanto custa?")
    assert wishes(said) == [("qual o prazo de entrega?", False), ("e o frete quanto custa?", True)]
    assert [wish[1] for wish in wishes([*said, *talk("c:", "c:", "c:", "p:Já vejo.")[3:]])] == [False, False]


def test_a_notice_that_a_person_is_called_answers_nothing():
    said = talk("c:quero falar com um atendente", "b:Vou chamar uma pessoa.")
    assert wishes(said) == [("quero falar com um atendente", True)]


def test_of_many_wishes_the_first_the_open_and_the_weightiest_stay():
    filler = [text for at in range(6) for text in (f"c:tem o modelo {at}?", "a:Sim [1].")]
    said = talk("c:qual o preço da telha?", "a:R$ 30 [1].", "c:quero cancelar a compra", "a:Assim [1].", *filler, "c:entrega sábado?")
    shown = wishes(said)
    assert len(shown) == excerpts.MOST_WISHES
    assert shown[:2] == [("qual o preço da telha?", False), ("quero cancelar a compra", False)]
    assert shown[-1] == ("entrega sábado?", True)


def test_what_was_said_before_a_long_silence_is_another_story():
    old, new = talk("c:vocês vendem cimento?")[0], talk("c:", "c:meu pedido 4410 atrasou, cadê?")[1]
    later = Line(2, new.speaker, new.text, NOON + timedelta(days=9))
    found = excerpts.excerpt([old, later])
    assert ([wish.text for wish in found.wishes], found.since) == (["meu pedido 4410 atrasou, cadê?"], later.at)


def test_answers_are_quoted_with_their_documents_and_without_greeting_or_marks():
    answered = excerpts.excerpt(talk("c:qual a garantia?", "a:Olá! A garantia é de 10 anos [1]. Guarde a nota.")).answered
    assert [(one.text, one.sources) for one in answered] == [("A garantia é de 10 anos.", ("manual.pdf",))]


@pytest.mark.parametrize("said", [
    "Vou verificar com o estoque e te retorno hoje.", "Fica combinado para sexta.", "We'll send the invoice.", "Retorno até as 18h.",
])
def test_what_a_colleague_promised_is_kept(said):
    assert [one.text for one in excerpts.excerpt(talk("c:e aí?", f"p:Bom dia! {said}")).promised] == [said]


def test_an_agent_promises_nothing_and_a_plain_answer_is_no_promise():
    assert excerpts.excerpt(talk("c:e aí?", "a:Vou verificar [1].", "p:O frete custa R$ 30.")).promised == ()


def test_a_long_message_is_cut_between_words():
    assert excerpts.short("palavra " * 60).endswith("palavra …")
    assert len(excerpts.short("palavra " * 60)) <= excerpts.LONGEST + 2


def test_nothing_said_is_an_empty_excerpt():
    assert excerpts.excerpt([]) == excerpts.excerpt(talk("c: "))


@pytest.mark.parametrize(("text", "kind", "shown"), [
    ("meu pedido nº 48213 sumiu", FactKind.ORDER, "pedido nº 48213"),
    ("pv 48213", FactKind.ORDER, "pv 48213"),
    ("order #A-991 please", FactKind.ORDER, "order #A-991"),
    ("custou R$ 1.234,56.", FactKind.AMOUNT, "R$ 1.234,56"),
    ("uns 2 mil", FactKind.AMOUNT, "2 mil"),
    ("200 reais mais barato", FactKind.AMOUNT, "200 reais"),
    ("90% de desconto", FactKind.AMOUNT, "90%"),
    ("ganho 1.500, dá?", FactKind.AMOUNT, "1.500"),
    ("chega dia 20/10?", FactKind.DATE, "20/10"),
    ("até 3 de março", FactKind.DATE, "3 de março"),
    ("era pra chegar segunda e nada", FactKind.DATE, "segunda"),
    ("pode sexta de manhã", FactKind.DATE, "sexta de manhã"),
    ("depois de amanhã", FactKind.DATE, "depois de amanhã"),
    ("passo às 14:30", FactKind.TIME, "14:30"),
    ("chego as 7", FactKind.TIME, "as 7"),
    ("mais 20 frigobares", FactKind.QUANTITY, "20 frigobares"),
    ("cupom AURORA90", FactKind.CODE, "AURORA90"),
    ("30140-071", FactKind.CODE, "30140-071"),
    ("me liga 31 95555-1234", FactKind.CONTACT, "31 95555-1234"),
    ("escreve em ana@solara.example", FactKind.CONTACT, "ana@solara.example"),
    ("vi em https://x.example/a?b=1", FactKind.LINK, "https://x.example/a?b=1"),
])  # fmt: skip
def test_facts_are_kept_as_they_were_written(text, kind, shown):
    assert (kind, shown) in [(fact.kind, fact.text) for fact in facts.find_facts(talk(f"c:{text}"))]


@pytest.mark.parametrize("text", ["a segunda geladeira com defeito", "continua 28/56?", "é a terceira vez que remarcam", "oi tudo bem?"])
def test_an_ordinal_is_no_day_and_a_ratio_no_date(text):
    assert facts.find_facts(talk(f"c:{text}")) == ()


def test_a_fact_said_twice_is_kept_once_and_of_many_the_weightiest_stay():
    many = talk(*(f"c:{at} caixas" for at in range(2, 14)), "c:pedido 991", "c:pedido 991")
    found = facts.find_facts(many)
    assert (len(found), [fact.text for fact in found].count("pedido 991")) == (facts.MOST, 1)


@pytest.mark.parametrize("text", ["x" * 4000, "https://loja.example/?" + "a" * 500, "tenho uma dúvida " + "x" * 4000])
def test_a_long_message_is_quoted_short_though_it_has_no_spaces(text):
    assert len(excerpts.short(text)) <= excerpts.LONGEST + len(" …")


@pytest.mark.parametrize("said", ["1", "111.", "12345-", "A-", "os/", "a", "a segunda ", "1 kg "])
def test_whatever_a_customer_repeats_costs_no_more_than_its_length(said):
    """A message of the longest kind: what looked back from each letter took 50 seconds for one of digits."""
    started = time.process_time()
    facts.find_facts(talk(f"c:{said * (65_536 // len(said))}"))
    assert time.process_time() - started < 15
