from uuid import UUID

import pytest

from appliance.core import clock
from appliance.core.ids import NIL
from appliance.domains.agents import actions, queries
from appliance.domains.agents.rules import deciding, grading
from appliance.domains.agents.rules.templates import KINDS, TEMPLATES
from appliance.domains.agents.schemas import AgentSettings
from appliance.domains.agents.types import Found, Outcome, Reason, Said, Situation

NOTHING = Found("", answered=False, confident=False, confidence=0.0)
KNOWN = [pytest.param(template, id=f"{template.kind}-{template.language}") for template in TEMPLATES]


def test_each_kind_speaks_both_languages():
    assert {(one.kind, one.language) for one in TEMPLATES} == {(kind, language) for kind in KINDS for language in ("pt", "en")}
    assert KINDS == ("sdr", "support", "scheduling", "collections", "ecommerce")


@pytest.mark.parametrize("template", KNOWN)
def test_a_template_passes_its_own_first_questions(template):
    """With no document at all: they are about what an agent does, not what a company knows."""
    policy = queries.policy_from(AgentSettings.model_validate(template.settings))
    for first in template.questions:
        situation = Situation(NIL, 1, policy, (Said(by_contact=True, text=first.text),), (), clock.now(), 1)
        decision = actions.compose(situation, lambda _question, _situation: NOTHING).decision
        assert grading.grade(first.expected, decision).passed, (first.text, decision)


UPSET = {
    "pt": "Isto é um absurdo, paguei e não recebi! Quero falar com o gerente!",
    "en": "This is unacceptable, I paid and got nothing! I want to talk to a person!",
}
PLEASED = ("Ótimo", "Great", "vendas", "sales")


@pytest.mark.parametrize("template", KNOWN)
@pytest.mark.parametrize("language", UPSET)
def test_whoever_complains_hears_that_we_are_sorry_in_their_language(template, language):
    policy = queries.policy_from(AgentSettings.model_validate(template.settings))
    situation = Situation(NIL, 1, policy, (Said(by_contact=True, text=UPSET[language]),), (), clock.now(), 1)
    decision = actions.compose(situation, lambda _question, _situation: NOTHING).decision
    assert decision.outcome is Outcome.HAND_OFF
    assert decision.text.startswith({"pt": "Sinto muito por isso. ", "en": "I am sorry about this. "}[language])
    assert not [word for word in PLEASED if word in decision.text]


@pytest.mark.parametrize("template", KNOWN)
@pytest.mark.parametrize("reason", [Reason.WANTS_PERSON, Reason.LOW_CONFIDENCE, Reason.EMERGENCY, Reason.BUYING])
def test_what_a_template_says_to_a_buyer_is_for_buyers(template, reason):
    settings = AgentSettings.model_validate(template.settings)
    policy = queries.policy_from(settings)
    situation = Situation(NIL, 1, policy, (Said(by_contact=True, text="oi" if template.language == "pt" else "hi"),), (), clock.now(), 1)
    said = deciding.hand_off(situation, reason, template.language).text
    assert (said == settings.purpose_notice) is (reason is Reason.BUYING and deciding.is_open(policy, situation.now))


@pytest.mark.parametrize("template", KNOWN)
def test_a_template_never_says_what_it_must_not(template):
    settings = AgentSettings.model_validate(template.settings)
    own = f"{settings.greeting} {settings.fallback} {settings.purpose_notice}"
    assert not [phrase for phrase in settings.guardrails.forbidden_phrases if grading.is_said(phrase, own)]


def test_an_agent_from_a_template_is_a_draft_with_questions(client, box, tenant_id):
    made = client.post("/api/v1/agents/from-template", json={"kind": "support", "language": "en", "name": "Sam"})
    assert (made.status_code, made.json["name"], made.json["published_number"]) == (201, "Sam", None)
    with box.unit(tenant_id, read_only=True) as uow:
        assert queries.count_questions(uow, UUID(made.json["id"])) == 5
    assert client.post("/api/v1/agents/from-template", json={"kind": "sdr"}).json["name"] == "Pré-vendas"
    assert "kind" in client.post("/api/v1/agents/from-template", json={"kind": "poet"}).json["fields"]


def test_templates_can_be_read_in_a_language(client):
    listed = client.get("/api/v1/agents/templates?language=en").json
    assert [one["kind"] for one in listed] == list(KINDS)
    assert listed[0]["settings"]["language"] == "en"
