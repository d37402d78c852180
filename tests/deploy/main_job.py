"""The main job, asked of a box that was just set up and can reach nobody: a document in, an agent on, a cited answer out."""

import json
import ssl
import sys
import time

import httpx

AUTHORITY = "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt"
POLICY = "# Garantia\n\nA garantia do inversor é de 10 anos.\n\n# Visita\n\nA visita técnica é gratuita até 80 km.\n"
LIMIT_S = 600


def main() -> None:
    api = httpx.Client(base_url="https://box.test", verify=ssl.create_default_context(cafile=AUTHORITY), timeout=120)
    account = {"email": "ana@solara.example", "password": "a long and quiet sentence"}
    api.headers["Authorization"] = f"Bearer {_said(api.post('/api/v1/auth/login', json=account))['access_token']}"
    agent = _said(api.get("/api/v1/agents"))["items"][0]["id"] if "again" in sys.argv else _agent(api)
    ends, answer = time.monotonic() + LIMIT_S, {}
    while not answer.get("sources") and time.monotonic() < ends:
        time.sleep(1)
        answer = _said(api.post("/api/v1/ia/ask-to-agent", json={"agent_id": agent, "question": "qual a garantia do inversor?"}))
    sys.stdout.write(json.dumps(answer))


def _agent(api: httpx.Client) -> str:
    _said(api.post("/api/v1/documents/upload", files={"file": ("garantia.md", POLICY.encode())}))
    agent = _said(api.post("/api/v1/agents", json={"name": "Lia", "settings": {"debounce_ms": 0}}))["id"]
    _said(api.post(f"/api/v1/agents/{agent}/publish", json={}))
    return str(agent)


def _said(answer: httpx.Response) -> dict:
    answer.raise_for_status()
    return answer.json()


def is_cited(answer: dict) -> None:
    assert "10 anos" in answer["answer"]
    assert [source["document_name"] for source in answer["sources"]] == ["garantia.md"]


if __name__ == "__main__":
    main()
