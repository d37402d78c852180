"""The server: one connection after the other, each a device that links or one that comes back.

What the library's source expects of it, stanza by stanza: https://github.com/tulir/whatsmeow (pair.go, connectionevents.go, prekeys.go)
"""

import base64
import hashlib
import hmac
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from tests.peers.whatsapp import library, media
from tests.peers.whatsapp.keys import PROLOGUE_BYTES, Handshake, SigningKey
from tests.peers.whatsapp.person import DeviceKeys, Person
from tests.peers.whatsapp.stanzas import Jid, Stanza, read, written
from tests.peers.whatsapp.tunnel import Tunnel, certified

SERVER = Jid("")
PHONE, LID, DEVICE = "5511988887777", "111222333444555", 7
ANA_PHONE, ANA_LID = "5511977776666", "222333444555666"
GROUP, GROUP_NAME = "120363000000000001", "Obra da Vila"
HOST = "web.whatsapp.com"
WAIT_S = 60.0


@dataclass
class Behaviour:
    """What the next login is answered with: a stanza of failure, or silence to a message."""

    failure: dict | None = None
    refs: int = 6
    messages: str = "accept"  # or drop: the connection ends when one has come; or refuse; or ignore
    knows_nobody: bool = False
    business: str = ""  # the number's name as one of WhatsApp's Business app, or of those it verified
    issuer: str = ""  # of that business's certificate; none: there is no certificate
    refuses: str = ""  # questions of this namespace


@dataclass
class Connection:
    socket: object
    reading: object
    writing: object
    payload: object
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, stanza):
        sealed = self.writing.seal(written(stanza))
        self.socket.send(len(sealed).to_bytes(3) + sealed)


