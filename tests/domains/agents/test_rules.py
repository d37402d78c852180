from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.ids import new_id
from appliance.core.working_hours import Calendar, Span
from appliance.domains.agents.queries import policy_from
from appliance.domains.agents.rules import deciding, intents, turns
from appliance.domains.agents.rules.differences import differences
from appliance.domains.agents.schemas import AgentSettings, Hours
from appliance.domains.agents.types import Decision, Found, Intent, Outcome, Policy, Reason, Said, Situation

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # a Friday, noon in São Paulo
OFFICE = Calendar(ZoneInfo("America/Sao_Paulo"), tuple(Span(day, time(8), time(18)) for day in range(5)))


def situation(*texts, policy=None, now=NOW, **given):
    return Situation(new_id(), 1, policy or Policy(), tuple(Said(True, text) for text in texts), (), now, 1, **given)


@pytest.mark.parametrize("text", [
    "quero falar com um atendente", "me passa pra uma pessoa por favor", "ATENDENTE", "tem algum humano aí?", "não quero falar com robô",
    "alguém pode me ligar?", "Can I talk to a human?", "real person please", "I want a manager", "transfira para o gerente",
])
def test_whoever_asks_for_a_person_is_understood(text):
    assert Intent.WANTS_PERSON in intents.find_intents(text)


@pytest.mark.parametrize("text", [
    "vocês entregam em Betim?", "essa geladeira atende uma família de 4 pessoas?", "quantas pessoas cabem no sofá?", "qual o horário?",
    "do you deliver on Sundays?", "how many people does it seat?",
])
def test_an_ordinary_question_is_not_a_cry_for_help(text):
    assert not {Intent.WANTS_PERSON, Intent.COMPLAINT} & set(intents.find_intents(text))


@pytest.mark.parametrize("text", [
    "vou no procon", "já é a terceira vez que remarcam", "isso é um absurdo", "I will call my lawyer", "ninguém resolve",
])
def test_a_complaint_is_understood(text):
    assert Intent.COMPLAINT in intents.find_intents(text)


@pytest.mark.parametrize("text", [
    "quero cancelar meu plano", "abre um chamado pra mim", "quero meu dinheiro de volta", "queria renegociar a dívida", "I want a refund",
    "posso mandar os documentos por aqui?", "quero que tirem essa taxa", "a grade caiu em cima do meu cachorro",
])
def test_what_only_a_person_can_do_goes_to_a_person(text):
    assert deciding.handoff_reason(situation(text), intents.find_intents(text)) is Reason.TASK


@pytest.mark.parametrize("text", [
    "queria falar com a Noemi", "com quem eu falo sobre isso?", "quero o responsável",
])
def test_whoever_asks_for_somebody_by_name_is_understood(text):
    assert Intent.WANTS_PERSON in intents.find_intents(text)


@pytest.mark.parametrize("text", [
    "quero cancelar, tem multa?", "posso trocar o horário?", "como faço para cancelar?", "vou falar com meu marido",
    "quanto tempo demora o reembolso?", "posso cancelar sem custo?", "what is your refund policy?",
])
def test_who_asks_about_a_rule_is_answered(text):
    assert deciding.handoff_reason(situation(text), intents.find_intents(text)) is None


@pytest.mark.parametrize(("text", "language"), [
    ("vc é robô?", "pt"), ("oi, é uma pessoa?", "pt"), ("estou falando com um robô ou uma pessoa?", "pt"),
    ("vc é uma pessoa de verdade?", "pt"),
    ("are you a bot?", "en"), ("am I talking to a real person?", "en"),
])
def test_who_asks_whether_it_is_a_robot_hears_the_truth(text, language):
    asked = situation(text, policy=Policy(company="Patas do Ipê"))
    found = intents.find_intents(text)
    assert deciding.handoff_reason(asked, found) is None
    said = deciding.courtesy(asked, found, language)
    assert said is not None
    assert "Patas do Ipê" in said.text
    assert said.text.startswith(("Sou o assistente", "I am the virtual assistant"))


def test_an_agent_says_what_it_is_in_its_own_words():
    asked = situation("é robô?", policy=Policy(sentences={"identity": "Sou a Bia, o robô da loja."}))
    assert deciding.courtesy(asked, intents.find_intents("é robô?"), "pt") == Decision(Outcome.SEND, "Sou a Bia, o robô da loja.")


