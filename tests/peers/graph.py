"""A Graph API on loopback that holds to Meta's documented rules, records exactly what it was asked, and can misbehave.

Messages reference: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
"""

import json
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from email.parser import BytesParser
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from tests.peers.graph_templates import WABA, TemplateShelf

TOKEN, NUMBER, SECRET, VERIFY = "EAAG-token", "106540352242922", "app-secret", "verify-me"
WINDOW_S = 24 * 3600
TYPES = {"text", "template", "image", "audio", "video", "document", "sticker", "interactive", "reaction", "location", "contacts"}


@dataclass
class Misbehaviour:
    """What happens to the next request: an error status, a delay, or the connection dropped once the message was accepted."""

    status: int = 0
    code: int = 0
    headers: dict = field(default_factory=dict)
    delay_s: float = 0.0
    drop_after_accepting: bool = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    peer: "GraphPeer"

    def log_message(self, *_):
        pass

    def _answer(self, status, body, headers=()):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _error(self, status, code, message, headers=()):
        self._answer(status, {"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A"}}, headers)

    def _authorised(self):
        if self.headers.get("Authorization") in {f"Bearer {TOKEN}", f"OAuth {TOKEN}"}:
            return True
        self._error(401, 190, "Invalid OAuth access token")
        return False

    def do_GET(self):
        if not self._authorised():
            return
        path, _, query = self.path.partition("?")
        if path == f"/v23.0/{NUMBER}":
            if self.peer.misbehave:
                self._error(self.peer.misbehave.popleft().status, 2, "told to fail")
                return
            asked = parse_qs(query).get("fields", ["id"])[0].split(",")
            if "whatsapp_business_manager_messaging_limit" in asked:
                self._error(400, 100, "(#100) Tried accessing nonexisting field (whatsapp_business_manager_messaging_limit)")
                return
            self._answer(200, {"id": NUMBER, **{name: self.peer.number[name] for name in asked if name in self.peer.number}})
            return
        if path == f"/v23.0/{WABA}/message_templates":
            if self.peer.misbehave:
                trick = self.peer.misbehave.popleft()
                self._error(trick.status, trick.code or 2, "told to fail")
                return
            self._answer(*self.peer.templates.list(parse_qs(query)))
            return
        lead = self.peer.leads.get(path.rsplit("/", 1)[-1])
        if lead is None:
            self._hand_out(path.rsplit("/", 1)[-1])
        elif self.peer.misbehave:
            trick = self.peer.misbehave.popleft()
            self._error(trick.status, trick.code or 2, "told to fail")
        else:
            self._answer(200, {name: lead[name] for name in parse_qs(query)["fields"][0].split(",") if name in lead})

    def _hand_out(self, media_id):
        if media_id not in self.peer.media:
            self._error(404, 100, "Unsupported get request")
            return
        content, mime_type = self.peer.media[media_id]
        if self.path.startswith("/files/"):
            self._answer(200, content, {"Content-Type": mime_type})
            return
        url = f"{self.peer.url.rsplit('/', 1)[0]}/files/{media_id}"
        described = {"url": url, "mime_type": mime_type, "id": media_id, "sha256": sha256(content).hexdigest()}
        self._answer(200, {**described, "file_size": len(content), "messaging_product": "whatsapp"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.peer.requests += 1
        trick = self.peer.misbehave.popleft() if self.peer.misbehave else Misbehaviour()
        time.sleep(trick.delay_s)
        if trick.status:
            self._error(trick.status, trick.code, "told to fail", trick.headers)
        elif self._authorised():
            self._take(body, trick)

    def _take(self, body, trick):
        path, _, query = self.path.partition("?")
        if path == "/v23.0/app/uploads":
            self._answer(*self.peer.templates.open_upload(parse_qs(query)))
            return
        if self.path.removeprefix("/v23.0/") in self.peer.templates.uploads:
            self._answer(*self.peer.templates.take_upload(self.path.removeprefix("/v23.0/"), self.headers, body))
            return
        if self.path == f"/v23.0/{NUMBER}/media":
            self._answer(200, {"id": self.peer.put_media(*self._upload(body))})
        elif self.path == f"/v23.0/{NUMBER}/messages":
            self._take_message(json.loads(body), trick)
        elif self.path == f"/v23.0/{WABA}/message_templates":
            self._answer(*self.peer.templates.create(json.loads(body)))
        elif self.path.rsplit("/", 1)[-1] in self.peer.templates.kept:
            self._answer(*self.peer.templates.edit(self.path.rsplit("/", 1)[-1], json.loads(body)))
        else:
            self._error(400, 100, "Unsupported post request")

    def _take_message(self, payload, trick):
        if payload.get("status") == "read":
            self._acknowledge(payload)
            return
        problem = self.peer.problem_with(payload)
        if problem:
            self._error(400, *problem)
            return
        wamid = self.peer.accept(payload)
        if trick.drop_after_accepting:
            self.close_connection = True
            self.connection.close()
            return
        contacts = [{"input": payload["to"], "wa_id": payload["to"]}]
        self._answer(200, {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": wamid}]})

    def _acknowledge(self, payload):
        """https://developers.facebook.com/docs/whatsapp/cloud-api/typing-indicators"""
        known = {"messaging_product": "whatsapp", "status": "read", "typing_indicator": {"type": "text"}}
        is_wrong = any(known.get(name) != said for name, said in payload.items() if name != "message_id")
        if is_wrong or not str(payload.get("message_id", "")).startswith("wamid."):
            self._error(400, 100, "Invalid parameter")
            return
        self.peer.read.append((payload["message_id"], "typing_indicator" in payload))
        self._answer(200, {"success": True})

    def _upload(self, body):
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = BytesParser().parsebytes(head + body).get_payload()
        file = next(part for part in parts if part.get_filename())
        return file.get_payload(decode=True), file.get_content_type()


def settings_for(settings, peer, **network):
    """Of a box that asks this peer in Meta's place."""
    return settings.model_copy(
        update={
            "channels": settings.channels.model_copy(update={"graph_url": peer.url}),
            "network": settings.network.model_copy(update={"private_hosts": ("127.0.0.1",), **network}),
        }
    )


class GraphPeer:
    def __init__(self):
        self.accepted = []  # (wamid, payload)
        self.read = []  # (wamid, whether we write)
        self.requests = 0
        self.misbehave = deque()
        self.last_inbound = {}  # wa_id -> seconds; absent: never wrote
        self.enforce_window = False
        self.media = {}
        self.templates = TemplateShelf()
        self.leads = {}  # leadgen id -> what Lead Ads hands over
        self.number = {
            "display_phone_number": "+55 11 95512-0148", "verified_name": "Solara Energia", "quality_rating": "GREEN",
            "messaging_limit_tier": "TIER_2K",
        }  # fmt: skip
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"peer": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v23.0"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def bodies(self):
        return [payload["text"]["body"] for _, payload in self.accepted if payload["type"] == "text"]

    def put_media(self, content, mime_type="image/png"):
        media_id = str(len(self.media) + 1000)
        self.media[media_id] = (content, mime_type)
        return media_id

    def status_webhook(self, wamid, status, *, timestamp=None, errors=None, pricing=None):
        payload = next(payload for known, payload in self.accepted if known == wamid)
        entry = {"id": wamid, "status": status, "timestamp": str(timestamp or int(time.time())), "recipient_id": payload["to"],
                 "biz_opaque_callback_data": payload.get("biz_opaque_callback_data")}
        return envelope({"statuses": [{**entry, **({"errors": errors} if errors else {}), **({"pricing": pricing} if pricing else {})}]})

    def accept(self, payload):
        with self._lock:
            wamid = f"wamid.PEER{len(self.accepted):06d}"
            self.accepted.append((wamid, payload))
        return wamid

    def problem_with(self, payload):
        """(code, message) when Meta would refuse it."""
        if payload.get("messaging_product") != "whatsapp" or not re.fullmatch(r"\d{6,15}", str(payload.get("to", ""))):
            return 100, "Invalid parameter"
        kind = payload.get("type")
        if kind not in TYPES or not isinstance(payload.get(kind), dict):
            return 100, f"Invalid parameter: {kind}"
        if len(payload.get("biz_opaque_callback_data", "")) > 512:
            return 100, "biz_opaque_callback_data too long"
        if self.enforce_window and kind != "template" and time.time() - self.last_inbound.get(payload["to"], 0) > WINDOW_S:
            return 131047, "Re-engagement message"
        return getattr(self, f"_check_{kind}", lambda _body: None)(payload[kind])

    def _check_text(self, body):
        return None if 0 < len(body.get("body", "")) <= 4096 else (100, "text body")

    def _check_template(self, body):
        if not body.get("name") or not body.get("language", {}).get("code"):
            return 132000, "template"
        return self.templates.problem_with_message(body)

    def _check_image(self, body):
        return None if body.get("id") in self.media or body.get("link") else (100, "media id")

    def _check_interactive(self, body):
        if body.get("type") == "button":
            buttons = body["action"]["buttons"]
            fine = 1 <= len(buttons) <= 3 and all(0 < len(button["reply"]["title"]) <= 20 for button in buttons)
        else:
            rows = [row for section in body["action"]["sections"] for row in section["rows"]]
            fine = 1 <= len(rows) <= 10 and len(body["action"]["button"]) <= 20 and all(len(row["title"]) <= 24 for row in rows)
        return None if fine and 0 < len(body["body"]["text"]) <= 1024 else (131009, "interactive")


def envelope(value, *, number=NUMBER, field="messages"):
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550783881", "phone_number_id": number}, **value}
    return {"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": [{"value": value, "field": field}]}]}


def text_webhook(*texts, wa_id="5531999990001", name="Ana", first_id="wamid.IN", timestamp=None, number=NUMBER):
    """What Meta posts when somebody wrote `texts`."""
    moment = str(timestamp or int(time.time()))
    messages = [{"from": wa_id, "id": f"{first_id}{index}", "timestamp": moment, "type": "text", "text": {"body": text}}
                for index, text in enumerate(texts)]
    return envelope({"contacts": [{"profile": {"name": name}, "wa_id": wa_id}], "messages": messages}, number=number)
