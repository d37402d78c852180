"""What an agent did: its figures for some days, and its turns one by one."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from flask import render_template

from appliance.core.uow import UnitOfWork
from appliance.core.web import PageQuery
from appliance.domains.agents import queries
from webui.studio.pages import pages
from webui.studio.words import OUTCOMES, REASONS

PERIODS = (7, 30, 90)


class FiguresQuery(PageQuery):
    days: Literal["7", "30", "90"] = "30"


@pages.get("/agents/<uuid:agent_id>/figures", permission="agents:read", query=FiguresQuery)
def figures(uow: UnitOfWork, agent_id: UUID, query: FiguresQuery) -> str:
    period = timedelta(days=int(query.days))
    return render_template(
        "studio/figures.html", agent=queries.get_agent(uow, agent_id), days=int(query.days), periods=PERIODS,
        now=queries.measure_agent(uow, agent_id, since=uow.now - period), page=queries.list_agent_runs(uow, agent_id, query),
        outcomes=OUTCOMES, reasons=REASONS,
    )  # fmt: skip
