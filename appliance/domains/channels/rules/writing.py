"""How often a contact is told that we write, and for how long at most."""

from collections.abc import Iterator
from dataclasses import dataclass, field

PERSON_S = 25.0  # who still types is told again sooner
AGENT_S = 45.0
AGAIN_S = 10.0  # WhatsApp forgets it by itself after about so long
MOST_CHATS = 50  # of one number at once


@dataclass
class _Shown:
    until: float
    told_at: float


@dataclass
class Writing:
    """The chats of one number in which we write. Moments are seconds of a clock that only goes on."""

    again_s: float = AGAIN_S
    _shown: dict[str, _Shown] = field(default_factory=dict)

    def begin(self, chat: str, now: float, *, for_s: float) -> bool:
        """True when the contact is to be told now."""
        shown = self._shown.get(chat)
        if shown is not None:
            shown.until = max(shown.until, now + for_s)
            return False
        if len(self._shown) >= MOST_CHATS:
            return False
        self._shown[chat] = _Shown(now + for_s, now)
        return True

    def end(self, chat: str) -> bool:
        """True when the contact is to be told: a message that was sent says it itself."""
        return self._shown.pop(chat, None) is not None

    def due(self, now: float) -> Iterator[tuple[str, bool]]:
        """Whom to tell again (True), and whom that it is over (False)."""
        for chat, shown in list(self._shown.items()):
            if now >= shown.until:
                self._shown.pop(chat, None)
                yield chat, False
            elif now - shown.told_at >= self.again_s:
                shown.told_at = now
                yield chat, True
