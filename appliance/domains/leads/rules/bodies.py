"""What a body has to be before anything of it is believed."""

import json
import re

_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")  # written as one; two of them make a whole


def read_json(body: bytes) -> tuple[str, object]:
    """As text and as what it says. Raises ValueError, RecursionError."""
    text = body.decode("utf-8")
    said = json.loads(text)
    if _HALF_CHARACTER.search(body):
        json.dumps(said, ensure_ascii=False).encode("utf-8")
    return text, said
