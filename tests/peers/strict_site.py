"""A site of somebody else: another origin, a content security policy without a hole, one script tag."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StrictSite:
    """Serves one page that carries the chat of `box` under `key`; `allows` False: its policy knows no box."""

    def __init__(self, *, box, key):
        self.box, self.key = box, key
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_raised):
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def _handler(site):  # noqa: N805 - the class below is the handler
        class Page(BaseHTTPRequestHandler):
            def do_GET(self):
                body = (
                    f'<!doctype html><html lang="pt-BR"><head><meta charset="utf-8"><title>Loja</title>'
                    f'<script src="{site.box}/chat/{site.key}.js" async></script></head>'
                    f"<body><main><h1>Loja</h1><p>Um site qualquer.</p></main></body></html>"
                ).encode()
                found = self.path == "/"
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)) if found else "0")
                self.send_header("Content-Security-Policy", f"default-src 'none'; script-src {site.box}; frame-src {site.box}")
                self.end_headers()
                if found:
                    self.wfile.write(body)

            def log_message(self, *_args):
                pass

        return Page
