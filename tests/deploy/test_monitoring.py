"""A whole box that has worked: what it measures, the dashboards and alerts over it, and one trace through all its processes."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jinja2
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from appliance.core import metrics
from appliance.entrypoints.domains import MANIFESTS
from tests.architecture.house import ROOT
from tests.journeys.running import RunningBox, running_box, set_up, wait_for
from tests.journeys.test_nothing_is_lost import open_shop, post
from tests.modelserver import tiny_gguf
from tests.peers.graph import GraphPeer, text_webhook
from tests.peers.watcher import Watcher, told

pytestmark = pytest.mark.slow
MONITORING = ROOT / "monitoring"
RULES = sorted((MONITORING / "alerts").glob("*.yml"))
DASHBOARDS = sorted((MONITORING / "grafana").glob("*.json"))
WORDS, PERSON = "qual a garantia do inversor?", "5511955500001"
SENT = re.compile(rb'salesedge_jobs_total\{job_name="channels\.send_message",outcome="done",queue="fast"\} [1-9]')
WAIT_S = 300
_NAME = re.compile(r"\b(?:salesedge|modelserver)_\w+")


@pytest.fixture(scope="module")
def watcher() -> Iterator[Watcher]:
    with Watcher() as watcher:
        yield watcher


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory, watcher: Watcher) -> Iterator[RunningBox]:
    """It has read a document and answered a message over WhatsApp, with a language model of random weights."""
    home = tmp_path_factory.mktemp("worked")
    model = {"models__chat_engine": "modelserver", "models__chat_model": "own"}
    (home / "dsn").write_text(watcher.dsn)
    watched = {
        "telemetry__otlp_endpoint": watcher.url, "telemetry__logs_endpoint": watcher.loki, "telemetry__sentry_dsn_file": str(home / "dsn"),
        "logs__level": "info",
    }  # fmt: skip
    with (
        GraphPeer() as graph,
        running_box(
            home, channels__graph_url=graph.url, network__private_hosts=["127.0.0.1"], server__trusted_proxies=1, **model, **watched,
        ) as box,
    ):
        set_up(box)
        assert box.cli("models", "import", str(tiny_gguf.write(home / "own.gguf"))).returncode == 0
        open_shop(box.client())
        with httpx.Client(base_url=box.url, timeout=60) as meta:
            post(meta, text_webhook(WORDS, wa_id=PERSON, first_id="wamid.IN."))
        wait_for(lambda: graph.accepted, limit_s=WAIT_S)
        wait_for(lambda: SENT.search(httpx.get(f"{box.url}/metrics", timeout=60).content), limit_s=WAIT_S)  # counted once it is over
        yield box


def promtool(*arguments: str | Path, given: bytes = b"") -> str:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: apt install prometheus)")
    done = subprocess.run([program, *map(str, arguments)], input=given, capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, said
    return said


def expressions() -> dict[str, str]:
    """Those of every panel, by where they stand; Grafana's own variables become values."""
    found = {}
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                expression = target["expr"].replace("$__rate_interval", "5m").replace("$__range", "6h").replace("$instance", ".*")
                found[f"{file.stem}/{panel['title']}/{target['refId']}"] = expression
    return found


def names_told(text: str) -> set[str]:
    """Every series' name that is there, or that a metric without series yet will have."""
    families = {family.name: family for family in text_string_to_metric_families(text)}
    found = {sample.name for family in families.values() for sample in family.samples}
    for one in vars(metrics).values():
        if isinstance(one, metrics.Metric):
            kind, name = one.kind, one.name
            found |= {f"{name}_{end}" for end in ("bucket", "sum", "count")} if kind == "Histogram" else {name}
    found |= {f"salesedge_{gauge.name}" for manifest in MANIFESTS for gauge in manifest.metrics}
    return found | set(re.findall(r"^# TYPE (modelserver_\w+) ", text, re.MULTILINE))


def test_metrics_are_as_prometheus_wants_them(worked: RunningBox) -> None:
    told = httpx.get(f"{worked.url}/metrics", timeout=60).content
    assert promtool("check", "metrics", given=told) == ""
    assert b'salesedge_events_total{event="message.received",status=""} 1.0' in told
    assert b'salesedge_channels{kind="whatsapp_cloud",status=' in told
    assert SENT.search(told)
    assert b'modelserver_requests_total{route="/v1/embeddings",status="200"}' in told
    assert b"salesedge_workers" in told


