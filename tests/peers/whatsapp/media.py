"""Where files lie, sealed: what is put there is handed out again, to whoever asks by its path."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

HOST = "mmg.whatsapp.net"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: "MediaStore"

    def log_message(self, *_):
        pass

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.store.full:
            self._answer(507, b"")
            return
        path = f"/v/{next(self.store.numbers)}"
        self.store.files[path] = content
        self._answer(200, json.dumps({"url": f"https://{HOST}{path}", "direct_path": path, "handle": "h", "object_id": "o"}).encode())

    def do_GET(self):
        content = self.store.files.get(self.path.partition("?")[0].partition("&")[0])
        self._answer(404 if content is None else 200, content or b"")

    def _answer(self, status, content):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class MediaStore:
    def __init__(self, context):
        self.files, self.full, self.numbers = {}, False, count(1)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"store": self}))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
