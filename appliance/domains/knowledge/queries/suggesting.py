from dataclasses import dataclass
from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.queries import corpus, search
from appliance.domains.knowledge.queries.corpus import Member, Scope
from appliance.domains.knowledge.rules import suggesting, validity

DOCUMENTS, CHUNKS = 8, 5  # read for one list of suggestions


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question and the document that should answer it."""

    question: str
    document_id: UUID


def suggest_questions(uow: UnitOfWork, agent_id: UUID | None, *, limit: int = 16) -> list[Suggestion]:
    """From the documents that an agent knows, to be tried before they are offered; none without documents. Reads a few chunks of a few."""
    scope = Scope(agent_id=agent_id)
    known = [one for one in corpus.get_snapshot(uow).members if scope.allows(one) and validity.is_in_force(one.standing)][:DOCUMENTS]
    numbers = {number: place for place, one in enumerate(known) for number in _spread(one)}
    paths: list[list[list[str]]] = [[] for _ in known]
    for chunk in sorted(search.read_chunks(uow, numbers), key=lambda chunk: chunk.number):
        paths[numbers[chunk.number]] += [unit["path"] for unit in chunk.units if not unit["quoted"]]
    found = suggesting.suggestions(zip((one.language for one in known), paths, strict=True), limit)
    return [Suggestion(question, known[place].document_id) for question, place in found]


def _spread(member: Member) -> range:
    """Evenly over the document."""
    return range(member.first_number, member.last_number + 1, max(1, member.chunk_count // CHUNKS))[:CHUNKS]
