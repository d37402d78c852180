"""How the studio calls what the domains name in code."""

from collections.abc import Mapping
from typing import Any

from appliance.core.i18n import lazy_gettext as _
from webui import formats

PER_CENT = frozenset({"confidence", "floor"})

NOT_UNDERSTOOD = {
    "complaint_without_proof": _("A spam complaint that does not show which mail it is about: nobody was taken off"),
    "mail_without_sender": _("A mail that names no sender"),
    "no_mail": _("Handed over by HTTP as a mail, and none"),
    "not_signed": _("Handed over by HTTP without a signature"),
    "bad_signature": _("Handed over by HTTP with a signature that does not fit: the secret is another"),
    "stale_timestamp": _("Handed over by HTTP with a time that is more than five minutes off"),
}
STEPS = {
    "gate": _("May it answer?"),
    "emergency": _("Emergency?"),
    "intent": _("Understand"),
    "handoff_rules": _("Does a person have to answer?"),
    "documents": _("Search the documents"),
    "guardrails": _("Guardrails"),
    "confidence": _("Confidence"),
    "decision": _("Decision"),
}
DETAILS = {
    "unanswered": _("messages without an answer"),
    "spoken": _("of them spoken"),
    "recent_replies": _("replies in a row"),
    "language": _("language"),
    "question": _("question"),
    "reason": _("why"),
    "engine": _("written by"),
    "sources": _("sources"),
    "confidence": _("confidence"),
    "floor": _("least confidence"),
    "error": _("what went wrong"),
}
VERDICTS = {
    "open": _("yes"),
    "none": _("no"),
    "enough": _("enough"),
    "too_low": _("too low"),
    "answered": _("found"),
    "not_found": _("nothing found"),
    "refused": _("could not ask"),
    "away": _("the models are away"),
    "question": _("a question"),
    "greeting": _("a greeting"),
    "thanks": _("thanks"),
    "farewell": _("a farewell"),
    "send": _("answer"),
    "fallback": _("say that it does not know"),
    "hand_off": _("hand to a person"),
    "silence": _("stay silent"),
    "extractive": _("quoted, no language model"),
}
OUTCOMES = {
    "send": _("Answered"),
    "fallback": _("Said that it does not know"),
    "hand_off": _("Handed to a person"),
    "silence": _("Stayed silent"),
}
REASONS = {
    "keyword": _("a word on the hand-over list"),
    "wants_person": _("the customer asked for a person"),
    "complaint": _("a complaint"),
    "privacy": _("a request about personal data"),
    "negative": _("an upset customer"),
    "price": _("a matter of price"),
    "payment": _("a matter of payment"),
    "buying": _("the customer wants to buy"),
    "task": _("something that only a person can do"),
    "low_confidence": _("not sure of the answer"),
    "unreadable": _("a message that cannot be read"),
    "outside_hours": _("outside opening hours"),
    "emergency": _("an emergency"),
    "guardrail": _("a guardrail"),
    "too_many_replies": _("too many replies in a row"),
    "models_away": _("the models are away"),
    "late": _("it was written more than a day ago"),
    "asked_by_colleague": _("a colleague asked for somebody"),
    "no_agent": _("no agent answers here"),
    "unassigned": _("a colleague put it back"),
    "window_closed": _("the time to answer freely is over"),
    "opted_out": _("the customer asked for no more messages"),
}
EXPECTED = {
    "answer": _("answer"),
    "unknown": _("say that it does not know"),
    "person": _("call a person"),
}
SETTINGS = {
    "role": _("Role and tone"),
    "persona": _("Persona"),
    "language": _("Language"),
    "greeting": _("Greeting"),
    "identity": _("When asked whether it is a robot"),
    "fallback": _("When it does not know"),
    "handoff_notice": _("When it calls a person"),
    "purpose_notice": _("When it calls a person for who wants to buy, or says one of its words"),
    "closed_notice": _("When people are away"),
    "model": _("Model"),
    "temperature": _("Temperature"),
    "max_tokens": _("Longest answer, in tokens"),
    "confidence_floor": _("Confidence floor"),
    "unsure": _("When it is not sure"),
    "knowledge": _("Knows"),
    "debounce_ms": _("Waits for more messages (ms)"),
    "guardrails.forbidden_phrases": _("Never says"),
    "guardrails.allowed_topics": _("Only talks about"),
    "guardrails.price_to_person": _("Price or discount"),
    "guardrails.payment_to_person": _("Payment"),
    "handoff.keywords": _("Words that call a person"),
    "handoff.on_request": _("The customer asks for a person"),
    "handoff.on_complaint": _("A complaint"),
    "handoff.on_negative": _("An upset customer"),
    "handoff.on_buying": _("The customer wants to buy"),
    "handoff.after_fallbacks": _("After how many unanswered questions"),
    "hours.timezone": _("Time zone"),
    "hours.spans": _("Opening hours"),
    "hours.when_closed": _("Outside these hours"),
}
CHANNEL_STATES = {
    "new": (_("Waiting for the first sign"), "info"),
    "connected": (_("Connected"), "ok"),
    "failing": (_("Failing"), "bad"),
    "disabled": (_("Switched off"), ""),
}
QUALITIES = {
    "high": (_("High quality"), "ok"),
    "medium": (_("Medium quality"), "warn"),
    "low": (_("Low quality: WhatsApp may limit this number"), "bad"),
    "unrated": (_("Not rated yet"), "line"),
}


def details_of(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a person can use of a step: not the whole answer again, of the sources only how many, and nothing that is zero or empty."""
    return [(str(DETAILS[key]), _plain(key, value)) for key, value in detail.items() if key in DETAILS and value]


def _plain(key: str, value: Any) -> str:
    if key in PER_CENT:
        return formats.percent(value)
    if key == "reason":
        return str(REASONS.get(value, value))
    if key == "engine":
        return str(VERDICTS.get(value, value))
    if isinstance(value, list | tuple):
        return formats.number(len(value))
    return formats.number(value) if isinstance(value, int | float) else str(value)
