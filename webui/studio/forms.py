"""The agent's form: flat fields in the browser, the nested settings of the domain behind it."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field

from appliance.core.web import Schema
from appliance.domains.agents.schemas import AgentSettings
from webui import hours
from webui.formats import number

_FLAT = (
    "role", "persona", "language", "greeting", "identity", "fallback", "handoff_notice", "purpose_notice", "closed_notice",
    "unsure", "knowledge", "model", "temperature",
    "max_tokens",
)  # fmt: skip

# "1,5" or "1.5": a person writes the decimal mark of their own language
Decimal = Annotated[float, BeforeValidator(lambda said: said.replace(",", ".") if isinstance(said, str) else said)]


class NewAgentForm(Schema):
    """`template` is "kind:language"; empty starts from nothing."""

    name: str = Field(min_length=1, max_length=120)
    template: str = Field("", max_length=60, pattern=r"^([a-z]+:(pt|en))?$")


class AgentForm(hours.WeekForm):
    """`keywords`, `forbidden_phrases` and `allowed_topics` are one to a line; `confidence_floor` in per cent.

    `changed_at` is the change the form was filled from.
    """

    name: str = Field(min_length=1, max_length=120)
    role: str = Field("", max_length=8000)
    persona: str = Field("", max_length=2000)
    language: Literal["pt", "en"] = "pt"
    greeting: str = Field("", max_length=1000)
    identity: str = Field("", max_length=1000)
    fallback: str = Field("", max_length=1000)
    handoff_notice: str = Field("", max_length=1000)
    purpose_notice: str = Field("", max_length=1000)
    closed_notice: str = Field("", max_length=1000)
    confidence_floor: int = Field(0, ge=0, le=100)
    unsure: Literal["send", "fallback"] = "send"
    knowledge: Literal["agent", "all"] = "agent"
    wait_s: Decimal = Field(1.5, ge=0, le=30)
    model: str = Field("", max_length=120)
    temperature: Decimal = Field(0.2, ge=0, le=2)
    max_tokens: int = Field(300, ge=16, le=4000)
    keywords: str = Field("", max_length=20_000)
    forbidden_phrases: str = Field("", max_length=20_000)
    allowed_topics: str = Field("", max_length=20_000)
    price_to_person: bool = False
    payment_to_person: bool = False
    on_request: bool = False
    on_complaint: bool = False
    on_negative: bool = False
    on_buying: bool = False
    after_fallbacks: int = Field(2, ge=0, le=10)
    timezone: str = Field("America/Sao_Paulo", max_length=60)
    when_closed: Literal["answer", "hand_off"] = "answer"
    changed_at: AwareDatetime | None = None

    def settings(self, before: AgentSettings) -> AgentSettings:
        """Raises pydantic.ValidationError, Refused. What the form does not show stays as it was `before`."""
        kept = before.model_dump(mode="json")
        flat = {name: getattr(self, name) for name in _FLAT}
        guardrails = {
            "forbidden_phrases": lines(self.forbidden_phrases),
            "allowed_topics": lines(self.allowed_topics),
            "price_to_person": self.price_to_person,
            "payment_to_person": self.payment_to_person,
        }
        handoff = {
            **kept["handoff"],
            "keywords": lines(self.keywords),
            "on_request": self.on_request,
            "on_complaint": self.on_complaint,
            "on_negative": self.on_negative,
            "on_buying": self.on_buying,
            "after_fallbacks": self.after_fallbacks,
        }
        opening = {"timezone": self.timezone, "when_closed": self.when_closed, "spans": self.spans()}
        floor = self.confidence_floor / 100
        wait = round(self.wait_s * 1000)
        rules = {"guardrails": guardrails, "handoff": handoff, "hours": opening}
        return AgentSettings.model_validate({**kept, **flat, **rules, "debounce_ms": wait, "confidence_floor": floor})


def values_of(name: str, settings: AgentSettings) -> dict[str, Any]:
    """What the form shows for these settings."""
    shown: dict[str, Any] = {"name": name, **{field: getattr(settings, field) for field in _FLAT}}
    shown["wait_s"], shown["temperature"] = number(settings.debounce_ms / 1000), number(settings.temperature)
    shown["confidence_floor"] = round(settings.confidence_floor * 100)
    shown["keywords"] = "\n".join(settings.handoff.keywords)
    shown["forbidden_phrases"] = "\n".join(settings.guardrails.forbidden_phrases)
    shown["allowed_topics"] = "\n".join(settings.guardrails.allowed_topics)
    for field in ("price_to_person", "payment_to_person"):
        shown[field] = getattr(settings.guardrails, field)
    for field in ("on_request", "on_complaint", "on_negative", "on_buying", "after_fallbacks"):
        shown[field] = getattr(settings.handoff, field)
    shown["timezone"], shown["when_closed"] = settings.hours.timezone, settings.hours.when_closed
    return {**shown, **hours.shown(settings.hours.spans)}


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
