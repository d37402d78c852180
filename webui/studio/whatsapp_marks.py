"""WhatsApp's own marks, as its bubble shows them: *bold*, _italic_, ~struck~, ```code```."""

import re

from markupsafe import Markup, escape

_MARKS = (
    (re.compile(r"```(.+?)```", re.DOTALL), r"<code>\1</code>"),
    (re.compile(r"(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w_])_(\S(?:[^_\n]*\S)?)_(?![\w_])"), r"<em>\1</em>"),
    (re.compile(r"(?<![\w~])~(\S(?:[^~\n]*\S)?)~(?![\w~])"), r"<s>\1</s>"),
)


def as_html(text: str) -> Markup:
    """Escaped first: the marks are all that becomes markup."""
    said = str(escape(text))
    for mark, shown in _MARKS:
        said = mark.sub(shown, said)
    return Markup(said.replace("\n", "<br>"))  # noqa: S704 - escaped above
