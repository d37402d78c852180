"""What a document is called. An answer that somebody wrote goes by its question, not by the file it is kept in."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.tables import AnswerGap, Document
from appliance.domains.knowledge.types import ANSWERS_TAG


def names_of(uow: UnitOfWork, documents: Sequence[Document]) -> dict[UUID, str]:
    names = {document.id: document.filename for document in documents}
    written = [document.id for document in documents if ANSWERS_TAG in document.tags]
    if written:
        asked = uow.session.execute(select(AnswerGap.document_id, AnswerGap.question).where(AnswerGap.document_id.in_(written)))
        names.update({row.document_id: " ".join(row.question.split()) for row in asked})
    return names
