"""Everything a page does that it must not."""

from urllib.parse import urlsplit

REPORT_VIOLATIONS = "addEventListener('securitypolicyviolation', e => console.error('CSP ' + e.violatedDirective + ' ' + e.blockedURI))"


def open_listening(page, path):
    """A conversation; what is whispered from now on is heard: who begins to listen says a second time that they arrived."""
    arrivals = []

    def is_second(request):
        if request.url.endswith("/presence") and request.post_data_json == {"state": "arrived"}:
            arrivals.append(request)
        return len(arrivals) == 2

    with page.expect_request(is_second):
        page.goto(path)


class Watch:
    """Listens to one page. `complaints` stays empty on a good one."""

    def __init__(self, page, origin):
        self.complaints = []
        page.add_init_script(REPORT_VIOLATIONS)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("request", lambda request: self._request(request.url, origin))

    def _console(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def _request(self, url, origin):
        if urlsplit(url).scheme in {"http", "https", "ws", "wss"} and not url.startswith(origin):
            self.complaints.append(f"asked another origin: {url}")
