"""The pipeline's verdicts, before and after the documents were asked. Each path ends in words or in a person."""

from datetime import datetime

from appliance.core import spoken_times, working_hours
from appliance.domains.agents.rules import intents, wording
from appliance.domains.agents.types import Decision, Found, Intent, Outcome, Policy, Reason, Situation

_COURTESIES = {Intent.IDENTITY: "identity", Intent.GREETING: "greeting", Intent.THANKS: "thanks", Intent.FAREWELL: "farewell"}
_UPSET = frozenset({Intent.COMPLAINT, Intent.NEGATIVE})
_PURPOSES = frozenset({Reason.KEYWORD, Reason.BUYING, Reason.PRICE})  # what an agent of sales is there for
_REASONS = {
    Intent.WANTS_PERSON: Reason.WANTS_PERSON,
    Intent.COMPLAINT: Reason.COMPLAINT,
    Intent.PRIVACY: Reason.PRIVACY,
    Intent.NEGATIVE: Reason.NEGATIVE,
    Intent.BUYING: Reason.BUYING,
    Intent.TASK: Reason.TASK,
    Intent.PRICE: Reason.PRICE,
    Intent.PAYMENT: Reason.PAYMENT,
}


def question_of(situation: Situation) -> str:
    """All that waits for an answer, as one question."""
    return "\n".join(said.text for said in situation.unanswered if said.text)


def language_of(situation: Situation) -> str:
    said = [said.text for said in (*situation.earlier, *situation.unanswered) if said.by_contact]
    return intents.language_of(said[-3:], situation.policy.language)


def handoff_reason(situation: Situation, found: tuple[Intent, ...]) -> Reason | None:
    """What calls for a person before any document is asked."""
    policy, question = situation.policy, question_of(situation)
    if situation.recent_replies >= policy.max_recent_replies:
        return Reason.TOO_MANY_REPLIES
    if not question or any(said.is_unheard for said in situation.unanswered):
        return Reason.UNREADABLE
    if intents.mentions(question, policy.keywords):
        return Reason.KEYWORD
    asked_for = next((intent for intent in _REASONS if intent in found and intent in policy.to_person), None)
    if asked_for is not None:
        return _REASONS[asked_for]
    if policy.hand_off_when_closed and not working_hours.is_open(policy.calendar, situation.now):
        return Reason.OUTSIDE_HOURS
    return None


def courtesy(situation: Situation, found: tuple[Intent, ...], language: str) -> Decision | None:
    """A greeting is greeted, thanks are taken; nothing else is asked of the documents then."""
    if Intent.QUESTION in found:
        return None
    name = next((name for intent, name in _COURTESIES.items() if intent in found), None)
    return Decision(Outcome.SEND, wording.sentence(name, language, situation.policy)) if name else Decision(Outcome.SILENCE)


def judge(situation: Situation, found: Found, language: str) -> Decision:
    """Send, say that it is not known, or call a person."""
    policy = situation.policy
    if found.emergency is not None and not found.answered:
        return hand_off(situation, Reason.EMERGENCY, language)
    if found.emergency is not None:
        text = f"{found.text}\n\n{notice(policy, language, situation.now)}"
        return Decision(Outcome.HAND_OFF, text, Reason.EMERGENCY, found.sources, found.confidence, found.engine)
    if not found.answered or found.confidence < policy.confidence_floor or not (found.confident or policy.send_unsure):
        return unknown(situation, language, found)
    if is_off_topic(policy, question_of(situation), found.text):
        return unknown(situation, language, found)
    if intents.mentions(found.text, policy.forbidden_phrases) is not None:
        return hand_off(situation, Reason.GUARDRAIL, language)
    return Decision(Outcome.SEND, found.text, None, found.sources, found.confidence, found.engine)


def unknown(situation: Situation, language: str, found: Found) -> Decision:
    """The first time the contact is asked to say it otherwise; after so many in a row a person is called. A remark is noted."""
    if not intents.asks(question_of(situation)):
        return Decision(Outcome.SEND, wording.sentence("noted", language, situation.policy), None, (), found.confidence, found.engine)
    limit = situation.policy.after_fallbacks
    if limit and situation.fallbacks_in_a_row + 1 >= limit:
        return hand_off(situation, Reason.LOW_CONFIDENCE, language)
    text = wording.sentence("fallback", language, situation.policy)
    return Decision(Outcome.FALLBACK, text, None, (), found.confidence, found.engine)


def hand_off(situation: Situation, reason: Reason, language: str) -> Decision:
    return Decision(Outcome.HAND_OFF, _answer_to(situation, reason, language), reason)


def _answer_to(situation: Situation, reason: Reason, language: str) -> str:
    """Nobody who complains hears a cheerful word: what the agent says to a buyer is for buyers."""
    policy, now = situation.policy, situation.now
    if _UPSET.intersection(intents.find_intents(question_of(situation))):
        come = wording.plain("handoff_notice", language, policy) if is_open(policy, now) else notice(policy, language, now)
        return f"{wording.sentence('sorry', language, policy)} {come}"
    own = policy.sentences.get("purpose_notice", "") if policy.language == language and is_open(policy, now) else ""
    return own if own and reason in _PURPOSES else notice(policy, language, now)


def notice(policy: Policy, language: str, now: datetime) -> str:
    """Tells the contact that a person comes and, outside hours, when."""
    opening = None if is_open(policy, now) else working_hours.next_open(policy.calendar, now)
    if opening is None:
        return wording.sentence("handoff_notice", language, policy)
    when = spoken_times.in_words(opening, now, language)
    return wording.sentence("closed_notice", language, policy).replace("{when}", when)


def is_open(policy: Policy, now: datetime) -> bool:
    """Who never opens says nothing of when."""
    return working_hours.next_open(policy.calendar, now) in {None, now}


def is_off_topic(policy: Policy, *texts: str) -> bool:
    """With a list of topics, what touches none of them is not answered."""
    return bool(policy.allowed_topics) and intents.mentions(" ".join(texts), policy.allowed_topics) is None
