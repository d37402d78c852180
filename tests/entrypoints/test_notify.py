import socket
import subprocess
import sys
import time

from appliance.entrypoints.notify import Pulse

BEATER = """
import sys, threading
from appliance.entrypoints import notify
pulse = notify.Pulse()
notify.watch(pulse.is_fresh)
for line in sys.stdin:
    pulse.beat(float(line))
"""


def test_a_loop_that_is_late_is_stuck() -> None:
    pulse = Pulse()
    assert not pulse.is_fresh()
    pulse.beat(within_s=60)
    assert pulse.is_fresh()
    pulse.beat(within_s=0)
    assert not pulse.is_fresh()


def test_a_process_is_ready_when_it_works_and_falls_silent_when_it_is_stuck(tmp_path) -> None:
    door = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(door)
        environment = {"NOTIFY_SOCKET": door, "WATCHDOG_USEC": "400000", "PATH": "/usr/bin:/bin"}
        with subprocess.Popen([sys.executable, "-c", BEATER], env=environment, stdin=subprocess.PIPE, text=True, bufsize=1) as beater:
            assert beater.stdin is not None
            beater.stdin.write("3600\n")
            ear.settimeout(60)
            assert ear.recv(100) == b"READY=1\nWATCHDOG=1"
            assert ear.recv(100) == b"WATCHDOG=1"
            beater.stdin.write("0\n")
            ear.settimeout(2)
            ends = time.monotonic() + 60
            silent = False
            while not silent and time.monotonic() < ends:
                try:
                    ear.recv(100)
                except TimeoutError:
                    silent = True
            beater.kill()
    assert silent
