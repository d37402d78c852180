"""Somebody else's program: it takes what a box tells, checks who signed it, and answers as it is told to."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from appliance.core.signatures import is_signed

LATEST_S = 300


class Listener:
    def __init__(self):
        self.heard, self.answers, self.files = [], [], {}
        peer = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                peer.heard.append(Heard(self.path, dict(self.headers), body))
                self.send_response(peer.answers.pop(0) if peer.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self):
                content = peer.files.get(self.path)
                self.send_response(200 if content is not None else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_said):
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def bodies(self):
        return [one.json for one in self.heard]

    def __enter__(self):
        return self

    def __exit__(self, *_raised):
        self._server.shutdown()
        self._server.server_close()


class Heard:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body
        self.json = json.loads(body)

    def is_signed_with(self, secret):
        moment = self.headers["X-Timestamp"]
        is_fresh = abs(time.time() - int(moment)) < LATEST_S
        return is_fresh and is_signed(secret, moment.encode() + b"." + self.body, self.headers["X-Signature"])
