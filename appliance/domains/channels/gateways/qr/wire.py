"""What the supervisor of sessions and the child of one number say to each other: a JSON object a line, over a socketpair.

Commands go down, events come up; both ends are of one installation, so that a line that is not understood is a bug and raises
BadLine. Moments are seconds since 1970. `content` has the shape of conversations' schemas.Content, as the Cloud API's has here;
`content["media"]["provider_id"]` of a message that came is what `Fetch.reference` takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from appliance.domains.channels.gateways.qr import lines

DRIVER = "appliance.domains.channels.gateways.qr.driver"
ENVIRONMENT = {"NEONIZE_BOT_TAG": "off"}  # must be there at its start; else each of our messages is marked as a robot's
MAX_TEXT = 65_536


@dataclass(frozen=True)
class Key:
    """Which message, as WhatsApp keys it. `remote_jid` is the chat; `alt` names the same one by phone where it is a LID, or the reverse."""

    remote_jid: str
    id: str
    from_me: bool = False
    participant: str = ""  # who wrote, in a group
    remote_jid_alt: str = ""
    participant_alt: str = ""
    addressing_mode: str = "pn"  # or "lid"


@dataclass(frozen=True)
class Quote:
    """The message that is answered. `text` is what people see of it above the answer."""

    id: str
    from_me: bool = False
    participant: str = ""  # in a group
    text: str = ""


# commands, parent to child


@dataclass(frozen=True)
class Send:
    """Answered by Sent or Failed of the same id, once.

    The library makes up the message's id itself. What an earlier try under this `id` may already have sent is told by Failed with
    `may_have_left` and is not sent again, except by `anyway` (a person pressed the button).
    `kind`: text image audio video document sticker location contact reaction. `path`: the file of a medium, which the child only reads.
    `mentions`: JIDs whose user stands behind an @ in the text.
    """

    id: str
    to: str  # a JID
    kind: str
    content: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    reply_to: Quote | None = None
    anyway: bool = False
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True)
class MarkRead:
    """A person saw these messages of a chat. Nothing answers it."""

    chat: str
    ids: tuple[str, ...]


@dataclass(frozen=True)
class ShowTyping:
    """That we write, or no longer. WhatsApp forgets it by itself after a while. Nothing answers it."""

    chat: str
    writes: bool


@dataclass(frozen=True)
class Attend:
    """Whether somebody looks: while nobody does, WhatsApp tells of nobody's typing and the telephone rings. Nothing answers it."""

    looks: bool


@dataclass(frozen=True)
class Pair:
    """Ask for the code that is typed on the phone instead of scanning. Answered by Pairing, or by Failed with the id "pair"."""

    phone: str


@dataclass(frozen=True)
class Fetch:
    """Answered by Fetched or Failed. The file is written whole to `path`, or not at all."""

    id: str
    reference: str
    path: str
    limit: int  # bytes


@dataclass(frozen=True)
class LogOut:
    """Unlink this device. Answered by LoggedOut, or by Failed with the id "logout"."""


@dataclass(frozen=True)
class Ping:
    """A child that hears nothing for longer than its `--silence` ends itself."""


@dataclass(frozen=True)
class Kept:
    """So many LETTERS have been committed since the child's start: it need not remember them any longer."""

    number: int


@dataclass(frozen=True)
class AskGroup:
    """What a group is called and who is in it. Answered by Group, or not at all."""

    chat: str


@dataclass(frozen=True)
class AskIssuer:
    """By whom the business certificate of the number is. Answered by Issuer, or by Failed with the id `issuer`."""


Command = Send | MarkRead | ShowTyping | Attend | Pair | Fetch | LogOut | Ping | Kept | AskGroup | AskIssuer

# events, child to parent


@dataclass(frozen=True)
class Ready:
    """The library is loaded; commands may come."""

    library: str


@dataclass(frozen=True)
class Qr:
    """Shown until the next, at most `seconds`. After the last nothing more comes: the deadline is the parent's."""

    code: str
    seconds: int


@dataclass(frozen=True)
class Pairing:
    code: str


@dataclass(frozen=True)
class Paired:
    jid: str
    lid: str
    platform: str


@dataclass(frozen=True)
class Open:
    jid: str
    lid: str
    push_name: str
    is_business: bool = False  # of any kind: the free app's, or verified


