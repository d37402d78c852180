"""What stands at a message beside its own words: the message it answers, and who reacted to it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from appliance.core.i18n import lazy_gettext as _
from appliance.core.shortening import shortened
from appliance.core.uow import UnitOfWork
from appliance.domains.channels.types import Kind
from appliance.domains.conversations import queries
from appliance.domains.conversations.schemas import ConversationOut, MessageOut
from appliance.domains.conversations.types import DELETED, Direction, MessageKind, MessageStatus
from webui.citations import cited
from webui.inbox import parts, presenting
from webui.inbox.parts import Quoted, Reacted
from webui.inbox.presenting import Bubble

EMOJIS = ("👍", "❤️", "😂", "😮", "😢", "🙏")
LONGEST = 120
ON_ITS_WAY = frozenset({MessageStatus.QUEUED, MessageStatus.SENDING})
FAILED = frozenset({MessageStatus.FAILED, MessageStatus.UNCONFIRMED})
NOT_THERE = frozenset({*ON_ITS_WAY, *FAILED, MessageStatus.CANCELLED})
_LOST = _("A message that is not here")


def bubbles(uow: UnitOfWork, found: ConversationOut, messages: Sequence[MessageOut], *, contact_name: str, kind: Kind) -> list[Bubble]:
    """As `presenting` shows them, with what they answer and the reactions to them."""
    shown = presenting.bubbles(uow, messages, contact_name=contact_name, in_group=found.is_group)
    marks = _reactions(uow, [row.id for row in messages if row.deleted_at is None], contact_name)
    quotes = _quotes(uow, messages, contact_name) if kind.quotes else {}
    can_answer = kind.quotes or MessageKind.REACTION in kind.carries
    return [
        replace(bubble, quote=quotes.get(row.id), reactions=marks.get(row.id, ()), line=_line(row) if can_answer and _is_there(row) else "")
        for bubble, row in zip(shown, messages, strict=True)
    ]


def _is_there(row: MessageOut) -> bool:
    """With the customer, as a message of its own."""
    is_said = row.direction is not Direction.INTERNAL and row.kind is not MessageKind.REACTION
    return is_said and row.deleted_at is None and row.status not in NOT_THERE


def _line(row: MessageOut) -> str:
    """Its first line, or what kind of thing it is."""
    if row.deleted_at is not None:
        return str(presenting.WORDLESS[DELETED])
    said = str(row.content.get("text") or row.content.get("caption") or "")
    first = next((line.strip() for line in said.splitlines() if line.strip()), "")
    if first:
        return shortened(cited(first, len(row.sources or ()), "", linked=False).striptags(), LONGEST)
    name = str((row.content.get("media") or {}).get("filename") or "")
    kind = str(presenting.WORDLESS.get(f"[{parts.shown_as(row)}]") or parts.without_text(row))
    return f"{kind}: {name}" if name else kind


def _quotes(uow: UnitOfWork, messages: Iterable[MessageOut], contact_name: str) -> dict[UUID, Quoted]:
    answers = [row for row in messages if row.kind is not MessageKind.REACTION and (row.reply_to_id or row.content.get("quotes"))]
    originals = _originals(uow, {row.reply_to_id for row in answers if row.reply_to_id})
    names = presenting.names_of(uow, list(originals.values()))
    return {row.id: _quoted(originals.get(row.reply_to_id) if row.reply_to_id else None, names, contact_name) for row in answers}


def _originals(uow: UnitOfWork, ids: Collection[UUID]) -> dict[UUID, MessageOut]:
    return {key: MessageOut.model_validate(row) for key, row in queries.find_messages(uow, ids).items()}


def _quoted(original: MessageOut | None, names: Mapping[UUID, str], contact_name: str) -> Quoted:
    if original is None:
        return Quoted(None, "", str(_LOST))
    return Quoted(original.number, _who(original, names, contact_name), _line(original))


def _who(row: MessageOut, names: Mapping[UUID, str], contact_name: str) -> str:
    return parts.member_of(row) or presenting.author_of(row, names, contact_name)


def _reactions(uow: UnitOfWork, ids: Sequence[UUID], contact_name: str) -> dict[UUID, tuple[Reacted, ...]]:
    rows = [MessageOut.model_validate(row) for row in queries.list_reactions(uow, ids)]
    names = presenting.names_of(uow, rows)
    by_message: dict[UUID, dict[str, list[MessageOut]]] = {}
    for row in rows:
        if row.reply_to_id:
            by_message.setdefault(row.reply_to_id, {}).setdefault(_hand(row), []).append(row)
    return {key: _marks(hands, names, contact_name) for key, hands in by_message.items()}


def _hand(row: MessageOut) -> str:
    """Of one hand only the last reaction stands. The number has one, whoever of the team used it."""
    if row.direction is Direction.OUTBOUND:
        return "ours"
    return str((row.content.get("author") or {}).get("jid", ""))


def _marks(hands: Mapping[str, Sequence[MessageOut]], names: Mapping[UUID, str], contact_name: str) -> tuple[Reacted, ...]:
    """The same of several members is one mark."""
    marks: dict[str, Reacted] = {}
    for hand, rows in hands.items():
        made = _mark(rows, _who(rows[-1], names, contact_name), is_ours=hand == "ours")
        if made is None:
            continue
        before = marks.get(made.emoji)
        marks[made.emoji] = made if before is None else replace(
            made, names=f"{before.names}, {made.names}", count=before.count + 1, is_ours=before.is_ours or made.is_ours,
            failed_id=before.failed_id or made.failed_id, failure=before.failure or made.failure,
            is_waiting=before.is_waiting or made.is_waiting,
        )  # fmt: skip
    return tuple(marks.values())


def _mark(rows: Sequence[MessageOut], who: str, *, is_ours: bool) -> Reacted | None:
    last, emoji = rows[-1], str(rows[-1].content.get("emoji", ""))
    has_failed = last.status in FAILED
    if not emoji and has_failed:  # it could not be taken back: the one before still stands
        emoji = next((str(row.content["emoji"]) for row in rows[::-1] if row.content.get("emoji") and row.status not in FAILED), "")
    if not emoji:
        return None
    return Reacted(
        emoji=emoji, names=who, count=1, is_ours=is_ours, is_waiting=last.status in ON_ITS_WAY,
        failed_id=last.id if has_failed else None, failure=parts.failure_of(last) if has_failed else "",
    )  # fmt: skip
