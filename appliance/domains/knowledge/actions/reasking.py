"""Questions without an answer, asked again once the documents have changed."""

from collections.abc import Mapping
from uuid import UUID

from appliance.core.box import Box
from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge import queries
from appliance.domains.knowledge.actions import answers, asked
from appliance.domains.knowledge.actions.asked import Ask
from appliance.domains.knowledge.events import AnswerGapFilled
from appliance.domains.knowledge.rules import asking
from appliance.domains.knowledge.rules.refusal import Band
from appliance.domains.knowledge.types import GapStatus

REASKED = 200  # of the open ones, those asked most often


def reask_gaps(box: Box, tenant_id: UUID) -> dict[UUID, UUID]:
    """Open gaps that the documents answer by now, each with the document. Opens its own units. An answer once called wrong is none."""
    with box.unit(tenant_id, read_only=True) as uow:
        wrong = {(asked.same_gap(queries.asked_as(one), one.language, one.agent_id), one.answer)
                 for one in queries.list_called_wrong(uow, asked.WRONG, REASKED)}
        waiting = [(gap.id, gap.fingerprint, gap.agent_id, gap.question) for gap in queries.list_gaps(uow, limit=REASKED).items]
    found: dict[UUID, UUID] = {}
    for gap_id, fingerprint, agent_id, kept in waiting:
        question, context = asking.out_of_context(kept)
        retrieval, draft = answers.draft_answer(box, tenant_id, question, context, answers.for_agent(Ask(), agent_id))
        if draft.band is Band.ANSWER and (fingerprint, draft.text) not in wrong:
            found[gap_id] = retrieval.place(draft.chunks[0]).document_id
    return found


def close_gaps(uow: UnitOfWork, answered: Mapping[UUID, UUID]) -> None:
    """Those still open, each by the document that answers it."""
    for gap in queries.lock_gaps(uow, answered):
        if gap.status is GapStatus.OPEN:
            gap.status, gap.document_id = GapStatus.FILLED, answered[gap.id]
            uow.emit(AnswerGapFilled(gap.id, answered[gap.id]))
