"""A set of questions with what is expected of each, put to a version before customers meet it."""

import time
from dataclasses import replace
from uuid import UUID

from sqlalchemy import delete

from appliance.core.box import Box
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.working_hours import ALWAYS
from appliance.domains.agents import queries
from appliance.domains.agents.actions.compose import ask_documents, compose
from appliance.domains.agents.errors import EvaluationUnderWay, NothingToAsk
from appliance.domains.agents.events import AgentChanged, EvaluationFinished, EvaluationProgressed
from appliance.domains.agents.rules import grading
from appliance.domains.agents.schemas import AgentSettings, QuestionIn
from appliance.domains.agents.tables import AgentQuestion, Evaluation, EvaluationResult
from appliance.domains.agents.types import EvaluationState, Said, Situation, VersionState


def add_question(uow: UnitOfWork, agent_id: UUID, given: QuestionIn) -> AgentQuestion:
    """Raises NothingToAsk once the set is full."""
    agent = queries.lock_agent(uow, agent_id)
    if queries.count_questions(uow, agent.id) >= queries.MAX_QUESTIONS:
        raise NothingToAsk(_("This agent has as many questions as it can have. Remove some first."))
    question = AgentQuestion(tenant_id=uow.tenant_id, agent_id=agent.id, created_at=uow.now)
    _fill(question, given)
    uow.session.add(question)
    uow.session.flush()
    uow.emit(AgentChanged(agent.id))
    return question


def change_question(uow: UnitOfWork, question_id: UUID, given: QuestionIn) -> AgentQuestion:
    """What was answered to it before proves nothing any more."""
    question = queries.get_question(uow, question_id)
    _fill(question, given)
    uow.session.execute(delete(EvaluationResult).where(EvaluationResult.question_id == question.id))
    uow.emit(AgentChanged(question.agent_id))
    return question


def remove_question(uow: UnitOfWork, question_id: UUID) -> None:
    question = queries.get_question(uow, question_id)
    uow.emit(AgentChanged(question.agent_id))
    uow.session.delete(question)


def _fill(question: AgentQuestion, given: QuestionIn) -> None:
    question.question, question.expected = given.question, given.expected
    question.context = [turn.model_dump() for turn in given.context]
    question.facts, question.forbidden = list(given.facts), list(given.forbidden)


def start_evaluation(uow: UnitOfWork, agent_id: UUID) -> Evaluation:
    """Of the draft, else of what is published. Raises NothingToAsk, EvaluationUnderWay."""
    agent = queries.lock_agent(uow, agent_id)
    if queries.find_running(uow, agent.id) is not None:
        raise EvaluationUnderWay(_("The questions are being asked right now. Wait for the result."))
    total = queries.count_questions(uow, agent.id)
    if not total:
        raise NothingToAsk(_("Write at least one question first."))
    version = queries.find_version(uow, agent.id, VersionState.DRAFT) or queries.find_version(uow, agent.id, VersionState.PUBLISHED)
    assert version is not None  # an agent is made with a draft
    baseline = queries.find_baseline(uow, agent.id)
    evaluation = Evaluation(
        tenant_id=uow.tenant_id, agent_id=agent.id, version=version.number, settings=version.settings, total=total,
        state=EvaluationState.RUNNING, baseline_id=baseline.id if baseline else None, created_by=uow.actor.id, created_at=uow.now,
        done=0, passed=0, regressed=0,
    )  # fmt: skip
    uow.session.add(evaluation)
    uow.session.flush()
    uow.emit(EvaluationProgressed(agent.id, evaluation.id))
    return evaluation


def ask_question(box: Box, tenant_id: UUID, evaluation: Evaluation, question: AgentQuestion, *, was_passed: bool) -> EvaluationResult:
    """Put one question as a contact would. Opens its own units, because it asks models. Raises Unavailable while they are away."""
    started = time.perf_counter()
    situation = _situation(evaluation, question)
    decision = compose(situation, lambda asked, facing: ask_documents(box, tenant_id, asked, facing, keep=False)).decision
    found = grading.grade(question.expected, decision, facts=question.facts, forbidden=question.forbidden)
    return EvaluationResult(
        tenant_id=tenant_id, evaluation_id=evaluation.id, question_id=question.id, question=question.question, text=decision.text,
        passed=found.passed, regressed=was_passed and not found.passed, missing=list(found.missing), said=list(found.said),
        outcome=decision.outcome, reason=decision.reason, took_ms=round((time.perf_counter() - started) * 1000),
    )  # fmt: skip


def _situation(evaluation: Evaluation, question: AgentQuestion) -> Situation:
    """People count as present, so that the result does not depend on the hour."""
    policy = replace(queries.policy_from(AgentSettings.model_validate(evaluation.settings)), calendar=ALWAYS)
    said = [*(Said(turn["role"] == "contact", turn["text"]) for turn in question.context), Said(by_contact=True, text=question.question)]
    return Situation.of_question(evaluation.agent_id, (evaluation.version, policy), said, evaluation.created_at)


def keep_results(uow: UnitOfWork, evaluation_id: UUID, results: list[EvaluationResult], *, all_asked: bool) -> None:
    """What was asked until now; then the next slice is due. Counted anew, since a question changed meanwhile is asked again."""
    evaluation = queries.get_evaluation(uow, evaluation_id)
    uow.session.add_all(results)
    uow.session.flush()
    evaluation.done, evaluation.passed, evaluation.regressed = queries.count_results(uow, evaluation.id)
    if all_asked:
        _finish(uow, evaluation)
    else:
        uow.emit(EvaluationProgressed(evaluation.agent_id, evaluation.id))


def _finish(uow: UnitOfWork, evaluation: Evaluation) -> None:
    """A question removed meanwhile is not missed."""
    evaluation.state, evaluation.total, evaluation.finished_at = EvaluationState.FINISHED, evaluation.done, uow.now
    uow.emit(EvaluationFinished(evaluation.agent_id, evaluation.id, evaluation.passed == evaluation.total))