@pytest.mark.parametrize("text", ["vc é robô? qual o preço do banho?", "o robô aspirador limpa tapete?", "vocês vendem robô?"])
def test_a_question_about_robots_is_asked_of_the_documents(text):
    assert Intent.QUESTION in intents.find_intents(text)


def test_a_remark_is_taken_note_of_and_calls_nobody():
    nothing = Found("não sei", False, False, 0.1)
    said = deciding.judge(situation("caprichou demais no painel da tv", fallbacks_in_a_row=1), nothing, "pt")
    assert (said.outcome, said.reason) == (Outcome.SEND, None)
    assert deciding.judge(situation("a entrega não chegou ainda", fallbacks_in_a_row=1), nothing, "pt").outcome is Outcome.HAND_OFF


@pytest.mark.parametrize("text", ["quero que apaguem os meus dados", "pela LGPD, quais dados vocês têm?", "please delete all my data"])
def test_a_request_about_personal_data_goes_to_a_person(text):
    assert deciding.handoff_reason(situation(text), intents.find_intents(text)) is Reason.PRIVACY


@pytest.mark.parametrize("text", ["oi", "Bom dia, tudo bem?", "obrigada!", "valeu, até mais", "Hi there!", "ok 👍"])
def test_courtesy_asks_nothing(text):
    assert Intent.QUESTION not in intents.find_intents(text)


@pytest.mark.parametrize("text", [
    "obrigado viu", "valeu moço", "brigada querida", "ok obrigada pela ajuda", "oi bom dia tudo bem por ai", "oi bom dia tudo bem por aí?",
    "muito obrigada pela atenção de vocês", "valeu demais gente", "thank you so much for all your help",
    "hello there how are you doing today?",
])
def test_courtesy_with_filler_words_is_courtesy(text):
    assert Intent.QUESTION not in intents.find_intents(text)


@pytest.mark.parametrize("text", [
    "obrigado, e o frete?", "oi, vocês abrem hoje?", "bom dia, tem ração?", "valeu, aceita pix", "ok e no sábado", "e agora?",
    "hi, do you open today?", "oi tem como ir aí?",
])
def test_courtesy_does_not_swallow_a_question(text):
    assert Intent.QUESTION in intents.find_intents(text)


def test_a_greeting_with_a_question_is_a_question():
    assert set(intents.find_intents("oi, quanto custa o frete?")) >= {Intent.GREETING, Intent.PRICE, Intent.QUESTION}


@given(st.text(max_size=500))
def test_no_text_breaks_the_reading_of_intents(text):
    intents.find_intents(text)


@pytest.mark.parametrize(("text", "language"), [("quanto custa o frete?", "pt"), ("how much is the shipping?", "en"), ("13 kg", "en")])
def test_the_contacts_language_is_heard(text, language):
    assert intents.language_of([text], "en") == language


def test_an_agents_own_hours_stand_over_the_companys_and_holidays_are_everybodys():
    company = Calendar(ZoneInfo("America/Sao_Paulo"), OFFICE.spans, place="BR")
    assert policy_from(AgentSettings(), company).calendar == company
    night = {"timezone": "Asia/Tokyo", "spans": [{"day": "fri", "opens": "22:00", "closes": "02:00"}]}
    own = policy_from(AgentSettings(hours=Hours.model_validate(night)), company).calendar
    assert (str(own.zone), len(own.spans), own.place) == ("Asia/Tokyo", 1, "BR")


def test_on_a_holiday_an_agent_says_the_next_working_day():
    policy = Policy(calendar=replace(OFFICE, place="BR"), hand_off_when_closed=True)
    assert "na segunda-feira às 8:00" in deciding.notice(policy, "pt", NOW)  # the 20th: Consciência Negra
    assert deciding.handoff_reason(situation("oi", policy=policy), ()) is Reason.OUTSIDE_HOURS
    away = Policy(calendar=replace(OFFICE, days_off=frozenset(date(2026, 11, 20) + timedelta(days=n) for n in range(20))))
    assert "em 10 de dezembro às 8:00" in deciding.notice(away, "pt", NOW)
    assert "on December 10 at 8:00" in deciding.notice(away, "en", NOW)


@pytest.mark.parametrize(("now", "words"), [
    (datetime(2026, 11, 20, 9, 0, tzinfo=UTC), "hoje às 8:00"), (datetime(2026, 11, 19, 23, 0, tzinfo=UTC), "amanhã às 8:00"),
    (datetime(2026, 11, 20, 22, 0, tzinfo=UTC), "na segunda-feira às 8:00"),
])
def test_a_closed_team_says_when_it_opens(now, words):
    text = deciding.notice(Policy(calendar=OFFICE), "pt", now)
    assert words in text


