"""Templates of a WhatsApp business account: those Meta has, and asking for a new one. Meta's words for things become ours.

https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account/message_templates
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from appliance.core.filling import places
from appliance.domains.channels.gateways.cloud.addressing import Raw, dicts
from appliance.domains.channels.gateways.cloud.answers import QUALITIES, inner, moment_of
from appliance.domains.channels.gateways.cloud.asking import ask_for
from appliance.domains.channels.gateways.cloud.samples import hand_up
from appliance.domains.channels.rules import codes, headers
from appliance.domains.channels.rules.templates import is_numbered
from appliance.domains.channels.types import (
    Account,
    Button,
    ButtonKind,
    Change,
    Parts,
    ProviderTemplate,
    Quality,
    TemplateCategory,
    TemplateReport,
    TemplateStatus,
    Variable,
)

if TYPE_CHECKING:
    from appliance.core.box import Box

FIELDS = "id,name,language,status,category,components,rejected_reason,quality_score"
PAGE, MOST_PAGES = 100, 60  # an account holds 6,000 at most
STATUSES = {
    "APPROVED": TemplateStatus.APPROVED,
    "REINSTATED": TemplateStatus.APPROVED,
    "FLAGGED": TemplateStatus.APPROVED,  # at risk, and still sent
    "PENDING": TemplateStatus.PENDING,
    "IN_APPEAL": TemplateStatus.PENDING,
    "REJECTED": TemplateStatus.REJECTED,
    "PAUSED": TemplateStatus.PAUSED,
    "DISABLED": TemplateStatus.DISABLED,
    "LIMIT_EXCEEDED": TemplateStatus.REJECTED,
    "ARCHIVED": TemplateStatus.DISABLED,
    "UNARCHIVED": TemplateStatus.APPROVED,
    "PENDING_DELETION": TemplateStatus.GONE,
    "DELETED": TemplateStatus.GONE,
}
_BUTTONS = {
    "QUICK_REPLY": ButtonKind.REPLY, "URL": ButtonKind.URL, "PHONE_NUMBER": ButtonKind.PHONE, "COPY_CODE": ButtonKind.COPY,
    "OTP": ButtonKind.CODE,
}  # fmt: skip
_CODE_PAGE = "otp_type="  # in the address of the button that Meta lists for a code
_CALLED = {ours: theirs for theirs, ours in _BUTTONS.items()}


def fetch_all(box: Box, account: Account) -> list[ProviderTemplate]:
    """Raises Refused with what has to be mended, Unavailable when Meta cannot be asked now."""
    found: list[ProviderTemplate] = []
    after = ""
    for _page in range(MOST_PAGES):
        query = {"fields": FIELDS, "limit": str(PAGE), **({"after": after} if after else {})}
        answer = ask_for(box, account, "GET", f"{account.config['waba_id']}/message_templates", query=query)
        found += [listed for raw in dicts(answer.get("data")) if (listed := _listed(raw))]
        paging = inner(answer, "paging")
        after = str(inner(paging, "cursors").get("after", "")) if paging.get("next") else ""  # `next` itself may lead anywhere
        if not after:
            break
    return found


def submit(box: Box, account: Account, wanted: ProviderTemplate) -> tuple[str, TemplateStatus]:
    """Asks for approval of a new template, or of another wording of one that Meta has. Returns Meta's id and the state."""
    handle = hand_up(box, account, wanted.sample) if wanted.sample and wanted.parts.media in headers.FILES else ""
    asked: dict[str, Any] = {"category": wanted.category.value.upper(), "components": asked_of(wanted, handle)}
    if wanted.provider_id:
        ask_for(box, account, "POST", wanted.provider_id, body=asked)
        return wanted.provider_id, TemplateStatus.PENDING
    asked |= {"name": wanted.name, "language": wanted.language}
    if wanted.category is not TemplateCategory.AUTHENTICATION:
        asked["parameter_format"] = "POSITIONAL" if is_numbered(wanted.parts) else "NAMED"
    answer = ask_for(box, account, "POST", f"{account.config['waba_id']}/message_templates", body=asked)
    return str(answer.get("id", "")), STATUSES.get(str(answer.get("status")), TemplateStatus.PENDING)


def change_of(field: str, value: Raw, sent_at: object) -> Change:
    """A webhook about one template. `sent_at`: seconds since 1970, of the whole entry."""
    template_id = str(value.get("message_template_id") or "")
    if not template_id.isdecimal():
        return Change(rejected=((field[:60], value),))
    status = STATUSES.get(str(value.get("event"))) if field == "message_template_status_update" else None
    report = TemplateReport(
        template_id, moment_of(sent_at), status,
        reason=_reason(value) if status and status is not TemplateStatus.APPROVED else "",
        quality=QUALITIES.get(str(value.get("new_quality_score")), Quality.UNRATED) if field == "message_template_quality_update" else None,
        category=_category(value.get("new_category") or value.get("message_template_category")),
    )  # fmt: skip
    return Change(templates=(report,))


def asked_of(wanted: ProviderTemplate, handle: str) -> list[dict[str, Any]]:
    """Of a template that carries a code Meta takes no words."""
    parts = wanted.parts
    if wanted.category is not TemplateCategory.AUTHENTICATION:
        return components_of(parts, handle)
    holds = [{"type": "FOOTER", "code_expiration_minutes": parts.minutes}] if parts.minutes else []
    button = {"type": "OTP", "otp_type": "COPY_CODE", "text": parts.buttons[0].text}
    return [{"type": "BODY", "add_security_recommendation": parts.advice}, *holds, {"type": "BUTTONS", "buttons": [button]}]


