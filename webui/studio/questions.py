"""The questions an agent has to get right: the set, the last run, what a draft changes, and publishing it."""

from collections.abc import Mapping
from http import HTTPStatus
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import Field, ValidationError
from werkzeug import Response

from appliance.core.errors import DomainError
from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Form, Schema, read_form
from appliance.domains.agents import actions, queries
from appliance.domains.agents.schemas import EvaluationOut, QuestionIn, QuestionOut, ResultOut
from appliance.domains.agents.types import Expected, VersionState
from webui.studio.forms import lines
from webui.studio.pages import pages
from webui.studio.words import EXPECTED, OUTCOMES, REASONS, SETTINGS

READ, WRITE = "agents:read", "agents:write"


class QuestionForm(Schema):
    """`facts` and `forbidden` are one to a line."""

    question: str = Field(min_length=1, max_length=4096)
    expected: Expected = Expected.ANSWER
    facts: str = Field("", max_length=6200)
    forbidden: str = Field("", max_length=6200)

    def wanted(self) -> QuestionIn:
        """Raises pydantic.ValidationError."""
        return QuestionIn(question=self.question, expected=self.expected, facts=lines(self.facts), forbidden=lines(self.forbidden))


@pages.get("/agents/<uuid:agent_id>/questions", permission=READ)
def questions(uow: UnitOfWork, agent_id: UUID) -> str:
    return _page(uow, agent_id, Form(None, {}, {}))


@pages.post("/agents/<uuid:agent_id>/questions", permission=WRITE)
def add_question(uow: UnitOfWork, agent_id: UUID) -> Response | tuple[str, int]:
    form = read_form(QuestionForm)
    if form.value is None:
        return _page(uow, agent_id, form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        actions.add_question(uow, agent_id, form.value.wanted())
    except ValidationError as err:
        return _page(uow, agent_id, form.refused(err)), HTTPStatus.UNPROCESSABLE_ENTITY
    return _back(agent_id)


@pages.post("/agents/questions/<uuid:question_id>/remove", permission=WRITE)
def remove_question(uow: UnitOfWork, question_id: UUID) -> Response:
    agent_id = queries.get_question(uow, question_id).agent_id
    actions.remove_question(uow, question_id)
    return _back(agent_id)


@pages.post("/agents/<uuid:agent_id>/evaluations", permission=WRITE)
def evaluate(uow: UnitOfWork, agent_id: UUID) -> Response:
    try:
        actions.start_evaluation(uow, agent_id)
    except DomainError as err:
        flash(str(err), "bad")
    return _back(agent_id)


@pages.post("/agents/<uuid:agent_id>/publish-anyway", permission=WRITE)
def publish_anyway(uow: UnitOfWork, agent_id: UUID) -> Response:
    version = actions.publish(uow, agent_id, anyway=True)
    flash(gettext("Version %(number)d answers from now on.", number=version.number))
    return redirect(url_for("studio.agent", agent_id=agent_id))


def _back(agent_id: UUID) -> Response:
    return redirect(url_for("studio.questions", agent_id=agent_id))


def _page(uow: UnitOfWork, agent_id: UUID, form: Form[QuestionForm]) -> str:
    asked = [QuestionOut.model_validate(question) for question in queries.list_questions(uow, agent_id)]
    last = next(iter(queries.list_evaluations(uow, agent_id, limit=1)), None)
    results = [ResultOut.model_validate(result) for result in queries.list_results(uow, last.id)] if last else []
    draft = queries.find_version(uow, agent_id, VersionState.DRAFT)
    return render_template(
        "studio/questions.html", agent=queries.get_agent(uow, agent_id), questions=asked, form=form,
        changes=queries.list_changes(uow, agent_id),
        last=EvaluationOut.model_validate(last) if last else None, results={result.question_id: result for result in results},
        draft=draft.number if draft else None, proven=queries.is_proven(uow, agent_id),
        was_asked=queries.find_proof(uow, agent_id) is not None,
        running=queries.find_running(uow, agent_id) is not None,
        expected=EXPECTED, outcomes=OUTCOMES, reasons=REASONS, setting=_setting,
    )  # fmt: skip


def _setting(path: str, value: object = None) -> str:
    """With a path alone its label; with a value the value in words."""
    if value is None:
        return str(SETTINGS.get(path, path))
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list):
        return ", ".join(" ".join(map(str, one.values())) if isinstance(one, Mapping) else str(one) for one in value)
    return str(value)