class WhatsAppPeer:
    """`proxy` goes into HTTPS_PROXY, `ca` into SSL_CERT_FILE; the library is told to trust `root`."""

    def __init__(self, folder):
        self.behaviour = Behaviour()
        self.stanzas = deque(maxlen=500)
        self._changed = threading.Condition()
        self._root, self._issuer, self._account = SigningKey(), SigningKey(), SigningKey()
        self.root = self._root.public
        self.ana = Person(ANA_PHONE, ANA_LID, "Ana")
        self._device = None  # the keys that the library gave us
        self._static = X25519PrivateKey.generate()
        self.linked = False
        self.now = None  # the connection that is open
        self._numbers = iter(range(1, 1 << 30))
        context, self.ca = certified((HOST, media.HOST), folder)
        self.media = media.MediaStore(context)
        self._server = serve(self._serve, "127.0.0.1", 0, ssl=context, compression=None, max_size=None)
        self._tunnel = Tunnel({HOST: self._server.socket.getsockname()[1], media.HOST: self.media.port})
        self.proxy = self._tunnel.url
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def forget(self):
        """As if nobody had ever linked anything."""
        self.behaviour, self.linked, self.unreachable, self.media.full = Behaviour(), False, False, False
        self.stanzas.clear()

    @property
    def unreachable(self):
        return self._tunnel.closed

    @unreachable.setter
    def unreachable(self, closed):
        self._tunnel.closed = closed

    def close(self):
        self._tunnel.close()
        self._server.shutdown()
        self.media.close()

    # what a test does with it

    def scan(self, code):
        """As the telephone does: what the code says is all it knows of the device."""
        _, _, identity, secret = unquote(code.partition("#")[2] or code).split(",")[:4]
        self._pair(base64.b64decode(identity), base64.b64decode(secret))

    def drop(self):
        self.now.socket.close()

    def cut(self):
        """Not even a goodbye."""
        self._tunnel.cut()

    def remove_device(self):
        self.now.send(Stanza("stream:error", {"code": "401"}, [Stanza("conflict", {"type": "device_removed"})]))

    def end_stream(self, code):
        self.now.send(Stanza("stream:error", {"code": code}))

    def replace_device(self):
        self.now.send(Stanza("stream:error", {"code": "409"}, [Stanza("conflict", {"type": "replaced"})]))

    def receipt(self, message_id, kind="read", *, chat=None):
        attrs = {"id": message_id, "from": chat or Jid(ANA_PHONE), "t": int(time.time())}
        self.now.send(Stanza("receipt", attrs | ({"type": kind} if kind != "delivered" else {})))

    def typing(self, state="composing"):
        self.now.send(Stanza("chatstate", {"from": Jid(ANA_PHONE)}, [Stanza(state)]))

    def message(self, message_id, body):
        """Ana writes. `body`: the protocol buffer that only the library opens."""
        attrs = {"id": message_id, "from": Jid(ANA_PHONE), "sender_lid": Jid(ANA_LID, "lid"), "t": int(time.time()), "type": "text"}
        sealed = self.ana.write(body.SerializeToString(), self._device)
        self.now.send(Stanza("message", attrs | {"notify": self.ana.name}, [Stanza("enc", {"v": "2", "type": "pkmsg"}, sealed)]))

    def call(self, call_id, *parts, reason=None):
        """Ana rings, or with a reason stops ringing."""
        about = {"call-id": call_id, "call-creator": Jid(ANA_PHONE)} | ({"reason": reason} if reason else {})
        said = Stanza("terminate" if reason else "offer", about, [Stanza(part) for part in parts] or None)
        self.now.send(Stanza("call", {"id": f"{call_id}-{bool(reason)}", "from": Jid(ANA_PHONE), "t": int(time.time())}, [said]))

    def group_message(self, message_id, body):
        """Ana writes in a group, to this device alone: the key that members share is not needed for the first message."""
        attrs = {"id": message_id, "from": Jid(GROUP, "g.us"), "participant": Jid(ANA_PHONE), "t": int(time.time()), "type": "text"}
        sealed = self.ana.write(body.SerializeToString(), self._device)
        self.now.send(Stanza("message", attrs | {"notify": self.ana.name}, [Stanza("enc", {"v": "2", "type": "pkmsg"}, sealed)]))

    def opened_in_group(self, stanza):
        """The body of a message to the group: Ana gets the key that opens it with the first one."""
        shared = next(one for one in walked(stanza) if one.tag == "enc" and one.attrs["type"] == "skmsg")
        handed = _protocol("waE2E.WAWebProtobufsE2E_pb2").Message.FromString(self.opened(stanza)).senderKeyDistributionMessage
        return self.ana.read_shared(handed.axolotlSenderKeyDistributionMessage, shared.content)

    def opened(self, stanza):
        """The body of a message that the library sent to Ana."""
        sealed = next(one for one in walked(stanza) if one.tag == "enc")
        return self.ana.read(sealed.content, sealed.attrs["type"])

    def unreadable_message(self, message_id):
        about = {"id": message_id, "from": Jid(ANA_PHONE), "t": int(time.time()), "type": "text", "notify": "Ana"}
        self.now.send(Stanza("message", about, [Stanza("enc", {"v": "2", "type": "msg"}, b"\x33nothing anybody could open")]))

    def another_after(self, connection):
        """Somebody has connected since."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.now is not connection, WAIT_S)

    def heard(self, tag, wanted=lambda _: True, *, timeout=WAIT_S):
        """The first stanza of this kind that came, waiting for it."""
        with self._changed:
            found = self._changed.wait_for(lambda: next((one for one in self.stanzas if one.tag == tag and wanted(one)), None), timeout)
        if found is None:
            raise AssertionError(f"no {tag} among {[one.tag for one in self.stanzas]}")
        return found

    # one connection

    def _serve(self, socket):
        with suppress(ConnectionClosed):
            connection = self._shake_hands(socket)
            self._set(connection)
            self._greet(connection)
            for frame in _frames(socket):
                self._answer(connection, read(connection.reading.open(frame), library.dictionary()))

    def _set(self, connection):
        with self._changed:
            self.now = connection
            self._changed.notify_all()

    def _shake_hands(self, socket):
        wa6 = _protocol("waWa6.WAWebProtobufsWa6_pb2")
        first = socket.recv()
        noise = Handshake(first[:PROLOGUE_BYTES])
        hello = wa6.HandshakeMessage.FromString(first[PROLOGUE_BYTES + 3 :]).clientHello
        noise.mix_hash(hello.ephemeral)
        ephemeral = X25519PrivateKey.generate()
        mine = ephemeral.public_key().public_bytes_raw()
        noise.mix_hash(mine)
        noise.mix_key(ephemeral, hello.ephemeral)
        static = noise.seal(self._static.public_key().public_bytes_raw())
        noise.mix_key(self._static, hello.ephemeral)
        answer = wa6.HandshakeMessage(
            serverHello=wa6.HandshakeMessage.ServerHello(ephemeral=mine, static=static, payload=noise.seal(self._certificates()))
        ).SerializeToString()
        socket.send(len(answer).to_bytes(3) + answer)
        finish = wa6.HandshakeMessage.FromString(next(_frames(socket))).clientFinish
        noise.mix_key(ephemeral, noise.open(finish.static))
        payload = wa6.ClientPayload.FromString(noise.open(finish.payload))
        return Connection(socket, *noise.finish(), payload)

    def _certificates(self):
        cert = _protocol("waCert.WACert_pb2").CertChain
        times = {"notBefore": int(time.time()) - 3600, "notAfter": int(time.time()) + 3600}
        issuer = cert.NoiseCertificate.Details(serial=1, issuerSerial=0, key=self._issuer.public, **times).SerializeToString()
        leaf = cert.NoiseCertificate.Details(
            serial=2, issuerSerial=1, key=self._static.public_key().public_bytes_raw(), **times
        ).SerializeToString()
        return cert(
            intermediate=cert.NoiseCertificate(details=issuer, signature=self._root.sign(issuer)),
            leaf=cert.NoiseCertificate(details=leaf, signature=self._issuer.sign(leaf)),
        ).SerializeToString()

    def _greet(self, connection):
        if self.behaviour.failure is not None:
            connection.send(Stanza("failure", self.behaviour.failure))  # a stanza followed by the end may be lost in the library
        elif not connection.payload.HasField("username"):
            refs = [Stanza("ref", {}, f"2@ref{number}".encode()) for number in range(self.behaviour.refs)]
            query = {"from": SERVER, "id": self._id(), "type": "set", "xmlns": "md"}
            connection.send(Stanza("iq", query, [Stanza("pair-device", {}, refs)]))
        elif not self.linked:
            connection.send(Stanza("failure", {"reason": "401", "location": "peer"}))
        else:
            connection.send(Stanza("success", {"t": int(time.time()), "lid": Jid(LID, "lid", DEVICE), "location": "peer"}))
            connection.send(Stanza("ib", {"from": SERVER}, [Stanza("offline", {"count": "0"})]))

    def _answer(self, connection, stanza):
        with self._changed:
            self.stanzas.append(stanza)
            self._changed.notify_all()
        if stanza.tag == "iq" and stanza.attrs.get("type") in {"get", "set"}:
            self._answer_query(connection, stanza)
        elif stanza.tag == "iq" and stanza.child("pair-device-sign"):
            self.linked = True
            connection.send(Stanza("stream:error", {"code": "515"}))
        elif stanza.tag == "message":
            self._take_message(connection, stanza)

    def _answer_query(self, connection, stanza):
        space, answer = stanza.attrs.get("xmlns"), None
        if space == "encrypt" and stanza.child("count"):
            answer = [Stanza("count", {"value": "812"})]
        elif space == "encrypt" and stanza.child("key"):
            asked = [Jid.of(one.attrs["jid"]) for one in walked(stanza) if one.tag == "user"]
            answer = [Stanza("list", {}, [Stanza("user", {"jid": jid}, self.ana.bundle()) for jid in asked])]
        elif space == "encrypt" and stanza.attrs["type"] == "set" and stanza.child("identity"):
            self._device = DeviceKeys(stanza)
        elif space == "usync":
            people = [self._known(one) for one in walked(stanza) if one.tag == "user"]
            answer = [Stanza("usync", {}, [Stanza("list", {}, [] if self.behaviour.knows_nobody else people)])]
        elif str(stanza.attrs.get("to", "")).endswith("@g.us"):
            known = (ANA_PHONE, ANA_LID), (PHONE, LID)
            people = [Stanza("participant", {"jid": Jid(phone), "lid": Jid(lid, "lid")}) for phone, lid in known]
            answer = [Stanza("group", {"id": GROUP, "subject": GROUP_NAME, "creation": "1700000000"}, people)]
        elif stanza.child("media_conn"):
            hosts = [Stanza("host", {"hostname": media.HOST})]
            answer = [Stanza("media_conn", {"auth": "a", "ttl": "300", "auth_ttl": "300", "max_buckets": "12"}, hosts)]
        elif space == "md" and stanza.child("link_code_companion_reg"):
            answer = [Stanza("link_code_companion_reg", {}, [Stanza("link_code_pairing_ref", {}, b"ref")])]
        elif space == "md" and stanza.attrs["type"] == "set":
            self.linked = self.linked and stanza.child("remove-companion-device") is None
        kind = "result"
        if space and space == self.behaviour.refuses:
            kind, answer = "error", [Stanza("error", {"code": "503", "text": "service-unavailable"})]
        connection.send(Stanza("iq", {"from": SERVER, "id": stanza.attrs["id"], "type": kind}, answer))

    def _known(self, asked):
        """Asked for by JID or by phone. Somebody's telephone is one device; of the number itself there is only the library."""
        by_phone = asked.child("contact")
        jid = Jid.of(asked.attrs["jid"]) if by_phone is None else Jid(by_phone.content.decode().removeprefix("+").partition("@")[0])
        devices = [Stanza("device", {"id": DEVICE if jid.user in {PHONE, LID} else 0})]
        lid = Jid({PHONE: LID, ANA_PHONE: ANA_LID}.get(jid.user, f"9{jid.user}") if jid.server != "lid" else jid.user, "lid")
        about = [Stanza("devices", {}, [Stanza("device-list", {}, devices)]), Stanza("lid", {"val": lid})]
        about += [Stanza("contact", {"type": "in"}, by_phone.content)] if by_phone is not None else []
        return Stanza("user", {"jid": jid}, [*self._business_of(jid), *about])

    def _business_of(self, jid):
        """As the certificate says that WhatsApp gives of every business: by whom it is, `ent:wa` or `smb:wa`."""
        if jid.user != PHONE or not self.behaviour.issuer:
            return []
        certificate = _protocol("waVnameCert.WAWebProtobufsVnameCert_pb2").VerifiedNameCertificate
        details = certificate.Details(serial=1, issuer=self.behaviour.issuer, verifiedName=self.behaviour.business).SerializeToString()
        sealed = certificate(details=details, signature=self._account.sign(details)).SerializeToString()
        return [Stanza("business", {}, [Stanza("verified_name", {"verified_level": "unknown"}, sealed)])]

    def _take_message(self, connection, stanza):
        attrs = {"class": "message", "id": stanza.attrs["id"], "from": Jid(ANA_PHONE), "t": int(time.time())}
        if self.behaviour.messages == "drop":
            connection.socket.close()
        elif self.behaviour.messages != "ignore":
            refused = {"error": "479"} if self.behaviour.messages == "refuse" else {}
            connection.send(Stanza("ack", attrs | refused))

    def _pair(self, identity, secret):
        adv = _protocol("waAdv.WAAdv_pb2")
        details = adv.ADVDeviceIdentity(rawID=1, timestamp=int(time.time()), keyIndex=1).SerializeToString()
        signed = adv.ADVSignedDeviceIdentity(
            details=details, accountSignatureKey=self._account.public, accountSignature=self._account.sign(b"\x06\x00" + details + identity)
        ).SerializeToString()
        proof = adv.ADVSignedDeviceIdentityHMAC(details=signed, HMAC=hmac.digest(secret, signed, hashlib.sha256)).SerializeToString()
        self.now.send(
            Stanza("iq", {"from": SERVER, "id": self._id(), "type": "set"}, [Stanza("pair-success", {}, [
                Stanza("device-identity", {}, proof),
                Stanza("device", {"jid": Jid(PHONE, device=DEVICE), "lid": Jid(LID, "lid", DEVICE)}),
                Stanza("platform", {"name": "android"}),
                *([Stanza("biz", {"name": self.behaviour.business})] if self.behaviour.business else []),
            ])])
        )  # fmt: skip

    def _id(self):
        return f"peer-{next(self._numbers)}"


def walked(stanza):
    yield stanza
    for child in stanza.children:
        yield from walked(child)


def _frames(socket):
    rest = b""
    for piece in socket:
        rest += piece
        while len(rest) >= 3 and len(rest) >= 3 + int.from_bytes(rest[:3]):
            end = 3 + int.from_bytes(rest[:3])
            yield rest[3:end]
            rest = rest[end:]


def _protocol(name):
    """The library's own protobufs."""
    import_module("appliance.domains.channels.gateways.qr.driver_library")
    return import_module(f"neonize.proto.{name}")
