def shortened(text: str, most: int) -> str:
    """At most that many characters, the last of them `…` where something is left out."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
