"""The templates of one account, held to Meta's documented rules; its words for problems are Meta's, as far as we know them.

https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
"""

import re

WABA = "102290129340398"
PLACE = re.compile(r"\{\{(\w+)\}\}")
CATEGORIES = {"MARKETING", "UTILITY", "AUTHENTICATION"}
LIMITS = {"HEADER": 60, "BODY": 1024, "FOOTER": 60}


def _buttons(parts):
    return parts.get("BUTTONS", {}).get("buttons", [])


class TemplateShelf:
    """What is asked of `/<account>/message_templates` and `/<template>`. Answers are (status, body)."""

    def __init__(self):
        self.kept = {}  # id -> template as Meta lists it
        self.page = 2  # rows a page holds, so that a few templates make several
        self.uploads = {}  # upload session -> what was announced of its file, then its bytes
        self.handles = {}  # handle -> (type, bytes)

    def put(self, name, text, *, language="pt_BR", category="UTILITY", status="APPROVED", components=(), **more):
        template_id = str(9000 + len(self.kept))
        parts = [{"type": "BODY", "text": text, **more.pop("body", {})}, *components]
        self.kept[template_id] = {"id": template_id, "name": name, "language": language, "category": category, "status": status,
                                  "components": parts, "quality_score": {"score": "GREEN"}, **more}
        return template_id

    def list(self, query):
        rows = list(self.kept.values())
        start = int(query.get("after", ["0"])[0])
        page = rows[start : start + min(self.page, int(query["limit"][0]))]
        end = start + len(page)
        paging = {"cursors": {"before": str(start), "after": str(end)}}
        if end < len(rows):
            paging["next"] = "https://evil.example/follow-me"
        return 200, {"data": page, "paging": paging}

    def create(self, payload):
        problem = self._problem(payload)
        if not problem and any((one["name"], one["language"]) == (payload["name"], payload["language"]) for one in self.kept.values()):
            problem = "There is already content in this language for this template."
        if problem:
            return self._refused(problem)
        template_id = str(9000 + len(self.kept))
        self.kept[template_id] = {**payload, "id": template_id, "status": "PENDING", "quality_score": {"score": "UNKNOWN"}}
        if payload["category"] == "AUTHENTICATION":
            payload["components"][0]["text"] = "*{{1}}* é seu código de verificação."
        return 200, {"id": template_id, "status": "PENDING", "category": payload["category"]}

    def edit(self, template_id, payload):
        kept = self.kept[template_id]
        if kept["status"] not in {"APPROVED", "REJECTED", "PAUSED"}:
            return self._refused("This template cannot be edited now.")
        problem = self._problem({**kept, **payload})
        if problem:
            return self._refused(problem)
        kept.update(payload, status="PENDING")
        return 200, {"success": True}

    def problem_with_message(self, template):
        """(code, message) for a message of a template that is here; None for what is fine or unknown."""
        kept = next((one for one in self.kept.values() if one["name"] == template.get("name")), None)
        if kept is None:
            return None
        if kept["status"] != "APPROVED":
            return 132015, "Template is paused or not approved"
        given = {one["type"].upper(): one["parameters"] for one in template.get("components", ()) if one["type"] != "button"}
        problems = (self._problem_with_part(part, given.get(part["type"], [])) for part in kept["components"])
        return next((problem for problem in problems if problem), None) or self._problem_with_buttons(kept, template)

    @staticmethod
    def _problem_with_buttons(kept, template):
        """Each button whose words differ from message to message has its parameter, in its place."""
        given = {one["index"]: (one["sub_type"], one["parameters"][0]) for one in template.get("components", ()) if one["type"] == "button"}
        for index, button in enumerate(_buttons({part["type"]: part for part in kept["components"]})):
            kind, parameter = given.pop(str(index), ("", {}))
            wanted = {"OTP": "url", "COPY_CODE": "copy_code", "QUICK_REPLY": "quick_reply"}.get(button["type"], "")
            wanted = "url" if PLACE.search(button.get("url", "")) else wanted
            said = parameter.get("text") or parameter.get("coupon_code") or parameter.get("payload")
            if kind != wanted and not (wanted == "quick_reply" and not kind):
                return 132000, f"Button at index {index} of type {wanted} requires a parameter"
            if (wanted in {"url", "copy_code"} and not said) or len(said or "") > (15 if button["type"] != "URL" else 2000):
                return 131008, "Button parameter"
        return (132000, "Parameters of buttons that are not there") if given else None

    def _problem_with_part(self, part, parameters):
        if part.get("format", "TEXT") != "TEXT":
            return self._problem_with_header(part["format"].lower(), parameters)
        places = list(dict.fromkeys(PLACE.findall(part.get("text", ""))))
        if len(parameters) != len(places):
            return 132000, "Number of parameters does not match the expected number of params"
        if any(re.search(r"\n|\t| {5}", one["text"]) or not one["text"] for one in parameters):
            return 132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"
        if not all(name.isdecimal() for name in places) and {one.get("parameter_name") for one in parameters} != set(places):
            return 132000, "parameter_name does not match"
        return None

    @staticmethod
    def _problem_with_header(kind, parameters):
        """https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/template-media"""
        if [one.get("type") for one in parameters] != [kind]:
            return 132012, "Parameter format does not match format in the created template"
        said = parameters[0][kind]
        if kind == "location":
            return None if {"latitude", "longitude", "name", "address"} <= said.keys() else (131009, "location")
        return None if bool(said.get("id")) != bool(said.get("link", "").startswith("https://")) else (131009, "id or link")

    def open_upload(self, query):
        """`POST /app/uploads`: https://developers.facebook.com/docs/graph-api/guides/upload"""
        length, kind = query.get("file_length", ["0"])[0], query.get("file_type", [""])[0]
        if not length.isdecimal() or kind not in {"image/jpeg", "image/png", "video/mp4", "application/pdf"}:
            return self._refused("File type or length")
        session = f"upload:MTphdHRh{len(self.uploads)}?sig=ARZ_1"
        self.uploads[session] = (int(length), kind)
        return 200, {"id": session}

    def take_upload(self, session, headers, body):
        length, kind = self.uploads[session]
        if not headers.get("Authorization", "").startswith("OAuth ") or headers.get("file_offset") != "0" or len(body) != length:
            return self._refused("Upload does not match its session")
        handle = f"4::aW1hZ2U{len(self.handles)}"
        self.handles[handle] = (kind, body)
        return 200, {"h": handle}

    @staticmethod
    def _refused(said):
        error = {"message": "Invalid parameter", "type": "OAuthException", "code": 100, "error_subcode": 2388023, "error_user_msg": said}
        return 400, {"error": error}

    def _problem(self, payload):
        if not re.fullmatch(r"[a-z0-9_]{1,512}", payload.get("name", "")) or payload.get("category") not in CATEGORIES:
            return "Name or category"
        parts = {part["type"]: part for part in payload.get("components", ())}
        if payload["category"] == "AUTHENTICATION":
            return self._of_code(parts)
        if any(button["type"] == "COPY_CODE" and not 0 < len(button["example"]) <= 15 for button in _buttons(parts)):
            return "Example of the coupon code"
        if "BODY" not in parts:
            return "Body is missing"
        if problem := self._of_file(parts.get("HEADER", {})):
            return problem
        return next((said for kind, most in LIMITS.items() if kind in parts and (said := self._of_text(kind, parts[kind], most))), "")

    @staticmethod
    def _of_code(parts):
        """https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/authentication-templates"""
        if any("text" in part for kind, part in parts.items() if kind != "BUTTONS") or "HEADER" in parts:
            return "The text of authentication templates is fixed."
        if not 1 <= parts.get("FOOTER", {}).get("code_expiration_minutes", 1) <= 90:
            return "code_expiration_minutes"
        buttons = _buttons(parts)
        return "" if [(one["type"], one.get("otp_type")) for one in buttons] == [("OTP", "COPY_CODE")] else "One OTP button"

    def _of_file(self, header):
        form = header.get("format", "TEXT")
        if form in {"TEXT", "LOCATION"}:
            return ""
        handle = (header.get("example", {}).get("header_handle") or [""])[0]
        kind = self.handles.get(handle, ("", b""))[0]
        fits = {"IMAGE": "image/", "VIDEO": "video/", "DOCUMENT": "application/pdf"}
        return "" if kind and kind.startswith(fits.get(form, "?")) else "The header's example is no file of this kind."

    @staticmethod
    def _of_text(kind, part, most):
        if part.get("format", "TEXT") != "TEXT":
            return ""
        text, places = part["text"], PLACE.findall(part["text"])
        if len(text) > most:
            return f"{kind} too long"
        if kind == "BODY" and places and (text.startswith("{{") or text.endswith("}}")):
            return "Variables can't be at the start or end of the template."
        example = part.get("example", {})
        told = example.get(f"{kind.lower()}_text", [])
        told = told[0] if told and isinstance(told[0], list) else told
        named = example.get(f"{kind.lower()}_text_named_params", [])
        if len(set(places)) != max(len(told), len(named)) or not all(told) or not all(one["example"] for one in named):
            return "Examples are missing"
        return ""


def webhook(event, template_id, *, account=WABA, time=1_760_000_000, field="message_template_status_update", **more):
    """What Meta posts about a template: the account is named, no number is."""
    value = {"event": event, "message_template_id": int(template_id), "message_template_name": "x", "message_template_language": "pt_BR",
             "reason": "NONE", **more}
    return {"object": "whatsapp_business_account", "entry": [{"id": account, "time": time, "changes": [{"value": value, "field": field}]}]}
