"""Stanzas in WhatsApp's binary XML. We write every word out; what the library abbreviates is looked up in its own dictionary."""

import zlib
from dataclasses import dataclass, field

LIST_EMPTY, DICTIONARY, LIST_8, LIST_16 = 0, 236, 248, 249
AD_JID, JID_PAIR, HEX_8, BINARY_8, BINARY_20, BINARY_32, NIBBLE_8 = 247, 250, 251, 252, 253, 254, 255
NIBBLES, HEXES = "0123456789-.", "0123456789ABCDEF"
DOMAINS = {0: "s.whatsapp.net", 1: "lid", 128: "hosted"}


@dataclass
class Stanza:
    tag: str
    attrs: dict = field(default_factory=dict)
    content: object = None  # bytes, or a list of stanzas

    def __str__(self):
        said = self.content.hex() if isinstance(self.content, bytes) else "".join(map(str, self.children))
        return f"<{' '.join([self.tag, *(f'{name}={value}' for name, value in self.attrs.items())])}>{said}"

    def child(self, tag):
        return next((one for one in self.children if one.tag == tag), None)

    @property
    def children(self):
        return self.content if isinstance(self.content, list) else []


@dataclass(frozen=True)
class Jid:
    user: str
    server: str = "s.whatsapp.net"
    device: int = 0

    @classmethod
    def of(cls, text):
        user, _, server = text.rpartition("@")
        name, _, device = user.partition(":")
        return cls(name, server, int(device or 0))

    def __str__(self):
        return f"{self.user}{f':{self.device}' if self.device else ''}@{self.server}" if self.user else self.server


def written(stanza):
    return b"\x00" + _stanza(stanza)


def _stanza(stanza):
    has_content = stanza.content is not None
    said = _list_of(1 + 2 * len(stanza.attrs) + has_content) + _word(stanza.tag)
    for name, value in stanza.attrs.items():
        said += _word(name) + (_jid(value) if isinstance(value, Jid) else _word(str(value)))
    if isinstance(stanza.content, list):
        said += _list_of(len(stanza.content)) + b"".join(_stanza(one) for one in stanza.content)
    elif has_content:
        said += _bytes(stanza.content)
    return said


def _list_of(size):
    if not size:
        return bytes([LIST_EMPTY])
    return bytes([LIST_8, size]) if size < 256 else bytes([LIST_16]) + size.to_bytes(2)


def _word(text):
    return _bytes(text.encode())


def _bytes(content):
    if len(content) < 256:
        return bytes([BINARY_8, len(content)]) + content
    return bytes([BINARY_20]) + len(content).to_bytes(3) + content


def _jid(jid):
    domain = next((number for number, server in DOMAINS.items() if server == jid.server), None)
    if jid.device or jid.server == "lid":
        return bytes([AD_JID, domain, jid.device]) + _word(jid.user)
    return bytes([JID_PAIR]) + (_word(jid.user) if jid.user else bytes([LIST_EMPTY])) + _word(jid.server)


def read(frame, dictionary):
    packed = frame[1:]
    return Reader(zlib.decompress(packed) if frame[0] & 2 else packed, dictionary).stanza()


class Reader:
    def __init__(self, content, dictionary):
        self._content, self._at, self._dictionary = content, 0, dictionary

    def _take(self, size):
        self._at += size
        return self._content[self._at - size : self._at]

    def _number(self, size=1):
        return int.from_bytes(self._take(size))

    def stanza(self):
        size = self._list_size(self._number())
        tag = self._value()
        attrs = {self._value(): self._value() for _ in range((size - 1) // 2)}
        return Stanza(tag, attrs, self._content_of() if size % 2 == 0 else None)

    def _list_size(self, token):
        return {LIST_EMPTY: lambda: 0, LIST_8: self._number, LIST_16: lambda: self._number(2)}[token]()

    def _content_of(self):
        token = self._content[self._at]
        if token in {LIST_EMPTY, LIST_8, LIST_16}:
            return [self.stanza() for _ in range(self._list_size(self._number()))]
        if token in {BINARY_8, BINARY_20, BINARY_32}:
            return self._raw(self._number())
        return self._value().encode()

    def _raw(self, token):
        sizes = {BINARY_8: self._number, BINARY_20: lambda: self._number(3) & 0xFFFFF, BINARY_32: lambda: self._number(4)}
        return self._take(sizes[token]())

    def _value(self):
        token = self._number()
        if token in {BINARY_8, BINARY_20, BINARY_32}:
            return self._raw(token).decode("utf-8", "replace")
        if token in {NIBBLE_8, HEX_8}:
            return self._packed(NIBBLES if token == NIBBLE_8 else HEXES)
        if token == JID_PAIR:
            user, server = self._value(), self._value()
            return str(Jid(user, server))
        if token == AD_JID:
            domain, device = self._number(), self._number()
            return str(Jid(self._value(), DOMAINS[domain], device))
        if DICTIONARY <= token < DICTIONARY + 4:
            return f"word {token - DICTIONARY}.{self._number()}"
        return self._dictionary[token] if token != LIST_EMPTY else ""

    def _packed(self, letters):
        size = self._number()
        pairs = self._take(size & 127)
        halves = [half for pair in pairs for half in (pair >> 4, pair & 15)]
        return "".join(letters[half] for half in halves[: len(halves) - (size >> 7)])
