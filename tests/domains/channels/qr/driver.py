"""`python -m tests.domains.channels.qr.driver`: a child that speaks the wire and has the peer at HTTPS_PROXY for a network.

It keeps what the real one keeps: in its store who it is, and under which id each message was about to leave.
"""

import argparse
import base64
import json
import os
import select
import socket
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from appliance.domains.channels.gateways.qr import lines, wire

RELAYED = {
    wire.Pair: lambda asked: {"pair": asked.phone},
    wire.AskIssuer: lambda _asked: {"issuer": True},
    wire.MarkRead: lambda asked: {"read": asked.ids, "chat": asked.chat},
    wire.ShowTyping: lambda asked: {"writes": asked.writes, "chat": asked.chat},
    wire.Attend: lambda asked: {"looks": asked.looks},
}


class Driver:
    def __init__(self, parent, store):
        self.parent = parent
        self.store = sqlite3.connect(store, isolation_level=None)
        self.store.execute("CREATE TABLE IF NOT EXISTS device (jid TEXT)")
        self.store.execute("CREATE TABLE IF NOT EXISTS left (id TEXT PRIMARY KEY, provider_id TEXT)")
        self.lines, self.news = lines.Lines(), lines.Lines()
        self.peer = None

    def tell(self, event):
        self.parent.sendall(wire.encode(event))

    def call(self, **said):
        if self.peer:
            self.peer.sendall(json.dumps(said).encode() + b"\n")

    def connect(self):
        host, _, port = os.environ["HTTPS_PROXY"].rpartition(":")
        try:
            self.peer = socket.create_connection((host, int(port)), timeout=30)
        except OSError:
            self.peer = None
            return
        found = self.store.execute("SELECT jid FROM device").fetchone()
        self.news = lines.Lines()
        self.call(hello=found[0] if found else "", pid=os.getpid(), environment=sorted(os.environ))

    def run(self):
        self.tell(wire.Ready("test"))
        self.connect()
        if self.peer is None:
            self.tell(wire.Closed(408, "nobody there", final=True))
            return
        while True:
            readable = select.select([one for one in (self.parent, self.peer) if one], [], [], 0.1)[0]
            if self.parent in readable:
                piece = self.parent.recv(65_536)
                if not piece:
                    sys.exit(0)
                for line in self.lines.feed(piece):
                    self.obey(wire.decode_command(line))
            if self.peer is None:
                self.connect()
            elif self.peer in readable:
                self.listen()

    def listen(self):
        try:
            piece = self.peer.recv(65_536)
        except OSError:
            piece = b""
        if not piece:
            self.peer = None
            self.tell(wire.Closed(428, "dropped"))
            time.sleep(0.1)
            return
        for line in self.news.feed(piece):
            said = json.loads(line)
            if said.get("die"):
                os.abort()
            event = wire.decode_event(json.dumps(said).encode())
            if isinstance(event, wire.Paired):
                self.store.execute("INSERT INTO device VALUES (?)", (event.jid,))
                self.tell(wire.StoreChanged())
            self.tell(event)

    def obey(self, command):
        if isinstance(command, wire.Ping):
            self.tell(wire.Pong())
        elif type(command) in RELAYED:
            self.call(**RELAYED[type(command)](command))
        elif isinstance(command, wire.LogOut):
            self.call(logout=True)
            self.tell(wire.LoggedOut(401, "asked"))
        elif isinstance(command, wire.Fetch):
            size = Path(command.path).write_bytes(base64.b64decode(command.reference))
            self.tell(wire.Fetched(command.id, command.path, size))
        elif isinstance(command, wire.AskGroup):
            members = wire.Member("222333444555666@lid", "5531999990002@s.whatsapp.net", "Eva Reis"), wire.Member("333444555666777@lid")
            self.tell(wire.Group(command.chat, "Obra da Vila", members))
        elif isinstance(command, wire.Send):
            self.send(command)

    def send(self, command):
        left = self.store.execute("SELECT provider_id FROM left WHERE id = ?", (command.id,)).fetchone()
        if left and not command.anyway:
            self.tell(wire.Failed(command.id, "it may have left", may_have_left=True, provider_id=left[0]))
            return
        if command.content.get("text") == "refuse me":
            self.tell(wire.Failed(command.id, "not a WhatsApp number"))
            return
        provider_id = f"3EB0{command.id.replace('-', '')[-16:].upper()}"
        self.store.execute("INSERT OR REPLACE INTO left VALUES (?, ?)", (command.id, provider_id))
        self.tell(wire.StoreChanged())
        body = base64.b64encode(Path(command.path).read_bytes()).decode() if command.path else ""
        self.call(send=command.id, provider_id=provider_id, to=command.to, kind=command.kind, content=command.content, body=body,
                  mentions=command.mentions, quoted=asdict(command.reply_to) if command.reply_to else None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", type=int)
    parser.add_argument("--store")
    parser.add_argument("--silence")
    given = parser.parse_args()
    with closing(socket.socket(fileno=given.socket)) as parent:
        Driver(parent, given.store).run()


if __name__ == "__main__":
    main()
