"""Colleagues named in a note stand out, and so do members of a group in what is said there."""

import re
from collections.abc import Iterable

from markupsafe import Markup, escape


def marked(html: Markup, names: Iterable[str], *, wholly: bool = False) -> Markup:
    """`html` is a note as the page shows it: escaped text in which no tag holds an @. `wholly`: a first name alone names nobody."""
    known = [" ".join(name.split()) for name in names if name.strip()]
    words = sorted({*known, *(name.split()[0] for name in known if not wholly)}, key=len, reverse=True)
    if not words:
        return html
    pattern = re.compile(rf"(?<![\w@])@({'|'.join(re.escape(str(escape(word))) for word in words)})(?!\w)", re.IGNORECASE)
    return Markup(pattern.sub(r'<span class="mention">@\1</span>', str(html)))  # noqa: S704 - of what is escaped already
