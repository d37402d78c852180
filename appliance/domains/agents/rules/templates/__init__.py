"""Agents to start from: what each kind is for, how it speaks, when it calls a person, and first questions to hold it to."""

from appliance.domains.agents.rules.templates import english, portuguese
from appliance.domains.agents.types import Template

TEMPLATES: tuple[Template, ...] = (*portuguese.TEMPLATES, *english.TEMPLATES)
KINDS = tuple(dict.fromkeys(template.kind for template in TEMPLATES))


def find_template(kind: str, language: str) -> Template | None:
    return next((template for template in TEMPLATES if (template.kind, template.language) == (kind, language)), None)
