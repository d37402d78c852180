"""An agent that speaks while it finds its words: the guardrails hold for every sentence, and the trace is the same."""

import io
import json
from datetime import UTC, datetime

import pytest

from appliance.core.errors import Refused, Unavailable
from appliance.core.ids import new_id
from appliance.domains.agents import actions
from appliance.domains.agents.types import Composed, Found, Outcome, Policy, Reason, Said, Situation
from appliance.domains.knowledge import actions as knowledge
from appliance.inference.fake import FakeInference
from appliance.inference.types import Inference

ONE, TWO = "A garantia é de 10 anos [1].", "A garantia é de 10 anos [1]. A visita é gratuita [1]."
POLICY = "# Garantia\n\nA garantia do inversor é de 10 anos.\n"


def aloud(policy, *texts, fails=None, **given):
    """What is said piece by piece when the answer grows through `texts`, and what was decided."""

    def ask(_question, _situation):
        for text in texts:
            yield Found(text, **{"answered": True, "confident": True, "confidence": 0.9, **given})
        if fails is not None:
            raise fails

    situation = Situation(new_id(), 1, policy, (Said(True, "qual a garantia do inversor?"),), (), datetime.now(UTC), 1)
    *said, composed = actions.compose_aloud(situation, ask)
    assert isinstance(composed, Composed)
    return [piece for piece in said if piece], composed.decision


def test_each_sentence_is_said_once():
    said, decision = aloud(Policy(), "", ONE, ONE, TWO, TWO)
    assert said == [ONE, TWO.removeprefix(ONE)]
    assert (decision.outcome, decision.text) == (Outcome.SEND, TWO)


def test_a_forbidden_phrase_ends_the_speech_before_it_is_said():
    said, decision = aloud(Policy(forbidden_phrases=("gratuita",)), ONE, TWO, TWO + " E mais.")
    assert said[0] == ONE
    assert "gratuita" not in "".join(said)
    assert (decision.outcome, decision.reason) == (Outcome.HAND_OFF, Reason.GUARDRAIL)
    assert said[-1] == f"\n\n{decision.text}", "the contact is told that a person comes"


@pytest.mark.parametrize("given", [{"confident": False}, {"confidence": 0.1}, {"answered": False}])
def test_what_would_not_be_sent_is_not_said_either(given):
    said, decision = aloud(Policy(send_unsure=False, confidence_floor=0.5), ONE, TWO, **given)
    assert said == [decision.text]
    assert decision.outcome is Outcome.FALLBACK


def test_an_answer_off_the_topics_is_held_until_it_touches_one():
    said, decision = aloud(Policy(allowed_topics=("visita",)), ONE, TWO)
    assert (said, decision.outcome) == ([TWO], Outcome.SEND)


def test_a_refusal_in_the_middle_calls_a_person():
    said, decision = aloud(Policy(), ONE, fails=Refused("no"))
    assert (said[0], decision.reason) == (ONE, Reason.MODELS_AWAY)
    with pytest.raises(Unavailable):
        aloud(Policy(), ONE, fails=Unavailable("away"))


def test_the_bench_says_it_piece_by_piece_and_then_shows_every_step(client):
    agent = client.post("/api/v1/agents", json={"name": "Aurora", "settings": {"greeting": "Oi! Sou a Aurora."}}).json["id"]
    sent = client.post(f"/api/v1/agents/{agent}/test", json={"question": "bom dia", "stream": True})
    assert sent.mimetype == "text/event-stream"
    delta, done = [block.split("\n") for block in sent.get_data(as_text=True).strip().split("\n\n")]
    assert (delta[0], json.loads(delta[1][6:])["text"]) == ("event: delta", "Oi! Sou a Aurora.")
    result = json.loads(done[1][6:])
    assert (done[0], result["outcome"], result["text"]) == ("event: done", "send", "Oi! Sou a Aurora.")
    assert [step["name"] for step in result["steps"]] == ["gate", "intent", "handoff_rules", "decision"]


def test_the_role_and_tone_of_an_agent_reach_the_model_that_writes(box, tenant_id, make_agent, says, run_deliveries, thread):
    heard = []
    writing = FakeInference(lambda messages: heard.append(messages) or "A garantia do inversor é de 10 anos [1].")
    box.provide(Inference, writing)
    knowledge.upload_document(box, tenant_id, "garantia.md", io.BytesIO(POLICY.encode()))
    run_deliveries()
    lia = make_agent(knowledge="all", role="Você é a Lia, da Solara.", persona="Frases curtas.")
    conversation = says(lia, "qual a garantia do inversor?")
    run_deliveries()
    assert "10 anos" in thread(conversation)[-1][1]
    system = heard[0][0].content
    assert "Você é a Lia, da Solara.\nFrases curtas." in system
    assert system.index("Lia") < system.index("somente as fontes"), "the rules have the last word"
