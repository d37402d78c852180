"""`[1]` marks in an answer."""

import re

MARK = re.compile(r"\s*\[(\d{1,2})\]")
_AFTER_STOP = re.compile(r"([.!?…])((?:\s*\[\d{1,2}\])+)")


def numbers_in(text: str) -> list[int]:
    return [int(number) for number in MARK.findall(text)]


def without(text: str) -> str:
    return MARK.sub("", text).strip()


def drop_dangling(text: str, sources: int) -> str:
    """Marks that point to no source go; the words stay."""
    return MARK.sub(lambda found: found[0] if 0 < int(found[1]) <= sources else "", text)


def before_stops(text: str) -> str:
    """Marks that follow a full stop belong to the sentence it ends."""
    return _AFTER_STOP.sub(lambda found: f" {found[2].strip()}{found[1]}", text)
