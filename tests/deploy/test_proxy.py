"""The proxy that the installation configures, with each kind of certificate, as a browser meets it: an ACME server stands on loopback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jinja2
import pytest

from tests.architecture.house import ROOT

PATIENCE_S = 180
PORT = 8080
BOX = f"""
import http.server
class Box(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = " ".join([self.path, *sorted(map(str.lower, self.headers))]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)
http.server.ThreadingHTTPServer(("127.0.0.1", {PORT}), Box).serve_forever()
"""
AUTHORITY = """
{
	admin off
	skip_install_trust
	http_port 8081
	https_port 14000
}
https://ca.test:14000 {
	tls internal
	acme_server
}
"""
PROGRAMS = ("caddy", "curl", "ip", "openssl", "unshare")
missing = os.geteuid() != 0 or not all(map(shutil.which, PROGRAMS))
pytestmark = pytest.mark.skipif(missing, reason=f"as root, with {', '.join(PROGRAMS)}: apt install caddy curl iproute2 openssl")


def authority(folder: Path) -> Path:
    return folder / "caddy/pki/authorities/local/root.crt"


def acme(folder: Path) -> tuple[dict[str, str], Path]:
    (folder / "authority").write_text(AUTHORITY)
    root = folder / "salesedge-acme.crt"
    root.symlink_to(authority(folder))
    directory = "https://ca.test:14000/acme/local/directory"
    return {"proxy_acme_email": "admin@box.test", "proxy_acme_directory": directory, "proxy_acme_root": str(root)}, root


def supplied(folder: Path) -> tuple[dict[str, str], Path]:
    names = ["-subj", "/CN=box.test", "-addext", "subjectAltName=DNS:box.test", "-days", "2"]
    where = ["-keyout", folder / "salesedge.key", "-out", folder / "salesedge.crt"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *names, *where]
    subprocess.run(command, check=True, capture_output=True)
    return {}, folder / "salesedge.crt"


def internal(folder: Path) -> tuple[dict[str, str], Path]:
    return {}, authority(folder / "own")


def caddyfile(**told: object) -> str:
    text = (ROOT / "ansible/roles/proxy/templates/Caddyfile.j2").read_text(encoding="utf-8")
    template = jinja2.Environment(trim_blocks=True, autoescape=False, undefined=jinja2.StrictUndefined).from_string(text)
    return template.render({"proxy_acme_email": "", "proxy_acme_directory": "", "proxy_acme_root": ""} | told)


@pytest.mark.parametrize("way", [acme, internal, supplied])
def test_a_browser_meets_the_box_behind_its_certificate(tmp_path, way):
    how, trusted = way(tmp_path)
    written = caddyfile(proxy_tls=way.__name__, salesedge_domain="box.test", app_merged={"server": {"port": PORT}}, **how)
    (tmp_path / "Caddyfile").write_text(written.replace("/etc/caddy", str(tmp_path)))
    apart = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    script = ["bash", str(ROOT / "tests/deploy/proxied.sh"), str(tmp_path), str(trusted)]
    environment = os.environ | {"BOX": BOX, "PYTHON": sys.executable}
    try:
        subprocess.run([*apart, *script], check=True, env=environment, timeout=PATIENCE_S, capture_output=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as err:
        raise AssertionError(err.stderr, *(path.read_text()[-2000:] for path in tmp_path.glob("*.log"))) from err
    headers, [path, *sent] = (tmp_path / "headers").read_text().lower(), (tmp_path / "page").read_text().split()
    assert "strict-transport-security: max-age=31536000" in headers
    assert path == "/hello"
    assert {"x-forwarded-for", "x-forwarded-proto"} <= {*sent}
    assert not {"traceparent", "tracestate"} & {*sent}
    assert (tmp_path / "figures").read_text() == "404"
    assert (tmp_path / "unencrypted").read_text() == "308 https://box.test/hello"
