"""The way to it: a proxy that leads every CONNECT to one of our ports, and the certificate of the names that are asked for."""

import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PIECE = 1 << 16


class Tunnel:
    def __init__(self, port_of):
        self._port_of = port_of
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._open = set()
        self.closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self):
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()

    def _accept(self):
        while True:
            try:
                caller, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._lead, args=(caller,), daemon=True).start()

    def _lead(self, caller):
        asked = b""
        while b"\r\n\r\n" not in asked:
            asked += caller.recv(PIECE) or b"\r\n\r\n"
        if self.closed or not asked.startswith(b"CONNECT "):
            caller.close()
            return
        ours = socket.create_connection(("127.0.0.1", self._port_of[asked.split()[1].partition(b":")[0].decode()]))
        caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        self._open |= {caller, ours}
        threading.Thread(target=self._pump, args=(ours, caller), daemon=True).start()
        self._pump(caller, ours)

    def _pump(self, source, sink):
        with suppress(OSError):
            while piece := source.recv(PIECE):
                sink.sendall(piece)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            self._open.discard(one)


def certified(names, folder):
    """A server's side of TLS for these names, and the file with the authority to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=12))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    ca, both = folder / "ca.pem", folder / "server.pem"
    ca.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    both.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()) + ca.read_bytes()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, ca
