"""What an agent did: its turns one by one, and in figures."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import ColumnElement

from appliance.core.paging import read_page
from appliance.core.uow import UnitOfWork
from appliance.core.web.schema import Page, PageQuery
from appliance.domains.agents.queries.agents import get_agent
from appliance.domains.agents.schemas import FiguresOut
from appliance.domains.agents.tables import ReplyRun
from appliance.domains.agents.types import Outcome

P95 = 0.95


def list_agent_runs(uow: UnitOfWork, agent_id: UUID, query: PageQuery) -> Page[ReplyRun]:
    """Newest first."""
    get_agent(uow, agent_id)
    wanted = select(ReplyRun).where(ReplyRun.agent_id == agent_id).order_by(ReplyRun.created_at.desc(), ReplyRun.id.desc())
    return read_page(uow, wanted, query)


def find_last_run(uow: UnitOfWork, agent_id: UUID) -> ReplyRun | None:
    wanted = select(ReplyRun).where(ReplyRun.agent_id == agent_id)
    return uow.session.scalar(wanted.order_by(ReplyRun.created_at.desc(), ReplyRun.id.desc()).limit(1))


def measure_agent(uow: UnitOfWork, agent_id: UUID, *, since: datetime) -> FiguresOut:
    get_agent(uow, agent_id)
    of_agent = (ReplyRun.agent_id == agent_id, ReplyRun.created_at >= since)
    outcomes = _counted(uow, ReplyRun.outcome, *of_agent)
    reasons = _counted(uow, ReplyRun.reason, *of_agent, ReplyRun.outcome == Outcome.HAND_OFF)
    conversations = _conversations(uow, *of_agent)
    handed = _conversations(uow, *of_agent, ReplyRun.outcome == Outcome.HAND_OFF)
    turns = sum(outcomes.values())
    return FiguresOut(
        conversations=conversations, turns=turns, sent=outcomes.get(Outcome.SEND, 0), fallbacks=outcomes.get(Outcome.FALLBACK, 0),
        hand_offs=outcomes.get(Outcome.HAND_OFF, 0), silent=outcomes.get(Outcome.SILENCE, 0),
        deflection=round(1 - handed / conversations, 3) if conversations else None, reasons=reasons,
        mean_ms=round(uow.session.scalar(select(func.avg(ReplyRun.took_ms)).where(*of_agent)) or 0),
        p95_ms=_slowest(uow, int(turns * P95), *of_agent),
    )  # fmt: skip


def _counted(uow: UnitOfWork, column: InstrumentedAttribute[Any], *wanted: ColumnElement[bool]) -> dict[str, int]:
    rows = uow.session.execute(select(column, func.count(ReplyRun.id)).where(*wanted).group_by(column))
    return {str(name): count for name, count in rows if name is not None}


def _conversations(uow: UnitOfWork, *wanted: ColumnElement[bool]) -> int:
    return uow.session.scalar(select(func.count(distinct(ReplyRun.conversation_id))).where(*wanted)) or 0


def _slowest(uow: UnitOfWork, place: int, *wanted: ColumnElement[bool]) -> int:
    ordered = select(ReplyRun.took_ms).where(*wanted).order_by(ReplyRun.took_ms)
    return uow.session.scalar(ordered.offset(place).limit(1)) or 0
