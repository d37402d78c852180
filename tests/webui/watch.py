"""Everything a page does that it must not."""

from urllib.parse import urlsplit

REPORT_VIOLATIONS = "addEventListener('securitypolicyviolation', e => console.error('CSP ' + e.violatedDirective + ' ' + e.blockedURI))"


def open_listening(page, path):
    """A conversation whose page has said that somebody is there and hears what is whispered from now on."""
    page.add_init_script("document.addEventListener('live:up', () => { document.documentElement.dataset.hears = ''; })")
    with page.expect_request(lambda request: request.url.endswith("/presence") and request.post_data_json == {"state": "arrived"}):
        page.goto(path)
    page.locator("html[data-hears]").wait_for(state="attached")


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
