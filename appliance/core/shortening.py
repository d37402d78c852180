import re

_SENTENCE_ENDS = re.compile(r"[.!?…][\"'”)\]]*(?=\s)|\n")


def shortened(text: str, most: int) -> str:
    """At most that many characters, the last of them `…` where something is left out."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def shortened_at_sentence(text: str, most: int) -> str:
    """The same, after a whole sentence where one ends in the latter half of what may stay."""
    if len(text) <= most:
        return text
    ends = [found.end() for found in _SENTENCE_ENDS.finditer(text, 0, most - 2) if found.end() > most // 2]
    return f"{text[: ends[-1]].rstrip()} …" if ends else shortened(text, most)
