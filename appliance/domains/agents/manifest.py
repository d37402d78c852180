from appliance.core.manifest import Manifest, Subscription
from appliance.domains.agents import queries, subscribers
from appliance.domains.agents.api import ASK, READ, WRITE, api, openai
from appliance.domains.agents.api.assisting import api as assisting
from appliance.domains.agents.api.evaluations import api as evaluations
from appliance.domains.agents.api.ia import api as ia
from appliance.domains.agents.api.suggesting import api as suggesting
from appliance.domains.agents.events import (
    AgentChanged,
    AnswerDue,
    EvaluationFinished,
    EvaluationProgressed,
    ReplyDecided,
)
from appliance.domains.conversations.events import HandoffRequested, MessageReceived, MessageTranscribed

_KEEPERS = ("owner", "admin")
_ALL = (*_KEEPERS, "manager", "rep", "agent", "read_only")

MANIFEST = Manifest(
    "agents",
    apis=(api, assisting, evaluations, ia, openai, suggesting),
    subscriptions=(
        Subscription(MessageReceived, subscribers.begin_turn, queue="fast"),
        Subscription(MessageTranscribed, subscribers.take_up_words, queue="fast"),
        Subscription(AnswerDue, subscribers.answer, queue="fast", mode="staged"),
        Subscription(HandoffRequested, subscribers.summarise_handed_off, mode="staged"),
        Subscription(EvaluationProgressed, subscribers.evaluate, queue="slow", mode="staged"),
    ),
    known={"agent": queries.agent_exists},
    permissions={READ: _ALL, WRITE: _KEEPERS, ASK: _ALL[:-1]},
    live={
        AgentChanged: READ,
        EvaluationProgressed: READ,
        EvaluationFinished: READ,
        ReplyDecided: "conversations:read",
    },
)
