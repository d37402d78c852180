"""Who is meant by `@Name` in a note."""

import re
from collections.abc import Mapping
from uuid import UUID

_NOT_IN_WORD = r"(?<![\w@])@{name}(?!\w)"


def find_mentioned(text: str, names: Mapping[UUID, str]) -> frozenset[UUID]:
    """By full name, or by a first name that only one of them has. A longer name is not taken for a shorter one that begins it."""
    firsts: dict[str, list[UUID]] = {}
    for user_id, name in names.items():
        firsts.setdefault(name.split(maxsplit=1)[0].casefold() if name.strip() else "", []).append(user_id)
    rest, found = text, set()
    for user_id, name in sorted(names.items(), key=lambda item: -len(item[1])):
        if name.strip():
            rest, times = _pattern(name).subn(" ", rest)
            found |= {user_id} if times else set()
    found |= {ids[0] for first, ids in firsts.items() if first and len(ids) == 1 and _pattern(first).search(rest)}
    return frozenset(found)


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(_NOT_IN_WORD.format(name=re.escape(name)), re.IGNORECASE)
