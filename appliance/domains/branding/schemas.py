import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator

from appliance.core.i18n import lazy_gettext as _
from appliance.core.web import Schema
from appliance.domains.branding.types import WORDS, Mark
from appliance.domains.identity.schemas import Colour, Email, Locale

Line = Annotated[str, Field(max_length=80)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Domain = Annotated[str, Field(max_length=253, pattern=r"^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
_NOT_PLAIN = re.compile(r"[<>&%]")
Lockable = Literal["name", "colour", "pictures", "login_text", "support", "mail", "words"]
_GROUPS: dict[str, tuple[str, ...]] = {
    "support": ("support_email", "support_phone", "support_url"), "mail": ("mail_header", "mail_footer"),
}  # fmt: skip


def _is_site(address: str) -> str:
    if address and not address.startswith(("https://", "http://")):
        raise ValueError(str(_("Enter an address that begins with https://.")))
    return address


class _Said(Schema):
    name: Line = ""
    colour: Colour | Literal[""] = ""
    login_text: Annotated[str, Field(max_length=280)] = ""
    support_email: Email | Literal[""] = ""
    support_phone: Annotated[str, Field(max_length=40)] = ""
    support_url: Annotated[str, Field(max_length=200), AfterValidator(_is_site)] = ""
    mail_header: Annotated[str, Field(max_length=200)] = ""
    mail_footer: Annotated[str, Field(max_length=1000)] = ""
    words: dict[Locale, dict[str, Annotated[str, Field(max_length=80)]]] = Field(default_factory=dict)
    locked: list[Lockable] = Field(default_factory=list, description="What organisations may not change; only the box's brand says so.")

    @field_validator("words")
    @classmethod
    def _known_words(cls, words: dict[Locale, dict[str, str]]) -> dict[Locale, dict[str, str]]:
        for word, text in ((word, text) for said in words.values() for word, text in said.items()):
            if word not in WORDS:
                raise ValueError(str(_("A brand cannot reword “%(word)s”.", word=word[:80])))
            if _NOT_PLAIN.search(text):  # a sentence of the product with a per cent sign waits for values
                raise ValueError(str(_("Write your words without the signs < > & and without per cent signs.")))
        return {locale: kept for locale, said in words.items() if (kept := {word: text for word, text in said.items() if text})}


class BrandValues(_Said):
    """Empty is inherited: an organisation's from the box, the box's from the product."""

    pictures: dict[Mark, Digest] = Field(default_factory=dict)

    def over(self, inherited: Self) -> Self:
        """This one, completed by the other, which keeps what it locked."""
        own = self.model_copy(update=dict.fromkeys(inherited.locked_fields(), None))
        merged = {name: getattr(own, name) or value for name, value in inherited}
        for name in ("words", "pictures"):
            merged[name] = _merged(getattr(inherited, name), getattr(own, name) or {})
        return self.model_copy(update={**merged, "locked": list(inherited.locked)})

    def locked_fields(self) -> list[str]:
        return [field for lock in self.locked for field in _GROUPS.get(lock, (lock,))]


def _merged(inherited: dict[str, object], own: dict[str, object]) -> dict[str, object]:
    """Words are merged language by language, pictures one by one. A logo of one's own never stands beside another's dark one."""
    if Mark.LOGO in own:
        inherited = {key: value for key, value in inherited.items() if key != Mark.LOGO_DARK}
    merged = {**inherited}
    for key, value in own.items():
        there = merged.get(key)
        merged[key] = {**there, **value} if isinstance(there, dict) and isinstance(value, dict) else value
    return merged


class PackManifest(_Said):
    """`manifest.json` of a brand pack. `pictures` names files in the pack."""

    schema_version: Literal[1] = Field(alias="schema")
    kind: Literal["salesedge-brand"]
    domain: Domain | Literal[""] = ""
    pictures: dict[Mark, Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}\.(svg|png|webp)$")]] = Field(default_factory=dict)