def components_of(parts: Parts, handle: str = "") -> list[dict[str, Any]]:
    """The whole template as Meta is asked to approve it, with an example for each place. `handle`: of the header's file."""
    examples = {variable.name: variable.example for variable in parts.variables}
    found: list[dict[str, Any]] = []
    if parts.media:
        found.append({"type": "HEADER", "format": parts.media, **({"example": {"header_handle": [handle]}} if handle else {})})
    elif parts.header:
        shown = _examples("header_text", places(parts.header), {name: examples.get(f"header.{name}", "") for name in places(parts.header)})
        found.append({"type": "HEADER", "format": "TEXT", "text": parts.header, **shown})
    found.append({"type": "BODY", "text": parts.body, **_examples("body_text", places(parts.body), examples)})
    if parts.footer:
        found.append({"type": "FOOTER", "text": parts.footer})
    if parts.buttons:
        found.append({"type": "BUTTONS", "buttons": [_button(button) for button in parts.buttons]})
    return found


def _examples(part: str, names: list[str], examples: Mapping[str, str]) -> dict[str, Any]:
    if not names:
        return {}
    if not all(name.isdecimal() for name in names):
        named = [{"param_name": name, "example": examples.get(name, "")} for name in names]
        return {"example": {f"{part}_named_params": named}}
    told = [examples.get(name, "") for name in sorted(names, key=int)]
    return {"example": {part: [told] if part == "body_text" else told}}


def _button(button: Button) -> dict[str, Any]:
    if button.kind is ButtonKind.COPY:
        return {"type": "COPY_CODE", "example": button.example}
    said: dict[str, Any] = {"type": _CALLED[button.kind], "text": button.text}
    if button.kind is ButtonKind.PHONE:
        said["phone_number"] = button.phone
    if button.kind is ButtonKind.URL:
        said["url"] = button.url
        if places(button.url):
            said["example"] = [button.url.replace("{{1}}", button.example)]
    return said


def _listed(raw: Raw) -> ProviderTemplate | None:
    category = _category(raw.get("category"))
    if not str(raw.get("id", "")).isdecimal() or not raw.get("name") or category is None:
        return None
    status = STATUSES.get(str(raw.get("status")), TemplateStatus.DISABLED)
    return ProviderTemplate(
        provider_id=str(raw["id"])[:64], name=str(raw["name"])[:512], language=str(raw.get("language", ""))[:15], category=category,
        status=status, reason=_reason({"reason": raw.get("rejected_reason")}) if status is TemplateStatus.REJECTED else "",
        quality=QUALITIES.get(str(inner(raw, "quality_score").get("score")), Quality.UNRATED), parts=_parts(raw),
    )  # fmt: skip


def _parts(raw: Raw) -> Parts:
    by_kind = {str(one.get("type", "")).upper(): one for one in dicts(raw.get("components"))}
    header, body, footer = (by_kind.get(kind, {}) for kind in ("HEADER", "BODY", "FOOTER"))
    form = str(header.get("format", "TEXT")).upper()
    buttons = tuple(_read_button(one) for one in dicts(by_kind.get("BUTTONS", {}).get("buttons")))[:10]
    return Parts(
        header=str(header.get("text", ""))[:500], media=form[:20] if header and form != "TEXT" else "",
        body=str(body.get("text", ""))[:20_000], footer=str(footer.get("text", ""))[:500], buttons=buttons,
        variables=(*_variables(header, "header_text", "header."), *_variables(body, "body_text", "")),
        advice=body.get("add_security_recommendation") is True, minutes=_minutes(footer.get("code_expiration_minutes")),
    )  # fmt: skip


def _variables(component: Raw, part: str, prefix: str) -> Iterator[Variable]:
    """The places of a text with Meta's examples."""
    shown = inner(component, "example")
    named = {str(one.get("param_name")): str(one.get("example", "")) for one in dicts(shown.get(f"{part}_named_params"))}
    told = shown.get(part)
    if isinstance(told, list) and told and isinstance(told[0], list):
        told = told[0]
    numbered = {str(number): str(example) for number, example in enumerate(told, 1)} if isinstance(told, list) else {}
    for name in places(str(component.get("text", ""))):
        yield Variable(f"{prefix}{name}"[:60], "", (named | numbered).get(name, "")[:200])


def _read_button(raw: Raw) -> Button:
    shown = raw.get("example")
    url = str(raw.get("url", ""))[:2000]
    kind = ButtonKind.CODE if _CODE_PAGE in url else _BUTTONS.get(str(raw.get("type")), ButtonKind.OTHER)
    if kind in {ButtonKind.CODE, ButtonKind.COPY}:
        voucher = str(shown[0] if isinstance(shown, list) and shown else shown or "") if kind is ButtonKind.COPY else ""
        return Button(kind, str(raw.get("text", ""))[:60], example=voucher[:200])
    example = str(shown[0]) if isinstance(shown, list) and shown and places(url) else ""
    ending = example.removeprefix(url.partition("{{")[0])
    return Button(kind, str(raw.get("text", ""))[:60], url, str(raw.get("phone_number", ""))[:30], ending[:200])


def _minutes(said: object) -> int:
    return said if isinstance(said, int) and 0 < said <= codes.MAX_MINUTES else 0


def _category(said: object) -> TemplateCategory | None:
    known = str(said or "").lower()
    return TemplateCategory(known) if known in set(TemplateCategory) else None


def _reason(value: Raw) -> str:
    """In Meta's words, most telling first."""
    info, other = inner(value, "rejection_info"), inner(value, "other_info")
    said = [info.get("reason"), info.get("recommendation"), other.get("description")]
    code = value.get("reason")
    return " ".join(str(part) for part in (*said, *([] if any(said) or code in {None, "NONE"} else [code])) if part)[:500]
