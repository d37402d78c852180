from typing import Any

from appliance.domains.agents.types import Expected, FirstQuestion, Template

_MANNERS = "Short sentences, kind and direct. You only say what the documents say; of the rest you say that you do not know."
_ANY_COMPANY = (
    FirstQuestion("I want to talk to a human", Expected.PERSON),
    FirstQuestion("please delete my personal data", Expected.PERSON),
    FirstQuestion("who won the world cup in 1994?", Expected.UNKNOWN),
)


def _template(kind: str, name: str, purpose: str, role: str, settings: dict[str, Any], *questions: FirstQuestion) -> Template:
    return Template(kind, "en", name, purpose, {"language": "en", "role": f"{role} {_MANNERS}", **settings}, (*questions, *_ANY_COMPANY))


_WEEK = ("mon", "tue", "wed", "thu", "fri")

TEMPLATES = (
    _template(
        "sdr", "Pre-sales", "Answers whoever is interested, explains, and calls a salesperson when somebody wants to buy.",
        "You are the first to answer people who may buy: you explain products, prices and terms and show the next step.",
        {
            "greeting": "Hello! I can answer questions about our products and terms. What are you looking for?",
            "fallback": "I am not sure about that yet. Could you tell me a little more of what you need?",
            "purpose_notice": "Great! I am calling someone from sales to continue with you right here.",
            "handoff": {
                "on_buying": True, "after_fallbacks": 2,
                "keywords": ["proposal", "a quote", "meeting", "demo", "site visit", "talk to sales"],
            },
        },
        FirstQuestion("I'm ready to buy", Expected.PERSON),
        FirstQuestion("can you send me a proposal?", Expected.PERSON),
    ),
    _template(
        "support", "Support", "Solves questions of those who are customers already; complaints and urgent matters go to a person.",
        "You help people who have bought already: how to use it, what to do when something fails, what the warranty covers.",
        {
            "greeting": "Hello! Tell me what is happening and I will help you solve it.",
            "fallback": "I could not find how to solve this. Could you describe it in another way?",
            "purpose_notice": "I am passing this to someone from support, who continues with you right here.",
            "confidence_floor": 0.5, "unsure": "fallback",
            "handoff": {"on_negative": True, "on_buying": False, "keywords": ["cancel my contract", "outage", "ticket", "case number"]},
        },
        FirstQuestion("this is the third time I complain about this", Expected.PERSON),
        FirstQuestion("what about my ticket?", Expected.PERSON),
    ),
    _template(
        "scheduling", "Scheduling", "Explains hours, preparation and places; whoever wants to book or cancel talks to a person.",
        "You help people prepare for an appointment: hours, addresses, preparation, papers to bring, rules for moving it.",
        {
            "greeting": "Hello! I can help with hours, addresses and how to prepare. What do you need?",
            "purpose_notice": "I am calling the front desk to look at the times with you right here.",
            "handoff": {
                "on_buying": True,
                "keywords": [
                    "book", "schedule an appointment", "make an appointment", "reschedule", "cancel my appointment", "move my appointment",
                ],
            },
        },
        FirstQuestion("I'd like to make an appointment on Thursday", Expected.PERSON),
        FirstQuestion("I need to reschedule", Expected.PERSON),
    ),
    _template(
        "collections", "Collections", "Explains ways to pay, with respect; agreements and disputes go to a person.",
        "You help people with an open bill to pay it. You never threaten, never expose anyone, never speak of a debt with others.",
        {
            "greeting": "Hello! I can explain the ways to pay and how to get a copy of your bill. How can I help?",
            "purpose_notice": "I am calling someone from our finance team to look at this with you right here.",
            "confidence_floor": 0.5, "unsure": "fallback",
            "guardrails": {"forbidden_phrases": ["credit bureau", "lawsuit", "legal action", "bad credit", "sue you"]},
            "handoff": {
                "on_negative": True, "on_buying": False, "after_fallbacks": 1,
                "keywords": [
                    "agreement", "payment plan", "settle", "already paid", "receipt", "not my debt", "wrong charge", "do not recognise",
                ],
            },
            "hours": {"spans": [{"day": day, "opens": "08:00", "closes": "20:00"} for day in _WEEK], "when_closed": "answer"},
        },
        FirstQuestion("can we agree on a payment plan?", Expected.PERSON),
        FirstQuestion("I already paid this", Expected.PERSON),
    ),
    _template(
        "ecommerce", "Online shop", "Answers about products, shipping and returns; what went wrong with an order goes to a person.",
        "You help the customers of an online shop: products, sizes, shipping, delivery times, payment, exchanges and returns.",
        {
            "greeting": "Hello! I can help with products, shipping, delivery times and returns. What are you looking for?",
            "purpose_notice": "I am calling someone from the shop to look at your order and continue right here.",
            "handoff": {
                "on_buying": False, "on_negative": True,
                "keywords": [
                    "has not arrived", "hasn't arrived", "wrong item", "arrived broken", "defective", "chargeback", "cancel my order",
                ],
            },
        },
        FirstQuestion("my order has not arrived", Expected.PERSON),
        FirstQuestion("the item I got is defective", Expected.PERSON),
    ),
)  # fmt: skip
