"""The questions an agent has to get right, and how it did."""

from collections.abc import Sequence
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.core.web import Api
from appliance.domains.agents import actions, queries
from appliance.domains.agents.api.agents import READ, WRITE
from appliance.domains.agents.schemas import EvaluationDetailOut, EvaluationOut, QuestionIn, QuestionOut, ResultOut
from appliance.domains.agents.tables import AgentQuestion, Evaluation

api = Api("evaluations")


@api.get("/agents/<uuid:agent_id>/questions", permission=READ, returns=list[QuestionOut])
def list_questions(uow: UnitOfWork, agent_id: UUID) -> Sequence[AgentQuestion]:
    return queries.list_questions(uow, agent_id)


@api.post("/agents/<uuid:agent_id>/questions", permission=WRITE, body=QuestionIn, returns=QuestionOut, status=201)
def add_question(uow: UnitOfWork, agent_id: UUID, body: QuestionIn) -> AgentQuestion:
    return actions.add_question(uow, agent_id, body)


@api.get("/questions/<uuid:question_id>", permission=READ, returns=QuestionOut)
def read_question(uow: UnitOfWork, question_id: UUID) -> AgentQuestion:
    return queries.get_question(uow, question_id)


@api.put("/questions/<uuid:question_id>", permission=WRITE, body=QuestionIn, returns=QuestionOut)
def change_question(uow: UnitOfWork, question_id: UUID, body: QuestionIn) -> AgentQuestion:
    return actions.change_question(uow, question_id, body)


@api.delete("/questions/<uuid:question_id>", permission=WRITE)
def remove_question(uow: UnitOfWork, question_id: UUID) -> None:
    actions.remove_question(uow, question_id)


@api.get("/agents/<uuid:agent_id>/evaluations", permission=READ, returns=list[EvaluationOut])
def list_evaluations(uow: UnitOfWork, agent_id: UUID) -> Sequence[Evaluation]:
    return queries.list_evaluations(uow, agent_id)


@api.post("/agents/<uuid:agent_id>/evaluations", permission=WRITE, returns=EvaluationOut, status=202, summary="Ask them all")
def start_evaluation(uow: UnitOfWork, agent_id: UUID) -> Evaluation:
    return actions.start_evaluation(uow, agent_id)


@api.get("/evaluations/<uuid:evaluation_id>", permission=READ, returns=EvaluationDetailOut)
def get_evaluation(uow: UnitOfWork, evaluation_id: UUID) -> EvaluationDetailOut:
    evaluation = EvaluationOut.model_validate(queries.get_evaluation(uow, evaluation_id))
    results = [ResultOut.model_validate(result) for result in queries.list_results(uow, evaluation_id)]
    return EvaluationDetailOut(**evaluation.model_dump(), results=results)
