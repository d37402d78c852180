"""What a receiving mail server does with a signature (RFC 6376, 6.1), written from the standard; and its name server."""

import base64
import hashlib
import re
import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key


def tags(text):
    return {name.strip(): "".join(value.split()) for name, _sign, value in (one.partition("=") for one in text.split(";") if "=" in one)}


def is_valid(mail: bytes, records: dict[str, str]) -> bool:
    """By the first signature; `records`: TXT by name."""
    head, body = mail.split(b"\r\n\r\n", 1)
    fields = [(line.split(b":", 1)[0].strip().lower(), line) for line in re.split(rb"\r\n(?=[^ \t])", head)]
    signature = next(line for name, line in fields if name == b"dkim-signature")
    said = tags(signature.decode().split(":", 1)[1])
    header_way, body_way = [*said.get("c", "simple/simple").split("/"), "simple"][:2]
    digest = base64.b64encode(hashlib.sha256(_body(body, body_way)).digest()).decode()
    record = tags(records.get(f"{said['s']}._domainkey.{said['d']}", ""))
    if digest != said["bh"] or not record.get("p") or said["a"] != "rsa-sha256":
        return False
    signed = b"".join(_chosen(fields, said["h"].lower().split(":"), header_way))
    bare = re.sub(rb"([;\s]b\s*=)[^;]*", rb"\1", signature)
    signed += _field(bare, header_way)
    try:
        key = load_der_public_key(base64.b64decode(record["p"]))
        key.verify(base64.b64decode(said["b"]), signed, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _chosen(fields, names, way):
    left = list(reversed(fields))
    for name in names:
        at = next((at for at, (known, _line) in enumerate(left) if known == name.strip().encode()), None)
        if at is not None:
            yield _field(left.pop(at)[1], way) + b"\r\n"


def _field(line, way):
    if way == "simple":
        return line
    name, value = line.split(b":", 1)
    return name.strip().lower() + b":" + b" ".join(value.split())


def _body(body, way):
    lines = body.split(b"\r\n")
    if way == "relaxed":
        lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines) or (b"\r\n" if way == "simple" else b"")


class NameServer(threading.Thread):
    """Answers for TXT records over UDP, in pieces of 255 as the DNS keeps them. `records` may change."""

    def __init__(self):
        super().__init__(daemon=True)
        self.records, self._socket = {}, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def run(self):
        while True:
            asked, who = self._socket.recvfrom(4096)
            if not asked:
                return
            self._socket.sendto(self._answer(dns.message.from_wire(asked)).to_wire(), who)

    def stop(self):
        self._socket.sendto(b"", self._socket.getsockname())
        self.join(5)
        self._socket.close()

    def _answer(self, asked):
        said = dns.message.make_response(asked)
        said.flags |= dns.flags.RA
        name = asked.question[0].name
        record = self.records.get(name.to_text(omit_final_dot=True))
        if record is None:
            said.set_rcode(dns.rcode.NXDOMAIN)
        else:
            pieces = " ".join(f'"{record[at : at + 255]}"' for at in range(0, len(record), 255))
            said.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", pieces))
        return said