def test_metrics_hold_nothing_of_anybody(worked: RunningBox) -> None:
    told = httpx.get(f"{worked.url}/metrics", timeout=60).text
    for word in ("garantia", PERSON, "solara", "Ana", "wamid"):
        assert word.lower() not in told.lower()
    assert not re.search(r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-", told), "an id is no label"


def test_no_address_that_somebody_makes_up_becomes_a_series(worked: RunningBox) -> None:
    for number in range(20):
        httpx.get(f"{worked.url}/made-up-{number}", timeout=60)
    told = httpx.get(f"{worked.url}/metrics", timeout=60).text
    assert "made-up" not in told
    assert 'route="none",status="404"' in told


def test_every_panel_and_alert_asks_for_what_is_there(worked: RunningBox, tmp_path: Path) -> None:
    told = httpx.get(f"{worked.url}/metrics", timeout=60).text
    known = names_told(told)
    asked = "\n".join([*expressions().values(), *(file.read_text(encoding="utf-8") for file in RULES)])
    assert set(_NAME.findall(asked)) - known == set()


def test_queries_of_the_dashboards_are_promql(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": one} for number, one in enumerate(expressions().values())]
    (tmp_path / "panels.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    promtool("check", "rules", tmp_path / "panels.yml")
    assert len({json.loads(file.read_text(encoding="utf-8"))["uid"] for file in DASHBOARDS}) == len(DASHBOARDS) == 3


def test_alerts_sound_when_they_should_and_only_then() -> None:
    promtool("check", "rules", *RULES)
    promtool("check", "config", MONITORING / "prometheus.example.yml")
    promtool("test", "rules", MONITORING / "tests/rules_test.yml")


@pytest.mark.parametrize("told", [[], ["alerts.box.test:9093", "127.0.0.1:9093"]])
def test_prometheus_of_an_installation_reads_its_configuration_and_tells_whom_it_names(tmp_path: Path, told: list[str]) -> None:
    text = (ROOT / "ansible/roles/monitoring/templates/prometheus.yml.j2").read_text(encoding="utf-8")
    template = jinja2.Template(text, trim_blocks=True, undefined=jinja2.StrictUndefined)
    written = tmp_path / "prometheus.yml"
    written.write_text(template.render(app_merged={"server": {"port": 8080}}, monitoring_alertmanagers=told), encoding="utf-8")
    promtool("check", "config", written)
    alerting = yaml.safe_load(written.read_text(encoding="utf-8")).get("alerting", {})
    assert [each["static_configs"][0]["targets"] for each in alerting.get("alertmanagers", [])] == ([told] if told else [])


def is_complete(spans: list[tuple[str, Any]]) -> bool:
    """They come in batches, a child before its parent."""
    known = {span.span_id for _process, span in spans}
    return all(span.parent_span_id in known for _process, span in spans if span.parent_span_id)


def test_one_trace_leads_from_the_webhook_to_the_answer_through_every_process(worked: RunningBox, watcher: Watcher) -> None:
    def whole() -> list[tuple[str, Any]] | None:
        for spans in watcher.traces().values():
            wanted = {"POST /webhooks/whatsapp", "agents.answer", "POST chat/completions", "channels.send_message"}
            if wanted <= {span.name for _process, span in spans} and is_complete(spans):
                return spans
        return None

    spans = wait_for(whole, limit_s=WAIT_S, why=lambda: sorted({span.name for _process, span in watcher.spans}))
    (root,) = [span for _process, span in spans if not span.parent_span_id]
    assert root.name == "POST /webhooks/whatsapp"
    assert {process for process, _span in spans} >= {"salesedge-web", "salesedge-worker-default"}


def test_a_trace_that_is_named_from_outside_is_not_taken_up(worked: RunningBox, watcher: Watcher) -> None:
    for sampled in ("00", "01"):
        httpx.get(f"{worked.url}/login", headers={"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-{sampled}"}, timeout=60)
    begun = wait_for(lambda: [span for _process, span in watcher.spans if span.name == "GET /login"][1:], limit_s=WAIT_S)
    assert begun
    assert bytes.fromhex("ab" * 16) not in watcher.traces()


def test_traces_hold_no_words_of_anybody(worked: RunningBox, watcher: Watcher) -> None:
    wait_for(lambda: watcher.spans, limit_s=WAIT_S)
    told = " ".join(str(span) for _process, span in watcher.spans).lower()
    for word in ("garantia", PERSON, "solara", "wamid"):
        assert word not in told


def test_a_line_of_a_worker_leads_to_the_trace_of_its_job_and_none_is_about_the_sending(worked: RunningBox, watcher: Watcher) -> None:
    def calls() -> list[tuple[str, str, bytes]]:
        found = [(process, line) for process, line in list(watcher.lines) if line.body.string_value == "outbound"]
        return [(process, told(line.attributes)["purpose"], line.trace_id) for process, line in found]

    def led() -> bool:
        return any(process == "salesedge-worker-default" and trace in watcher.traces() for process, _purpose, trace in calls())

    wait_for(led, limit_s=WAIT_S, why=lambda: str(calls()))
    assert not {"logs", "traces", "errors"} & {purpose for _process, purpose, _trace in calls()}


def test_nothing_that_is_told_holds_words_of_anybody_and_a_box_that_is_well_tells_no_error(worked: RunningBox, watcher: Watcher) -> None:
    wait_for(lambda: watcher.lines, limit_s=WAIT_S)
    raw = b"".join(watcher.raw).lower()
    for word in ("garantia", PERSON, "solara", "wamid"):
        assert word.encode() not in raw
    assert watcher.errors == []
