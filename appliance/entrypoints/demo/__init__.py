"""A company of our own invention, for a first look: documents, an agent, conversations that the box itself answers."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from appliance.core.box import Box
from appliance.domains.agents import actions as agents
from appliance.domains.agents.schemas import AgentIn, AgentSettings
from appliance.domains.channels import actions as channels
from appliance.domains.channels.schemas import ChannelIn
from appliance.domains.channels.types import SIMULATOR
from appliance.domains.conversations import queries as conversations
from appliance.domains.conversations.types import Direction
from appliance.domains.identity import actions as identity
from appliance.domains.identity.tables import Tenant, User
from appliance.domains.identity.types import OWNER
from appliance.domains.knowledge import actions as knowledge
from appliance.domains.knowledge import queries as documents
from appliance.domains.knowledge.types import DocumentStatus

SLUG = "demo"
NAME = "Solara Energia (demo)"
FOLDER = Path(__file__).parent / "documents"
PATIENCE_S = 120.0
REPLY_PATIENCE_S = 10.0

ROLE = (
    "Você é a Lia, da Solara Energia. Ajuda quem pensa em energia solar a entender kits, prazos e garantia."
    " Frases curtas, tom gentil e direto. Nunca promete desconto nem prazo que não esteja nos documentos."
)
CUSTOMERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("beatriz", "Beatriz Nogueira", ("oi! qual a garantia do inversor?", "e quem paga a mão de obra se der problema?")),
    ("renato", "Renato Camargo", ("bom dia, qto custa o kit solar família à vista?",)),
    ("jessica", "Jéssica Sampaio", ("vcs atendem sábado em BH?",)),
    ("otavio", "Otávio Ferraz", ("se faltar luz na rua o sistema continua funcionando?", "quero falar com um atendente")),
    ("luciana", "Luciana Tavares", ("dá pra parcelar no cartão? em quantas vezes sem juros?",)),
    ("grace", "Grace Miller", ("Hi! Is the site survey free?",)),
    ("ademir", "Ademir Moreira", ("vocês vendem aquecedor de piscina?",)),
)


def load(box: Box) -> Tenant:
    """Once: a box that has the demo is left as it is. Waits until the documents answer, then lets customers write."""
    with box.whole_box("demo") as uow:
        found = uow.session.scalar(select(Tenant).where(Tenant.slug == SLUG))
        if found is not None:
            return found
        tenant = identity.create_tenant(uow, name=NAME, slug=SLUG)
        tenant.settings = {"demo": True}
        operators = uow.session.scalars(select(User).where(User.is_operator)).all()
        for user in operators:
            with identity.as_tenant(uow, tenant.id) as theirs:
                identity.add_member(theirs, user, OWNER)
    try:
        _fill(box, tenant.id)
    except BaseException:
        remove(box)  # half a demo would stay half for ever
        raise
    return tenant


def _fill(box: Box, tenant_id: UUID) -> None:
    for path in sorted(FOLDER.iterdir()):
        with path.open("rb") as file:
            knowledge.upload_document(box, tenant_id, path.name, file)
    _await_documents(box, tenant_id)
    channel_id = _staff(box, tenant_id)
    for visitor, name, lines in CUSTOMERS:
        for line in lines:
            with box.unit(tenant_id) as uow:
                conversation_id = channels.receive_simulated(uow, channel_id, visitor=visitor, name=name, text=line)
            if line != lines[-1]:
                _await_reply(box, tenant_id, conversation_id)


def _await_reply(box: Box, tenant_id: UUID, conversation_id: UUID) -> None:
    """Customers wait for an answer before they ask again."""
    deadline = time.monotonic() + REPLY_PATIENCE_S
    while time.monotonic() < deadline:
        with box.unit(tenant_id, read_only=True) as uow:
            last = conversations.list_messages(uow, conversation_id, limit=1)[-1]
        if last.direction is Direction.OUTBOUND:
            return
        time.sleep(0.2)


def _await_documents(box: Box, tenant_id: UUID) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with box.unit(tenant_id, read_only=True) as uow:
            page = documents.list_documents(uow, limit=100)
        if all(document.status in {DocumentStatus.PROCESSED, DocumentStatus.FAILED} for document in page.items):
            return
        time.sleep(0.2)


def _staff(box: Box, tenant_id: UUID) -> UUID:
    settings = AgentSettings(role=ROLE, debounce_ms=400)
    with box.unit(tenant_id) as uow:
        agent = agents.create_agent(uow, AgentIn(name="Lia", settings=settings), publish_now=True)
        uow.session.flush()
        channel = channels.create_channel(uow, ChannelIn(kind=SIMULATOR, name="Simulador da Lia", agent_id=agent.id))
        uow.session.flush()
        return channel.id


def remove(box: Box) -> bool:
    """The demo tenant with every row, file, vector and its key. False when there was none."""
    with box.whole_box("remove demo", read_only=True) as uow:
        tenant_id = uow.session.scalar(select(Tenant.id).where(Tenant.slug == SLUG))
    if tenant_id is None:
        return False
    identity.erase_tenant(box, tenant_id, namespaces=[documents.vector_namespace(tenant_id)])
    return True
