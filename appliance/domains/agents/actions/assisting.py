"""A language model helps whoever has the word: it sums up, translates and changes the tone. Without one the box quotes."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TypeVar
from uuid import UUID

from appliance.core.box import Box
from appliance.core.errors import DomainError, Refused
from appliance.core.i18n import current_language
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.agents import queries
from appliance.domains.agents.errors import NothingToRead, NotKept
from appliance.domains.agents.rules import assisting, excerpts
from appliance.domains.agents.types import Line, Mood, Summary, Way, Written
from appliance.domains.conversations import actions as conversations
from appliance.domains.conversations import queries as talks
from appliance.domains.conversations.types import MAX_MAIL
from appliance.inference.types import ChatMessage, ChatResult, Inference, JsonSchema

ATTEMPTS = 2
SUMMARY_TOKENS, LEAST_TOKENS = 500, 200
T = TypeVar("T")


def read_summary(uow: UnitOfWork, conversation_id: UUID) -> Summary:
    """What can be said without asking a model: its last summary while that is true, and the excerpt."""
    newest, lines = queries.list_lines(uow, conversation_id)
    return _known(uow, conversation_id, newest, lines)


def summarise(box: Box, tenant_id: UUID, conversation_id: UUID) -> Summary:
    """Asks the model where nothing is kept. Opens its own units: call it with none open. Raises NoChatEngine, NotKept, Unavailable."""
    with box.unit(tenant_id, read_only=True) as uow:
        newest, lines = queries.list_lines(uow, conversation_id)
        known = _known(uow, conversation_id, newest, lines)
    if known.written is not None:
        return known
    written, engine = write_summary(box, lines)
    with box.unit(tenant_id) as uow:
        if not keep_summary(uow, conversation_id, newest, lines, written, engine):
            return read_summary(uow, conversation_id)
    return Summary(newest, known.excerpt, written, engine)


def keep_summary(uow: UnitOfWork, conversation_id: UUID, up_to: int, read: list[Line], written: Written, engine: str) -> bool:
    """False where something that the model read was changed or deleted while it wrote: its words may say it still."""
    talks.lock_conversation(uow, conversation_id)
    if queries.lines_up_to(uow, conversation_id, up_to) != read:
        return False
    conversations.keep_summary(
        uow, conversation_id, language=current_language(), up_to_number=up_to, content=asdict(written), engine=engine
    )
    return True


def _known(uow: UnitOfWork, conversation_id: UUID, newest: int, lines: list[Line]) -> Summary:
    excerpt = excerpts.excerpt(lines)
    kept = talks.find_summary(uow, conversation_id, current_language())
    if kept is None or kept.up_to_number < newest:
        return Summary(newest, excerpt)
    return Summary(newest, excerpt, _written(kept.content), kept.engine)


def write_summary(box: Box, lines: list[Line]) -> tuple[Written, str]:
    """Raises NothingToRead, NotKept, NoChatEngine, Unavailable."""
    read = [line for line in excerpts.episode(lines) if line.text.strip()]
    if not read:
        raise NothingToRead(_("Nothing has been said here in words yet."))
    told = assisting.ask_summary(read, current_language())
    return _insist(box, told, assisting.SUMMARY, SUMMARY_TOKENS, lambda text: assisting.read_summary(text, read))


def rewrite(box: Box, text: str, way: Way, *, to: str = "", names: Iterable[str] = ()) -> str:
    """All of it or nothing. Raises Refused for a text too long for the model, NotKept, NoChatEngine, Unavailable. No unit may be open."""
    longest = min(MAX_MAIL, box.settings.models.context_tokens)  # a token has two characters and more; question and answer share them
    if len(text) > longest:
        said = _("The language model takes a text of up to %(most)d characters; this one has %(has)d.", most=longest, has=len(text))
        raise Refused(said, fields={"text": said})
    told = assisting.ask_rewrite(text, way, to)
    known, most = tuple(names), LEAST_TOKENS + len(text) // 2
    return _insist(box, told, assisting.TEXT, most, lambda answer: assisting.read_rewrite(answer, text, way, known))[0]


def _insist(box: Box, told: tuple[str, str], schema: JsonSchema, max_tokens: int, read: Callable[[str], T]) -> tuple[T, str]:
    """What was read of its answer, and the model's name. A model that changed what it may not gets another try."""
    refused: DomainError = NotKept(())
    for _attempt in range(ATTEMPTS):
        answer = _ask(box, told, schema, max_tokens)
        try:
            return read(answer.text), answer.model
        except NotKept as err:
            refused = err
    raise refused


def _ask(box: Box, told: tuple[str, str], schema: JsonSchema, max_tokens: int) -> ChatResult:
    messages = [ChatMessage("system", told[0]), ChatMessage("user", told[1])]
    return box.part(Inference).chat(messages, temperature=0.2, max_tokens=max_tokens, schema=schema)


def _written(content: dict[str, object]) -> Written:
    kept = {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}
    return Written(**{**kept, "mood": Mood(str(content["mood"]))})  # type: ignore[arg-type]
