from uuid import UUID

from appliance.core.uow import UnitOfWork
from appliance.domains.knowledge.queries import corpus, search
from appliance.domains.knowledge.queries.corpus import Member, Scope
from appliance.domains.knowledge.rules import suggesting, validity

DOCUMENTS, CHUNKS = 8, 5  # read for one list of suggestions


def suggest_questions(uow: UnitOfWork, agent_id: UUID | None, *, limit: int = 4) -> list[str]:
    """In the words of the documents that an agent knows; none without documents. Reads a few chunks of a few of them."""
    scope = Scope(agent_id=agent_id)
    known = [one for one in corpus.get_snapshot(uow).members if scope.allows(one) and validity.is_in_force(one.standing)][:DOCUMENTS]
    numbers = {number: place for place, one in enumerate(known) for number in _spread(one)}
    paths: list[list[list[str]]] = [[] for _ in known]
    for chunk in sorted(search.read_chunks(uow, numbers), key=lambda chunk: chunk.number):
        paths[numbers[chunk.number]] += [unit["path"] for unit in chunk.units if not unit["quoted"]]
    return suggesting.suggestions(paths, limit)


def _spread(member: Member) -> range:
    """Evenly over the document."""
    return range(member.first_number, member.last_number + 1, max(1, member.chunk_count // CHUNKS))[:CHUNKS]
