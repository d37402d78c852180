import pytest

from appliance.domains.contacts.rules import stopping
from appliance.domains.contacts.types import Stop


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("para de me mandar mensagem", "pt"), ("Não quero mais receber propaganda de vocês", "pt"), ("me tirem dessa lista!", "pt"),
        ("parem de enviar ofertas", "pt"), ("não mandem mais nada", "pt"), ("tira meu número da lista de vocês", "pt"), ("SAIR", "pt"),
        ("Stop sending me offers", "en"), ("please don't text me again", "en"), ("take me off your list", "en"), ("no more emails", "en"),
    ],
)  # fmt: skip
def test_who_asks_to_be_left_alone_is(text, language):
    assert stopping.find_stop(text) == Stop(language, is_all=True)


@pytest.mark.parametrize(
    "text",
    [
        "quero cancelar meu pedido", "pode parar de chover logo rs", "não quero receber o produto com defeito",
        "para de mandar boleto errado",
        "tira o arroz da lista do pedido", "can you stop by tomorrow", "stop sending the wrong size", "don't send the invoice again",
        "não me mandaram o boleto", "",
    ],
)  # fmt: skip
def test_who_speaks_of_something_else_is_not(text):
    assert stopping.find_stop(text) is None


def test_what_else_is_asked_still_waits_for_an_answer():
    assert stopping.find_stop("Não quero mais receber ofertas, mas e o meu pedido 5521, quando chega?") == Stop("pt", is_all=False)
    assert stopping.find_stop("stop messaging me about this and tell me where my order is") == Stop("en", is_all=False)


def test_a_long_text_that_quotes_such_a_sentence_asks_for_nothing():
    assert stopping.find_stop("contrato " * 60 + "não quero mais receber propaganda") is None


def test_an_organisation_s_own_words_count():
    assert stopping.find_stop("Chega!", ["chega"]) == Stop("pt", is_all=True)
