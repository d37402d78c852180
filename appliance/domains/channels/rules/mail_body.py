"""The body of a mail template, written in Markdown, as HTML and as plain text. What is filled in is text and nothing else."""

import re
from collections.abc import Mapping
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

from appliance.core.filling import filled

TAGS = {"p", "br", "strong", "em", "a", "ul", "ol", "li", "h1", "h2", "h3", "blockquote", "hr", "code", "pre"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&:/@])")
_MARKS = re.compile(r"(\*\*|__)(.+?)\1", re.DOTALL)
_LINK = re.compile(r"\[([^\[\]]+)\]\(([^()\s]+)\)")  # no bracket inside: thousands of open ones cost no more than their length
_HEADING = re.compile(r"^#{1,6}\s+", re.MULTILINE)


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": True})


def as_html(text: str, values: Mapping[str, str]) -> str:
    """Safe to show and to send: no scripts, styles, pictures or addresses other than whole ones of https, http, mailto and tel."""
    rendered = _markdown().render(filled(text, values, write=_literal))
    schemes = {"https", "http", "mailto", "tel"}
    return nh3.clean(
        rendered, tags=TAGS, attributes={"a": {"href"}}, url_schemes=schemes, url_relative="deny", link_rel="noopener"
    )  # fmt: skip


def _literal(value: str) -> str:
    """A name such as `**[x](https://…)**` is read as it is written."""
    return _SPECIAL.sub(r"\\\1", " ".join(value.split()))


def as_text(text: str, values: Mapping[str, str]) -> str:
    """Without the marks; a link keeps its address behind it."""
    bare = _LINK.sub(lambda found: found[1] if found[1] == found[2] else f"{found[1]} ({found[2]})", text)
    return filled(_HEADING.sub("", _MARKS.sub(r"\2", bare)), values)
