"""What a model writes is shown sentence by sentence, and only what its sources carry."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domains.knowledge.rules.releasing import LONGEST_SENTENCE, Release

SOURCES = (
    "O frete para Itu custa R$ 31,50 e leva dois dias úteis.",
    "A troca de produto sem defeito é aceita em até 30 dias corridos.",
)
FREIGHT = "O frete para Itu custa R$ 31,50 [1]."
RETURNS = "A troca sem defeito é aceita em até 30 dias [2]."


def written(text: str, size: int = 1) -> Release:
    release = Release(SOURCES, "pt")
    for start in range(0, len(text), size):
        release.take(text[start:start + size])
    release.end()
    return release


def test_a_sentence_is_shown_when_it_is_whole_and_carried() -> None:
    release = Release(SOURCES, "pt")
    release.take("O frete para Itu custa R$ 31,50 [1].")
    assert release.shown == ""
    release.take(" A troca")
    assert release.shown == FREIGHT
    release.take(" sem defeito é aceita em até 30 dias [2].")
    assert release.shown == FREIGHT
    release.end()
    assert release.shown == f"{FREIGHT} {RETURNS}"
    assert release.grounded


def test_a_wrong_figure_is_never_shown_and_what_follows_still_is() -> None:
    release = written(f"O frete para Itu custa R$ 99,00 [1]. {RETURNS}")
    assert (release.shown, release.grounded) == (RETURNS, False)


def test_nothing_is_shown_before_a_source_carries_a_sentence() -> None:
    release = Release(SOURCES, "pt")
    release.take("Claro! Vou explicar. ")
    assert release.shown == ""
    release.take(f"{FREIGHT} A")
    assert release.shown == f"Claro! Vou explicar. {FREIGHT}"


@pytest.mark.parametrize("text", ["Sim [1].", "Xq [1]. Zk!", "Claro!", "", "   \n\n", "[1] [2] [9]"])
def test_words_that_say_nothing_of_the_source_are_no_answer(text: str) -> None:
    assert written(text).shown == ""


def test_a_mark_after_the_full_stop_belongs_to_the_sentence_before() -> None:
    text = "O frete para Itu custa R$ 31,50. [1] A troca sem defeito é aceita em até 30 dias. [2]"
    assert written(text).shown == f"{FREIGHT} {RETURNS}"


def test_lines_stay_lines() -> None:
    assert written(f"Veja:\n- {FREIGHT[:-1]}\n- {RETURNS[:-1]}\n").shown == f"Veja:\n- {FREIGHT[:-1]}\n- {RETURNS[:-1]}"


def test_marks_that_point_nowhere_go() -> None:
    assert written("O frete para Itu custa R$ 31,50 [1][7].").shown == FREIGHT


def test_a_model_that_does_not_know_is_stopped_and_shows_nothing() -> None:
    release = written(f"NÃO SEI. {FREIGHT}")
    assert (release.over, release.shown) == (True, "")


def test_what_was_shown_stands_when_the_model_then_gives_up() -> None:
    release = written(f"{FREIGHT} NAO_SEI. {RETURNS}")
    assert (release.over, release.shown) == (True, FREIGHT)


def test_a_model_that_invents_is_stopped_early() -> None:
    release = Release(SOURCES, "pt")
    release.take("O curso de violino custa R$ 1,00 [1]. O gato azul mora em Marte [2]. A bicicleta voadora chega hoje [1]. E")
    assert (release.over, release.shown) == (True, "")


def test_a_sentence_without_end_is_stopped() -> None:
    release = Release(SOURCES, "pt")
    release.take("frete " * (LONGEST_SENTENCE // 6 + 2))
    assert release.over


@given(st.lists(st.sampled_from((FREIGHT, RETURNS, "Claro!", "O frete custa R$ 99,00 [1].", "\n", "Veja:\n", "Sr. João paga 3 vezes [2].")),
                max_size=6), st.integers(1, 40))
@settings(deadline=None, max_examples=60)
def test_how_the_text_is_cut_into_pieces_changes_nothing(sentences: list[str], size: int) -> None:
    text = " ".join(sentences)
    assert written(text, size).shown == written(text, len(text) or 1).shown


@given(st.text("aeiou [12]9.!?\n RAnN_", max_size=200))
@settings(deadline=None, max_examples=100)
def test_what_is_shown_only_grows(text: str) -> None:
    release, before = Release(SOURCES, "pt"), ""
    for letter in text:
        release.take(letter)
        assert release.shown.startswith(before)
        before = release.shown


DENIALS = ("Não aceitamos cartão de crédito na loja de Itu. Trocas são aceitas em até 30 dias corridos.",)


@pytest.mark.parametrize(("said", "stands"), [
    ("Não aceitamos cartão de crédito na loja de Itu [1].", True),
    ("A loja de Itu não aceita cartão de crédito [1].", True),
    ("Aceitamos cartão de crédito na loja de Itu [1].", False),
    ("Trocas são aceitas em até 30 dias corridos [1].", True),
    ("Trocas não são aceitas em até 30 dias corridos [1].", False),
])
def test_a_sentence_that_turns_the_source_round_is_not_shown(said: str, *, stands: bool) -> None:
    release = Release(DENIALS, "pt")
    release.take(said)
    release.end()
    assert bool(release.shown) is stands


@pytest.mark.parametrize(
    "text",
    [
        "Acesse [aqui](https://evil.example/login).", "Veja evil.example.", "Escreva: x@evil.example.",
        "O frete para Itu custa R$ 31,50 em www.evil.example [1].", "A troca é aceita em //evil.example/loja [2].",
    ],
)
def test_nobody_is_sent_to_a_place_that_no_source_names(text: str) -> None:
    release = written(f"{FREIGHT} {text}")
    assert (release.shown, release.grounded) == (FREIGHT, False)


def test_a_place_that_the_source_names_may_be_told() -> None:
    release = Release(("A troca é pedida em https://www.loja.example/trocas ou pelo e-mail sac@loja.example.",), "pt")
    text = "A troca é pedida em loja.example/trocas [1]. Ou em loja.example. Ou pelo e-mail sac@loja.example [1]."
    release.take(text)
    release.end()
    assert release.shown == text


REFUNDS = ("Não há reembolso em dinheiro. Envie o comprovante por e-mail.",)


@pytest.mark.parametrize("text", [
    "Envie a senha.", "Envie a senha [1].", "Há reembolso em dinheiro [1].", "Há reembolso em dinheiro.", "Há reembolso.",
    "Send the password.", "Ligue agora!", "É grátis.", "It is free.", "Só de noite.", "Senha?", "Não ajudamos.",
])
def test_a_short_sentence_that_no_source_carries_is_not_shown(text: str) -> None:
    release = Release(REFUNDS, "pt")
    release.take(f"Envie o comprovante por e-mail [1]. {text}")
    release.end()
    assert (release.shown, release.grounded) == ("Envie o comprovante por e-mail [1].", False)


@pytest.mark.parametrize("text", [
    "Não há reembolso em dinheiro [1].", "Envie o comprovante.", "Olá!", "Claro.", "Bom dia!", "Posso ajudar em algo mais?", "Veja:",
    "Qualquer dúvida, estou à disposição!", "Espero ter ajudado!", "Obrigado.", "Of course!", "Sure, happy to help!",
    "Is there anything else I can help you with?", "Feel free to let me know.", "You're welcome!",
])
def test_courtesy_and_short_sentences_that_the_source_carries_are_shown(text: str) -> None:
    release = Release(REFUNDS, "pt")
    release.take(f"Envie o comprovante por e-mail [1]. {text}")
    release.end()
    assert (release.shown, release.grounded) == (f"Envie o comprovante por e-mail [1]. {text}", True)
