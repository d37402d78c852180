"""Reads of an agent's question set and of the evaluations run with it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from appliance.core import deliveries
from appliance.core.rows import required
from appliance.core.uow import UnitOfWork
from appliance.domains.agents.errors import EvaluationNotFound, QuestionNotFound
from appliance.domains.agents.queries.agents import find_version, get_agent
from appliance.domains.agents.tables import AgentQuestion, AgentVersion, Evaluation, EvaluationResult
from appliance.domains.agents.types import EvaluationState, VersionState

MAX_QUESTIONS = 500
SHOWN_EVALUATIONS = 50


def get_question(uow: UnitOfWork, question_id: UUID) -> AgentQuestion:
    return required(uow.session.get(AgentQuestion, question_id), QuestionNotFound)


def list_questions(uow: UnitOfWork, agent_id: UUID) -> Sequence[AgentQuestion]:
    get_agent(uow, agent_id)
    wanted = select(AgentQuestion).where(AgentQuestion.agent_id == agent_id)
    return uow.session.scalars(wanted.order_by(AgentQuestion.id).limit(MAX_QUESTIONS)).all()


def list_unanswered(uow: UnitOfWork, evaluation: Evaluation) -> Sequence[AgentQuestion]:
    """Those there were when it began and that have no result in it."""
    answered = select(EvaluationResult.question_id).where(EvaluationResult.evaluation_id == evaluation.id)
    wanted = select(AgentQuestion).where(
        AgentQuestion.agent_id == evaluation.agent_id, AgentQuestion.created_at <= evaluation.created_at, AgentQuestion.id.not_in(answered)
    )  # fmt: skip
    return uow.session.scalars(wanted.order_by(AgentQuestion.id)).all()


def count_questions(uow: UnitOfWork, agent_id: UUID) -> int:
    return uow.session.scalar(select(func.count(AgentQuestion.id)).where(AgentQuestion.agent_id == agent_id)) or 0


def get_evaluation(uow: UnitOfWork, evaluation_id: UUID) -> Evaluation:
    return required(uow.session.get(Evaluation, evaluation_id), EvaluationNotFound)


def list_evaluations(uow: UnitOfWork, agent_id: UUID, *, limit: int = SHOWN_EVALUATIONS) -> Sequence[Evaluation]:
    get_agent(uow, agent_id)
    wanted = select(Evaluation).where(Evaluation.agent_id == agent_id)
    return uow.session.scalars(wanted.order_by(Evaluation.created_at.desc(), Evaluation.id.desc()).limit(limit)).all()


def find_running(uow: UnitOfWork, agent_id: UUID) -> Evaluation | None:
    """One whose work was given up as a dead letter runs no more and is in nobody's way."""
    wanted = select(Evaluation).where(Evaluation.agent_id == agent_id, Evaluation.state == EvaluationState.RUNNING)
    newest = uow.session.scalar(wanted.order_by(Evaluation.created_at.desc(), Evaluation.id.desc()).limit(1))
    return newest if newest is not None and deliveries.is_under_way(uow, str(newest.id)) else None


def find_baseline(uow: UnitOfWork, agent_id: UUID) -> Evaluation | None:
    """What a new evaluation is compared with: the last one of the version that answers customers, else the last one of all."""
    finished = _list_finished(uow, agent_id)
    return _of_version(finished, find_version(uow, agent_id, VersionState.PUBLISHED)) or next(iter(finished), None)


def find_proof(uow: UnitOfWork, agent_id: UUID) -> Evaluation | None:
    """The last finished evaluation of just what the draft says now."""
    return _of_version(_list_finished(uow, agent_id), find_version(uow, agent_id, VersionState.DRAFT))


def _list_finished(uow: UnitOfWork, agent_id: UUID) -> list[Evaluation]:
    return [one for one in list_evaluations(uow, agent_id) if one.state is EvaluationState.FINISHED]


def _of_version(finished: Sequence[Evaluation], version: AgentVersion | None) -> Evaluation | None:
    """The last of them that was asked of just what the version says."""
    return next((one for one in finished if version is not None and one.settings == version.settings), None)


def is_proven(uow: UnitOfWork, agent_id: UUID) -> bool:
    """Each question of the set as it is now was asked of the draft as it is now, and passed."""
    questions = set(uow.session.scalars(select(AgentQuestion.id).where(AgentQuestion.agent_id == agent_id)))
    proof = find_proof(uow, agent_id)
    return not questions or (proof is not None and questions <= list_passed(uow, proof.id))


def list_results(uow: UnitOfWork, evaluation_id: UUID) -> Sequence[EvaluationResult]:
    """In the order of the questions."""
    wanted = select(EvaluationResult).where(EvaluationResult.evaluation_id == evaluation_id)
    return uow.session.scalars(wanted.order_by(EvaluationResult.question_id)).all()


def count_results(uow: UnitOfWork, evaluation_id: UUID) -> tuple[int, int, int]:
    """All, those that passed, and those that passed the time before only."""
    count = func.count(EvaluationResult.id)
    counting = select(count, count.filter(EvaluationResult.passed.is_(True)), count.filter(EvaluationResult.regressed.is_(True)))
    done, passed, regressed = uow.session.execute(counting.where(EvaluationResult.evaluation_id == evaluation_id)).one()
    return done, passed, regressed


def list_passed(uow: UnitOfWork, evaluation_id: UUID | None) -> frozenset[UUID]:
    passed = select(EvaluationResult.question_id).where(EvaluationResult.evaluation_id == evaluation_id, EvaluationResult.passed.is_(True))
    return frozenset(uow.session.scalars(passed))
