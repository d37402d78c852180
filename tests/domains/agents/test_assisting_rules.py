"""What a language model's words are held to."""

import json
import time
from datetime import UTC, datetime

import pytest

from appliance.domains.agents.errors import NotKept
from appliance.domains.agents.rules import assisting, keeping
from appliance.domains.agents.types import Line, Mood, Speaker, Way

NOW = datetime(2026, 11, 3, tzinfo=UTC)


@pytest.mark.parametrize(("source", "text"), [
    ("São R$ 1.500,00 em 3 vezes.", "It is R$ 1,500.00 in 3 instalments."),
    ("O Wesley vai na sexta-feira, dia 20.", "Wesley comes on Friday the 20."),
    ("Veja https://loja.example/a.", "See https://loja.example/a"),
    ("Oi {{contact.first_name}}, tudo bem?", "Hi {{contact.first_name}}, how are you?"),
    ("Pague por PIX ou boleto.", "Pay by bank transfer or slip."),
    ("Please call me on Monday.", "Por favor, me ligue na segunda-feira."),
])  # fmt: skip
def test_a_faithful_translation_passes(source, text):
    assert keeping.missing_or_new(source, text, way=Way.TRANSLATE, names=["Wesley Souza"]) == []


@pytest.mark.parametrize(("source", "text", "wrong"), [
    ("São R$ 300.", "It is R$ 350.", ["300", "350"]),
    ("Chega em 5 dias.", "It arrives soon.", ["5"]),
    ("Chega logo.", "It arrives in 2 days.", ["2"]),
    ("Veja https://loja.example/a", "See the site", ["https://loja.example/a"]),
    ("Veja o site", "See https://bad.example", ["https://bad.example"]),
    ("Oi {{contact.first_name}}!", "Hi!", ["{{contact.first_name}}"]),
    ("wesley, tudo bem? O Wesley vai aí.", "The fitter comes.", ["Wesley"]),
    ("Fale com a Jandira.", "Talk to Janet.", ["Jandira"]),
    ("Escreva a a@x.example.", "Write to b@x.example.", ["a@x.example", "b@x.example"]),
])  # fmt: skip
def test_what_was_changed_left_out_or_made_up_is_named(source, text, wrong):
    assert keeping.missing_or_new(source, text, way=Way.TRANSLATE, names=["Wesley"]) == wrong


def test_within_one_language_capitals_stay_too():
    assert keeping.missing_or_new("Pague por PIX hoje.", "Pague hoje.", way=Way.SHORTER) == ["PIX"]


def lines(*texts):
    return [Line(number, Speaker.CONTACT, text, NOW) for number, text in enumerate(texts, 1)]


def test_of_a_long_conversation_the_first_message_and_the_newest_are_read():
    told = assisting.transcript(lines("primeira", *("meio " * 100 for _ in range(40)), "última"))
    assert len(told) <= assisting.MOST_READ + 50
    assert (told.startswith("Customer: primeira\n[...]"), told.endswith("Customer: última")) == (True, True)


def test_one_enormous_message_does_not_hide_the_end():
    assert assisting.transcript(lines("oi", "x" * 9000 + " fim")).endswith("fim")


def summary(**changed):
    return json.dumps({"topic": "Entrega", "wants": "Receber o sofá.", "promised": [], "open": [], "mood": "upset", **changed})


def test_figures_that_nobody_said_do_not_get_into_a_summary():
    said = lines("meu sofá, pedido 48213, não chegou")
    found = assisting.read_summary(summary(open=["Pedido 48213", "Multa de 90 reais", " "]), said)
    assert (found.open, found.mood) == (("Pedido 48213",), Mood.UPSET)
    with pytest.raises(NotKept, match="777"):
        assisting.read_summary(summary(wants="Cancelar o pedido 777"), said)


def test_a_rewrite_without_words_or_with_other_figures_is_refused():
    assert assisting.read_rewrite('{"text": " Chega em 5 dias. "}', "Vai chegar em 5 dias.", Way.SHORTER, ()) == "Chega em 5 dias."
    for answer in ('{"text": " "}', '{"text": "Chega em 6 dias."}'):
        with pytest.raises(NotKept):
            assisting.read_rewrite(answer, "Vai chegar em 5 dias.", Way.SHORTER, ())


def test_letters_without_end_that_are_no_address_cost_no_more_than_their_length():
    started = time.process_time()
    assert keeping.missing_or_new("1" * 40_000, "1" * 40_000, way=Way.TRANSLATE) == []
    assert time.process_time() - started < 10
