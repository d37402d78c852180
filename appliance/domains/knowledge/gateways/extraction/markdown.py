"""Markdown, read through the HTML it stands for."""

import re

from markdown_it import MarkdownIt

from appliance.domains.knowledge.gateways.extraction import encodings, web
from appliance.domains.knowledge.gateways.extraction.composer import Composer
from appliance.domains.knowledge.gateways.extraction.limits import Limits

_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*\n", re.DOTALL)
_FRONT_FIELD = re.compile(r"^(title|titulo|título|author|autor):\s*[\"']?(.*?)[\"']?\s*$", re.IGNORECASE | re.MULTILINE)


def read(content: bytes, composer: Composer, limits: Limits) -> None:
    del limits
    text, _ = encodings.decode(content)
    text = text.replace("\r\n", "\n").lstrip("\ufeff")
    if front := _FRONT_MATTER.match(text):
        for name, value in _FRONT_FIELD.findall(front.group(1)):
            if name.lower().startswith("t"):
                composer.title = value
            else:
                composer.author = value
        text = text[front.end():]
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    web.compose(parser.render(text), composer, boilerplate=False)
