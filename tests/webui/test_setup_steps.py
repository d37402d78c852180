"""The steps after the account: what the machine is, which models suit it, and how they get there in each network mode."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from typing import get_args

import pytest
from click.testing import CliRunner
from playwright.sync_api import expect

from appliance.core import hardware
from appliance.core.config import ModelSettings, NetworkMode
from appliance.entrypoints.cli import cli
from tests.webui.looking import look
from webui.setup import machine

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def picture(box):
    def taken(mode, *hosts):
        network = box.settings.network.model_copy(update={"mode": mode, "allowed_hosts": hosts})
        return machine.picture_of(replace(box, settings=box.settings.model_copy(update={"network": network})))

    return taken


@pytest.mark.parametrize(("mode", "hosts", "may"), [
    (NetworkMode.SEALED, (), False), (NetworkMode.ALLOW_LISTED, ("other.example",), False),
    (NetworkMode.ALLOW_LISTED, ("huggingface.co",), True), (NetworkMode.CONNECTED, (), True),
])  # fmt: skip
def test_a_model_is_pulled_where_the_mode_lets_it_and_imported_elsewhere(picture, mode, hosts, may):
    choices = [choice for choice in picture(mode, *hosts).choices if choice.offer.model.files[0].source]
    assert choices
    for choice in choices:
        assert choice.command == (f"salesedge models pull {choice.offer.model.name}" if may else "salesedge models import PATH")


def test_page_and_terminal_recommend_the_same(picture, box, monkeypatch):
    monkeypatch.setenv("SALESEDGE_HOME", str(box.settings.home))
    said = CliRunner().invoke(cli, ["models", "recommend", "--json"])
    shown = [choice.offer.model.name for choice in picture(NetworkMode.SEALED).choices if choice.offer.is_recommended]
    assert sorted(model["name"] for model in json.loads(said.output)) == sorted(shown)


def a_driver(folder, body):
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def test_the_driver_tells_of_its_cards(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hardware.nvidia_cards() == []
    a_driver(tmp_path, 'echo "NVIDIA H100 80GB HBM3, 81559, 570.1"; echo "NVIDIA T4, [N/A], 570.1"')
    assert hardware.nvidia_cards() == [hardware.Card("NVIDIA H100 80GB HBM3", 81559, "570.1")]
    a_driver(tmp_path, "exit 9")
    assert hardware.nvidia_cards() == []


def test_a_process_without_devices_knows_the_card_and_not_its_memory(tmp_path, monkeypatch):
    """As that of the pages, under PrivateDevices=."""
    card = tmp_path / "gpus/0000:01:00.0/information"
    card.parent.mkdir(parents=True)
    card.write_text("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 17\n")
    a_driver(tmp_path, "exit 9")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(hardware, "NVIDIA", tmp_path / "gpus")
    assert hardware.Card("NVIDIA H100 80GB HBM3", 0) in hardware.cards()


def test_the_kernel_tells_of_amd_cards(tmp_path):
    for name, said in (("card0", str(16 * 2**30)), ("card1", "none")):
        device = tmp_path / name / "device"
        device.mkdir(parents=True)
        (device / "mem_info_vram_total").write_text(said)
    assert hardware.amd_cards(tmp_path) == [hardware.Card("AMD", 16384)]


def test_a_machine_is_read_before_its_model_folder_exists(tmp_path):
    read = hardware.read_hardware(tmp_path / "not" / "yet", "xllamacpp")
    assert read.cores > 0
    assert read.ram_mb > 0
    assert read.disk_free_mb > 0
    assert replace(read, cards=(hardware.Card("a", 8), hardware.Card("b", 9)), uses_cards=True).vram_mb == 9


def test_a_card_counts_where_the_engine_was_built_for_it(tmp_path, monkeypatch):
    a_driver(tmp_path, 'echo "NVIDIA H100 80GB HBM3, 81559, 570.1"')
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(hardware.ENGINES, "built for it", "print('loading'); print(True)")
    monkeypatch.setitem(hardware.ENGINES, "broken", "import os; os.abort()")
    found = {engine: hardware.read_hardware(tmp_path, engine) for engine in ("built for it", "xllamacpp", "broken")}
    assert all(one.cards for one in found.values())
    said = subprocess.run([sys.executable, "-c", hardware.ENGINES["xllamacpp"]], capture_output=True, text=True, check=True).stdout
    assert said.split()[-1] in {"True", "False"}
    assert {*get_args(ModelSettings.model_fields["gguf_engine"].annotation)} <= {*hardware.ENGINES}
    assert {engine: one.vram_mb for engine, one in found.items()} == {"built for it": 81559, "xllamacpp": 0, "broken": 0}


@pytest.mark.browser
def test_the_steps_can_be_read_by_everybody(ana, new_context):
    page = new_context(ana).new_page()
    for name in ("brand", "models", "safety"):
        page.goto(f"/setup/{name}")
        look(page, f"setup-{name}")
    expect(page.get_by_role("navigation", name="Etapas").locator("li.done")).to_have_count(5)
    page.goto("/admin/machine")
    look(page, "machine")


@pytest.mark.browser
def test_a_logo_that_runs_a_program_is_refused_and_what_was_typed_stays(ana, new_context):
    page = new_context(ana).new_page()
    page.goto("/setup/brand")
    page.locator("#f-name").fill("Aurora")
    bad = b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'
    page.locator("#f-logo").set_input_files({"name": "l.svg", "mimeType": "image/svg+xml", "buffer": bad})
    page.get_by_role("button", name="Salvar e continuar").click()
    page.get_by_text(re.compile("contém um programa")).wait_for()
    look(page, "setup-brand-refused")
