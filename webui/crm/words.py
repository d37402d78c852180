"""What the screens about contacts call things."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from babel import dates
from babel.support import LazyProxy

from appliance.core.i18n import current_locale, gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.channels.types import SAID_EMAIL
from appliance.domains.contacts.schemas import TimelineEntryOut
from appliance.domains.contacts.types import (
    Channel,
    ConsentMode,
    ContactSort,
    DuplicateState,
    IdentityKind,
    ImportTarget,
    LawfulBasis,
    Likeness,
    Match,
    Purpose,
    SegmentField,
    SegmentTest,
)
from appliance.domains.leads.types import FormField, LeadField, LeadStatus, SourceKind
from webui.crm.pages import pages

ATTRIBUTES: Mapping[str, LazyProxy] = {SAID_EMAIL: _("E-mail given in the chat, not proven")}
SAID_WHERE: Mapping[str, LazyProxy] = {
    "api": _("by another system"),
    "complaint": _("reported as unwanted mail"),
    "message": _("in a message of theirs"),
    "unsubscribe": _("by the link in a mail"),
}
LABELS: Mapping[type[StrEnum], Mapping[StrEnum, LazyProxy]] = {
    Channel: {
        Channel.WHATSAPP: _("WhatsApp"),
        Channel.EMAIL: _("e-mail"),
        Channel.SMS: _("SMS"),
        Channel.PHONE: _("phone call"),
        Channel.WEBCHAT: _("chat of the site"),
        Channel.SIMULATOR: _("simulator"),
    },
    Purpose: {
        Purpose.REPLY: _("Answers"),
        Purpose.SERVICE: _("Service notices"),
        Purpose.MARKETING: _("Marketing"),
    },
    ConsentMode: {
        ConsentMode.OPT_IN: _("said yes"),
        ConsentMode.DOUBLE_OPT_IN: _("said yes and confirmed"),
        ConsentMode.OPT_OUT: _("said no"),
    },
    LawfulBasis: {
        LawfulBasis.CONSENT: _("consent"),
        LawfulBasis.CONTRACT: _("contract"),
        LawfulBasis.LEGITIMATE_INTEREST: _("legitimate interest"),
        LawfulBasis.LEGAL_OBLIGATION: _("legal obligation"),
    },
    IdentityKind: {
        IdentityKind.EMAIL: _("E-mail"),
        IdentityKind.PHONE: _("Phone"),
        IdentityKind.WHATSAPP: _("WhatsApp number"),
        IdentityKind.WHATSAPP_LID: _("WhatsApp id"),
        IdentityKind.WHATSAPP_USER: _("WhatsApp user"),
        IdentityKind.WHATSAPP_GROUP: _("WhatsApp group"),
        IdentityKind.WEBCHAT: _("Chat of the site"),
        IdentityKind.EXTERNAL: _("Other system"),
    },
    ContactSort: {
        ContactSort.NAME: _("By name"),
        ContactSort.NEWEST: _("Newest first"),
        ContactSort.LAST_SEEN: _("Last seen first"),
    },
    DuplicateState: {
        DuplicateState.OPEN: _("To decide"),
        DuplicateState.MERGED: _("Merged"),
        DuplicateState.DISMISSED: _("Two people"),
    },
    Likeness: {
        Likeness.SAID_TOGETHER: _("Ids of both came together"),
        Likeness.DOCUMENT: _("Same CPF or CNPJ"),
        Likeness.NAME_AND_COMPANY: _("Same name and company"),
        Likeness.NAME: _("Same name, and nothing speaks against it"),
    },
    ImportTarget: {
        ImportTarget.NAME: _("Name"),
        ImportTarget.FIRST_NAME: _("First name"),
        ImportTarget.LAST_NAME: _("Last name"),
        ImportTarget.COMPANY: _("Company"),
        ImportTarget.EMAIL: _("E-mail"),
        ImportTarget.PHONE: _("Phone"),
        ImportTarget.DOCUMENT: _("CPF or CNPJ"),
        ImportTarget.BORN_ON: _("Date of birth"),
        ImportTarget.REGION: _("State or city"),
        ImportTarget.TAGS: _("Tags"),
        ImportTarget.EXTERNAL_ID: _("Id in another system"),
        ImportTarget.ATTRIBUTE: _("Keep under its own name"),
        ImportTarget.IGNORE: _("Leave out"),
    },
    SegmentField: {
        SegmentField.NAME: _("Name"),
        SegmentField.COMPANY: _("Company"),
        SegmentField.EMAIL: _("E-mail"),
        SegmentField.PHONE: _("Phone"),
        SegmentField.REGION: _("State or city"),
        SegmentField.OWNER: _("Responsible"),
        SegmentField.ATTRIBUTE: _("Attribute"),
        SegmentField.TAG: _("Tag"),
        SegmentField.CONSENT: _("Consent"),
        SegmentField.EVENT: _("What happened"),
        SegmentField.LAST_SEEN: _("Last seen"),
        SegmentField.CREATED: _("Created"),
    },
    SegmentTest: {
        SegmentTest.EQUALS: _("is"),
        SegmentTest.CONTAINS: _("contains"),
        SegmentTest.IS_SET: _("is filled in"),
        SegmentTest.IS_EMPTY: _("is empty"),
        SegmentTest.HAS: _("there is"),
        SegmentTest.HAS_NOT: _("there is not"),
        SegmentTest.WITHIN_DAYS: _("in the last days"),
        SegmentTest.NOT_WITHIN_DAYS: _("not in the last days"),
    },
    Match: {
        Match.ALL: _("All of these"),
        Match.ANY: _("Any of these"),
    },
    LeadStatus: {
        LeadStatus.NEW: _("new"),
        LeadStatus.WORKING: _("being worked on"),
        LeadStatus.QUALIFIED: _("qualified"),
        LeadStatus.CONVERTED: _("converted"),
        LeadStatus.LOST: _("lost"),
    },
    SourceKind: {
        SourceKind.WEBHOOK: _("Signed webhook"),
        SourceKind.FORM: _("Form of your site"),
        SourceKind.META: _("Meta Lead Ads"),
        SourceKind.API: _("API with a key"),
        SourceKind.IMPORT: _("Imported lists"),
    },
    FormField: {
        FormField.NAME: _("Name"),
        FormField.EMAIL: _("E-mail"),
        FormField.PHONE: _("Phone"),
        FormField.COMPANY: _("Company"),
        FormField.REGION: _("State or city"),
    },
    LeadField: {
        LeadField.EVENT_ID: _("Id of the event"),
        LeadField.EXTERNAL_ID: _("Id of the lead there"),
        LeadField.NAME: _("Name"),
        LeadField.FIRST_NAME: _("First name"),
        LeadField.LAST_NAME: _("Last name"),
        LeadField.EMAIL: _("E-mail"),
        LeadField.PHONE: _("Phone"),
        LeadField.COMPANY: _("Company"),
        LeadField.DOCUMENT: _("CPF or CNPJ"),
        LeadField.REGION: _("State or city"),
        LeadField.TAGS: _("Tags"),
        LeadField.SCORE: _("Score"),
        LeadField.CONSENT: _("Consent to marketing"),
        LeadField.CONSENT_TEXT: _("What was agreed to"),
        LeadField.UTM_SOURCE: _("Campaign source"),
        LeadField.UTM_MEDIUM: _("Campaign medium"),
        LeadField.UTM_CAMPAIGN: _("Campaign"),
        LeadField.UTM_TERM: _("Campaign term"),
        LeadField.UTM_CONTENT: _("Campaign content"),
    },
}


@dataclass(frozen=True)
class Happening:
    """How one kind of timeline entry is shown. With `quoted`, the summary is the person's or the team's own words."""

    icon: str
    words: LazyProxy
    quoted: bool = False


HAPPENINGS: Mapping[str, Happening] = {
    "contact.created": Happening("user-plus", _("Contact created")),
    "note.added": Happening("note", _("Note"), quoted=True),
    "consent.granted": Happening("check", _("Consent recorded: %(what)s")),
    "consent.asked": Happening("mail", _("Asked to confirm by e-mail: %(what)s")),
    "consent.withdrawn": Happening("x", _("Consent withdrawn: %(what)s")),
    "contacts.merged": Happening("branch", _("%(what)s became part of this contact")),
    "merge.undone": Happening("undo", _("The merge with %(what)s was undone")),
    "lead.captured": Happening("target", _("Lead captured: %(what)s")),
    "lead.converted": Happening("trophy", _("Became a customer")),
    "service.rated": Happening("thumb-up", _("Rated the service"), quoted=True),
    "mail.opened": Happening("eye", _("Opened the mail: %(what)s")),
    "mail.followed": Happening("external", _("Followed an address in a mail: %(what)s")),
    "message.received": Happening("inbox", _("Message received"), quoted=True),
    "message.sent": Happening("send", _("Message sent"), quoted=True),
}
EVENTS: Mapping[str, LazyProxy] = {  # what a segment may ask for
    "message.received": _("Message received"),
    "message.sent": _("Message sent"),
    "lead.captured": _("Lead captured"),
    "lead.converted": _("Became a customer"),
    "note.added": _("Note written"),
    "contacts.merged": _("Merged with another contact"),
}
REJECTIONS: Mapping[str, LazyProxy] = {
    "not_signed": _("Not signed"),
    "bad_signature": _("Signed with another secret, or over other bytes"),
    "stale_timestamp": _("Signed more than five minutes ago, or with a wrong clock"),
    "replayed": _("A nonce or signature that was used before"),
    "malformed_json": _("Not valid JSON"),
    "names_nobody": _("Names nobody"),
    "not_handed_over": _("Meta did not hand over the lead; try it again under Background work"),
}
_SAID: Mapping[str, LazyProxy] = {"message": _("Message"), "file_name": _("File"), "import_id": _("Import")}
OTHER = Happening("history", _("Something happened"), quoted=True)


def consent_options() -> list[tuple[str, str]]:
    """Each purpose on any channel, then on each."""
    anywhere = [(purpose.value, gettext("%(purpose)s, any channel", purpose=label(purpose))) for purpose in Purpose]
    return anywhere + [(f"{purpose}:{channel}", f"{label(purpose)}, {label(channel)}") for purpose in Purpose for channel in Channel]


def options(*members: StrEnum) -> list[tuple[str, str]]:
    return [(member.value, label(member)) for member in members]


@pages.blueprint.app_template_filter("attribute")
def attribute(key: str) -> str:
    """What the box itself noted has a name for people; what others brought keeps theirs."""
    return str(ATTRIBUTES.get(key, key))


@pages.blueprint.app_template_filter("label")
def label(member: StrEnum) -> str:
    return str(LABELS[type(member)].get(member, member.value))


@pages.blueprint.app_template_filter("said_where")
def said_where(source: str) -> str:
    """Where a consent was given or taken back; what others brought keeps its name."""
    return str(SAID_WHERE.get(source, source))


@pages.blueprint.app_template_filter("lead_field")
def lead_field(name: str) -> str:
    """What our own form asks, and what an import notes, has a name for people; what others brought keeps theirs."""
    if name in set(LeadField):
        return label(LeadField(name))
    return str(_SAID.get(name, name))


@pages.blueprint.app_template_filter("day")
def day(value: date) -> str:
    return str(dates.format_date(value, "long", locale=current_locale()))


def happening(entry: TimelineEntryOut) -> tuple[str, str, bool]:
    """Icon, words, and whether the words are somebody's own."""
    kind = HAPPENINGS.get(entry.kind, OTHER)
    if kind.quoted and entry.summary:
        return kind.icon, entry.summary, entry.kind == "note.added"
    what = _consent_words(entry.summary) if entry.kind.startswith("consent.") else entry.summary or gettext("another contact")
    return kind.icon, str(kind.words) % {"what": what} if "%(what)s" in str(kind.words) else str(kind.words), False


def _consent_words(summary: str) -> str:
    """The domain writes `whatsapp marketing`."""
    channel, _space, purpose = summary.partition(" ")
    try:
        return f"{label(Purpose(purpose))} · {label(Channel(channel))}"
    except ValueError:
        return summary
