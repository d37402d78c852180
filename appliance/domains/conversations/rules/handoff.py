"""Who holds the word. Three holders, five moves, no loop: only a person gives the word back to the bot.

    bot --hand_off--> waiting --take_over--> person --hand_back--> bot
    bot --take_over--> person;  waiting --hand_back--> bot;  any --resolve--> (closed; a new message starts afresh)
"""

from datetime import datetime, timedelta
from uuid import UUID

from appliance.domains.conversations.types import Handling, Holder

REMIND_AFTER = timedelta(minutes=10)


def holder(handling: Handling, waiting_since: datetime | None) -> Holder:
    if handling is Handling.BOT:
        return Holder.BOT
    return Holder.PERSON if waiting_since is None else Holder.WAITING


def can_hand_off(now: Holder) -> bool:
    """Only the bot hands off: a conversation already with people is not handed to them again."""
    return now is Holder.BOT


def can_take_over(now: Holder, *, assignee_id: UUID | None, by: UUID | None, forced: bool) -> bool:
    return now is not Holder.PERSON or assignee_id in {None, by} or forced
