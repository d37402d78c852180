from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class AgentChanged:
    agent_id: UUID


@dataclass(frozen=True)
class AnswerDue:
    """The contact has had time to finish: it is the agent's turn, if this is still the last message."""

    conversation_id: UUID
    message_id: UUID
    number: int

    @property
    def ordering_key(self) -> str:
        return str(self.conversation_id)


@dataclass(frozen=True)
class AgentWriting:
    """The agent owes an answer and makes it up, or has ended without one. Only whispered."""

    conversation_id: UUID
    writes: bool


@dataclass(frozen=True)
class ReplyDecided:
    """A run of the pipeline has ended and can be read."""

    conversation_id: UUID
    run_id: UUID
    outcome: str


@dataclass(frozen=True)
class EvaluationProgressed:
    """It has begun, or a slice of its questions has results: the next one is due."""

    agent_id: UUID
    evaluation_id: UUID

    @property
    def ordering_key(self) -> str:
        return str(self.evaluation_id)


@dataclass(frozen=True)
class EvaluationFinished:
    agent_id: UUID
    evaluation_id: UUID
    passed: bool
