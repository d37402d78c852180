"""A phone on the screen: an admin writes as a customer, through the same path a real message takes."""

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import Field
from werkzeug import Response

from appliance.core.i18n import gettext
from appliance.core.uow import UnitOfWork
from appliance.core.web import Call, Schema, read_form
from appliance.domains.agents import actions as trying
from appliance.domains.agents import queries as agents
from appliance.domains.channels import actions, queries
from appliance.domains.channels.schemas import ChannelIn, ChannelOut
from appliance.domains.channels.types import SIMULATOR
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.schemas import MessageOut
from webui.inbox import presenting
from webui.studio.pages import pages

WRITE = "channels:write"
SHOWN = 60


class WindowQuery(Schema):
    after: int = Field(0, ge=0)


class SimulatorForm(Schema):
    agent_id: UUID | None = None


class PhoneQuery(Schema):
    channel: UUID | None = None


@pages.get("/simulator", permission=WRITE, query=PhoneQuery)
def simulator(uow: UnitOfWork, query: PhoneQuery) -> str:
    phones = _phones(uow)
    chosen = next((phone for phone in phones if phone.id == query.channel), phones[0] if phones else None)
    names = {agent.id: agent.name for agent in agents.list_agents(uow)}
    return render_template("studio/simulator.html", phones=phones, chosen=chosen, agent_names=names)


@pages.get("/simulator/questions/<uuid:agent_id>", permission=WRITE, unit=False)
def simulated_questions(call: Call, agent_id: UUID) -> str:
    """What this agent answers from its documents. Tried one by one, so the page does not wait for it."""
    return render_template("studio/_phone_questions.html", asked=trying.suggest_questions(call.box, call.who.tenant_id, agent_id))


@pages.post("/simulator", permission=WRITE)
def create_simulator(uow: UnitOfWork) -> Response:
    form = read_form(SimulatorForm)
    agent_id = form.value.agent_id if form.value else None
    names = {agent.id: agent.name for agent in agents.list_agents(uow)}
    name = gettext("Simulator of %(name)s", name=names[agent_id]) if agent_id in names else gettext("Simulator")
    made = actions.create_channel(uow, ChannelIn(kind=SIMULATOR, name=name, agent_id=agent_id))
    uow.session.flush()
    if agent_id is None:
        flash(gettext("Nobody answers here until the channel has an agent."))
    return redirect(url_for("studio.simulator", channel=made.id))


@pages.get("/simulator/<uuid:conversation_id>/messages", permission="conversations:read", query=WindowQuery)
def simulated_messages(uow: UnitOfWork, conversation_id: UUID, query: WindowQuery) -> str:
    """What the customer's phone shows: notes and events of the team stay out."""
    found = conversations.get_conversation(uow, conversation_id)
    window = [MessageOut.model_validate(row) for row in conversations.list_messages(uow, found.id, after=query.after, limit=SHOWN)]
    bubbles = [bubble for bubble in presenting.bubbles(uow, window, contact_name="", cites=False) if bubble.side not in {"note", "event"}]
    return render_template("studio/_phone_messages.html", bubbles=bubbles)


def _phones(uow: UnitOfWork) -> list[ChannelOut]:
    found = [ChannelOut.model_validate(channel) for channel in queries.list_channels(uow)]
    return [channel for channel in found if channel.kind == SIMULATOR and channel.active]