@dataclass(frozen=True)
class Issuer:
    """`smb:wa` for the free Business app, `ent:wa` for a business that WhatsApp verified; empty where there is no certificate."""

    issuer: str
    name: str = ""


@dataclass(frozen=True)
class Closed:
    """The library tries again by itself where that makes sense; the child ends by itself only when it says so with `final`."""

    code: int
    reason: str
    final: bool = False


@dataclass(frozen=True)
class LoggedOut:
    code: int
    reason: str


@dataclass(frozen=True)
class Banned:
    code: int
    reason: str
    seconds: int


@dataclass(frozen=True)
class Outdated:
    """WhatsApp refuses this version of the library (405)."""


@dataclass(frozen=True)
class Message:
    """`kind` is one of conversations' MessageKind; what cannot be told comes as "unsupported" with its type.

    `mentions`: JIDs whose user stands behind an @ in the text.
    """

    key: Key
    push_name: str
    at: int
    kind: str
    content: Mapping[str, Any]
    reply_to: str = ""  # the id of the message that is answered or reacted to
    group: bool = False
    ephemeral: bool = False
    view_once: bool = False
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edited:
    key: Key
    at: int
    of: str
    kind: str
    content: Mapping[str, Any]
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deleted:
    key: Key
    at: int
    of: str


@dataclass(frozen=True)
class Undecryptable:
    """Somebody wrote and the words could not be opened. The sender's phone is asked again: it may still come, under the same id."""

    key: Key
    push_name: str
    at: int


@dataclass(frozen=True)
class Receipt:
    ids: tuple[str, ...]
    kind: str  # delivered, read, played
    at: int
    chat: str
    chat_alt: str = ""
    participant: str = ""


@dataclass(frozen=True)
class Typing:
    """Worth nothing a minute later: it is no letter, and is forgotten with the child."""

    chat: str
    writes: bool
    chat_alt: str = ""


@dataclass(frozen=True)
class Member:
    """`alt` names the same person by phone where `jid` is a LID, or the reverse. `name`: as the phone or they themselves call them."""

    jid: str
    alt: str = ""
    name: str = ""


@dataclass(frozen=True)
class Group:
    chat: str
    name: str
    members: tuple[Member, ...] = ()


@dataclass(frozen=True)
class Sent:
    id: str
    provider_id: str
    at: int


@dataclass(frozen=True)
class Failed:
    """`again`: the same command may succeed later, as it is. `may_have_left`: WhatsApp may have the message, under `provider_id`;
    a receipt for that id proves that it does."""

    id: str
    error: str
    again: bool = False
    may_have_left: bool = False
    provider_id: str = ""


@dataclass(frozen=True)
class Fetched:
    id: str
    path: str
    size: int


@dataclass(frozen=True)
class StoreChanged:
    """The file of keys is not what it was; `driver_store.snapshot` reads it whole."""


@dataclass(frozen=True)
class Pong:
    pass


Event = (
    Ready | Qr | Pairing | Paired | Open | Closed | LoggedOut | Banned | Outdated
    | Message | Edited | Deleted | Undecryptable | Receipt | Typing | Group | Issuer | Sent | Failed | Fetched | StoreChanged | Pong
)  # fmt: skip

# what WhatsApp tells once: the child remembers it beside the store (`driver_unheard`) until it is Kept
LETTERS = (Message, Edited, Deleted, Undecryptable, Receipt)

_COMMANDS: Mapping[str, type[Command]] = {kind.__name__: kind for kind in get_args(Command)}
_EVENTS: Mapping[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


def arguments(socket: int, store: str, *, silence_s: int = 90) -> list[str]:
    """Behind the module. `socket` is inherited; `store` is the SQLite file of keys, made when there is none.

    The way out is taken from HTTPS_PROXY and the certificates from SSL_CERT_FILE. Complaints of libraries go to stderr.
    """
    return ["--socket", str(socket), "--store", store, "--silence", str(silence_s)]


def encode(said: Command | Event) -> bytes:
    """With its line's end. Raises BadLine."""
    return lines.written(said)


def decode_command(line: bytes) -> Command:
    """Raises BadLine."""
    return lines.read(line, _COMMANDS)


def decode_event(line: bytes) -> Event:
    """Raises BadLine."""
    return lines.read(line, _EVENTS)