def test_outside_hours_people_are_called_only_when_so_configured():
    closed = NOW + timedelta(days=1)
    assert deciding.handoff_reason(situation("oi", policy=Policy(calendar=OFFICE), now=closed), ()) is None
    wanted = Policy(calendar=OFFICE, hand_off_when_closed=True)
    assert deciding.handoff_reason(situation("oi", policy=wanted, now=closed), ()) is Reason.OUTSIDE_HOURS


def test_price_goes_to_people_only_when_so_configured():
    found = intents.find_intents("quanto custa?")
    assert deciding.handoff_reason(situation("quanto custa?"), found) is None
    policy = Policy(to_person=frozenset({Intent.PRICE}))
    assert deciding.handoff_reason(situation("quanto custa?", policy=policy), found) is Reason.PRICE


def test_a_keyword_matches_whole_words_without_accents():
    policy = Policy(keywords=("cancelamento", "nota fiscal"))
    assert deciding.handoff_reason(situation("quero a NOTA  FISCAL", policy=policy), ()) is Reason.KEYWORD
    assert deciding.handoff_reason(situation("descancelamentos", policy=policy), ()) is None


def test_two_robots_talking_to_each_other_end_at_a_person():
    assert deciding.handoff_reason(situation("oi", recent_replies=20), ()) is Reason.TOO_MANY_REPLIES


def test_a_bare_picture_goes_to_a_person():
    assert deciding.handoff_reason(situation(""), ()) is Reason.UNREADABLE


def test_what_is_not_known_is_said_once_and_then_a_person_comes():
    nothing = Found("não sei", False, False, 0.1)
    assert deciding.judge(situation("x"), nothing, "pt").outcome is Outcome.FALLBACK
    second = deciding.judge(situation("x", fallbacks_in_a_row=1), nothing, "pt")
    assert (second.outcome, second.reason) == (Outcome.HAND_OFF, Reason.LOW_CONFIDENCE)


def test_the_confidence_floor_holds_back_a_weak_answer():
    weak = Found("talvez", True, False, 0.3)
    assert deciding.judge(situation("x"), weak, "pt").outcome is Outcome.SEND
    assert deciding.judge(situation("x", policy=Policy(confidence_floor=0.5)), weak, "pt").outcome is Outcome.FALLBACK
    assert deciding.judge(situation("x", policy=Policy(send_unsure=False)), weak, "pt").outcome is Outcome.FALLBACK


def test_a_forbidden_phrase_never_leaves():
    policy = Policy(forbidden_phrases=("garantia vitalícia",))
    decision = deciding.judge(situation("x", policy=policy), Found("Temos GARANTIA VITALICIA.", True, True, 0.9), "pt")
    assert (decision.outcome, decision.reason) == (Outcome.HAND_OFF, Reason.GUARDRAIL)
    assert "vital" not in decision.text.lower()


def test_an_emergency_is_answered_and_a_person_is_called():
    found = Found("Feche o registro e ligue 193.", True, True, 0.9, emergency="gas")
    decision = deciding.judge(situation("cheiro de gás"), found, "pt")
    assert (decision.outcome, decision.reason, decision.text) == (
        Outcome.HAND_OFF, Reason.EMERGENCY, f"{found.text}\n\n{deciding.notice(Policy(), 'pt', NOW)}"
    )


def test_an_urgent_message_without_an_answer_goes_to_a_person():
    decision = deciding.judge(situation("socorro"), Found("não encontrei", False, False, 0.1, emergency="urgent"), "pt")
    assert (decision.outcome, decision.reason) == (Outcome.HAND_OFF, Reason.EMERGENCY)


@given(st.integers(0, 30_000), st.integers(0, 200_000), st.booleans())
def test_an_agent_always_gets_its_turn(debounce, waited_ms, is_newest):
    now = NOW + timedelta(milliseconds=waited_ms)
    turn = turns.is_turn(newest=2, due=2 if is_newest else 1, oldest_at=NOW, now=now, debounce_ms=debounce)
    assert turn or (not is_newest and waited_ms < debounce * turns.LONGEST_WAIT)


def test_an_agent_does_not_speak_while_the_contact_goes_on_writing():
    assert not turns.is_turn(newest=2, due=1, oldest_at=NOW, now=NOW + timedelta(seconds=7), debounce_ms=2000)


def test_a_difference_names_its_place():
    assert list(differences({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 2})) == [("a.b", 1, 3)]
