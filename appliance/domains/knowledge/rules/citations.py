"""`[1]` marks in an answer."""

import re

MARK = re.compile(r"\s*\[(\d{1,2})\]")


def numbers_in(text: str) -> list[int]:
    return [int(number) for number in MARK.findall(text)]


def without(text: str) -> str:
    return MARK.sub("", text).strip()


def drop_dangling(text: str, sources: int) -> str:
    """Marks that point to no source go; the words stay."""
    return MARK.sub(lambda found: found[0] if 0 < int(found[1]) <= sources else "", text)
