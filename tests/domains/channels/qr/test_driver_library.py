"""A child is small, needs no library of the system, and fetches nothing."""

import subprocess
import sys

import pytest

from appliance.domains.channels.gateways.qr import wire
from tests.peers.whatsapp import library

if library.installed() is None:
    pytest.skip("the package neonize is not installed here", allow_module_level=True)


def imported(first: str = "") -> set[str]:
    """What a process has loaded that has just become a driver."""
    code = f"{first}\nimport sys\nimport {wire.DRIVER}\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_child_loads_neither_the_house_nor_what_it_never_uses() -> None:
    assert imported() & {"sqlalchemy", "flask", "pydantic", "httpx", "requests", "magic", "linkpreview", "lxml", "tqdm"} == set()


def test_others_in_the_process_keep_what_was_left_out() -> None:
    assert {"httpx", "requests"} <= imported("import httpx, requests")


def test_it_needs_no_libmagic_and_no_network_to_load() -> None:
    imported("import sys, socket\nsys.modules['magic'] = None\nsocket.socket.connect = None")
