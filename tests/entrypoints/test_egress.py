"""What may leave the box, asked at the terminal."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.entrypoints.test_terminal import ENGLISH, PORTUGUESE, box, run  # noqa: F401 - a machine with a box on it


def apart(*words: str) -> str:
    """In a process of its own: figures are shared by processes."""
    command = [sys.executable, "-m", "appliance.entrypoints.cli", *words]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120).stdout


def test_what_leaves_the_box_is_told_and_tried(box, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    assert box("egress", LANG=PORTUGUESE).output.splitlines() == [
        "Modo de rede: sealed", "Endereços da lista: -", "Endereços próprios em redes privadas: -",
        "Nenhuma chamada foi contada nesta máquina.",
    ]  # fmt: skip
    refused = box("egress", "ollama.example", LANG=ENGLISH)
    assert (refused.exit_code, "This box is sealed" in refused.output) == (1, True)
    monkeypatch.setenv("SALESEDGE__NETWORK__PRIVATE_HOSTS", '["127.0.0.1"]')
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert apart("egress", "127.0.0.1", "--port", port) == "127.0.0.1 may be called and answers.\n"
    assert apart("egress", "127.0.0.1", "--port", port) == "Error: 127.0.0.1 does not answer.\n"
    calls = {(call["purpose"], call["outcome"]): call["count"] for call in json.loads(apart("egress", "--json"))["calls"]}
    assert calls == {("egress check", "connected"): 1, ("egress check", "error"): 1}


def test_a_host_that_a_setting_names_is_tried_and_the_setting_said(box, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # noqa: F811
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("SALESEDGE__MODELS__CHAT_URL", f"http://8.8.8.8;http://127.0.0.1:{port}")
        refused = box("egress", "127.0.0.1", LANG=ENGLISH)
        assert refused.exit_code == 1
        assert "This box is sealed" in refused.output
        assert "stands in" not in refused.output, "no engine that is asked there"
        monkeypatch.setenv("SALESEDGE__MODELS__CHAT_ENGINE", "ollama")
        told = box("egress", "127.0.0.1", LANG=PORTUGUESE).output
        assert told == "127.0.0.1 pode ser chamado, pois consta em models.chat_url, e responde.\n"
        monkeypatch.setenv("SALESEDGE__TELEMETRY__OTLP_ENDPOINT", "http://LOCALHOST:4318")
        monkeypatch.setenv("SALESEDGE__TELEMETRY__LOGS_ENDPOINT", f"http://127.0.0.1:{port + 1}/otlp")
        (tmp_path / "dsn").write_text("http://key@127.0.0.1/1")
        monkeypatch.setenv("SALESEDGE__TELEMETRY__SENTRY_DSN_FILE", str(tmp_path / "dsn"))
        named = ["models.chat_url", "telemetry.logs_endpoint", "telemetry.sentry_dsn_file"]
        told = json.loads(box("egress", "127.0.0.1", "--json").output)
        assert told == {"host": "127.0.0.1", "port": port, "ok": True, "allowed_by": named}
        told = json.loads(box("egress", "localhost", "--port", str(port), "--json").output)
        assert told == {"host": "localhost", "port": port, "ok": True, "allowed_by": ["telemetry.otlp_endpoint"]}
        monkeypatch.setenv("SALESEDGE__NETWORK__PRIVATE_HOSTS", '["127.0.0.1"]')
        assert json.loads(box("egress", "127.0.0.1", "--json").output)["allowed_by"] == []
        monkeypatch.delenv("SALESEDGE__NETWORK__PRIVATE_HOSTS")
    away = box("egress", "127.0.0.1", LANG=ENGLISH)
    assert away.exit_code == 1
    assert away.output == f"Error: 127.0.0.1 may be called, since it stands in {', '.join(named)}, but does not answer.\n"
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = box\naws_secret_access_key = secret\n")
    monkeypatch.setenv("SALESEDGE__FILES__ENDPOINT", f"http://127.0.0.2:{port}")
    monkeypatch.setenv("SALESEDGE__FILES__BUCKET", "salesedge")
    monkeypatch.setenv("SALESEDGE__FILES__CREDENTIALS_FILE", str(tmp_path / "credentials"))
    assert "127.0.0.2 may be called, since it stands in files.endpoint, but" in box("egress", "127.0.0.2", LANG=ENGLISH).output
    monkeypatch.setenv("SALESEDGE__KNOWLEDGE__VECTORS_URL", "postgresql+psycopg://vectors:secret@127.0.0.3/vectors")
    told = box("egress", "127.0.0.3", LANG=ENGLISH).output
    assert told == "Error: 127.0.0.3 may be called, since it stands in knowledge.vectors_url, but does not answer.\n"
    public = box("egress", "8.8.8.8", LANG=ENGLISH)
    assert public.exit_code == 1
    assert re.search(r"sealed.*network\.mode.*models\.chat_url is enough where it leads to a private address", public.output, re.DOTALL)
