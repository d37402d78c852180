"""What the model server adds to whisper.cpp's own time: python -m tests.bench.bench_transcription [SECONDS] [--threads 1] [--rounds 3].

The same sound, model and threads go through the server and through pywhispercpp in a process of its own, in turns. Compared by processor time,
which other work on the machine disturbs least; the clock is printed beside it. The model has the size of Whisper base and random weights:
its words are nonsense, its arithmetic is not.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.modelserver import tiny_whisper
from tests.modelserver.running import Running
from tests.modelserver.sounds import voice, wav

GOAL = 1.05
Spent = tuple[float, float]
DIRECT = """
import json, sys, time
from pywhispercpp.model import Model
path, sound, threads = sys.argv[1:]
model = Model(path, n_threads=int(threads), print_progress=False, print_timestamps=False, redirect_whispercpp_logs_to=None,
              context_params={"use_gpu": False})
audio = Model._load_audio(sound)
for line in sys.stdin:
    began, used = time.perf_counter(), time.process_time()
    model.transcribe(audio, language="pt", max_tokens=32, temperature_inc=0.0, suppress_nst=True)
    print(json.dumps([time.process_time() - used, time.perf_counter() - began]), flush=True)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        running = Running(Path(folder), ("--threads", str(asked.threads), "--timeout", "600"))
        file = tiny_whisper.install(running.models, tiny_whisper.BASE)
        running.start()
        try:
            ratio = compare(running, file, asked.seconds, asked.threads, asked.rounds)
        finally:
            running.stop()
    return 0 if ratio <= GOAL else 1


def compare(running: Running, file: Path, seconds: float, threads: int, rounds: int) -> float:
    spoken = wav(voice(seconds))
    sound = running.home / "sound.wav"
    sound.write_bytes(spoken)
    command = [sys.executable, "-c", DIRECT, str(file), str(sound), str(threads)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process, running.client(600) as client:
        ours, theirs = served(running, client, spoken), direct(process)
        ours(), theirs()  # loads
        rows = [(theirs(), ours()) for _ in range(rounds)]
        assert process.stdin is not None
        process.stdin.close()
    cpu, clock = ([statistics.median(row[who][which] for row in rows) for who in (0, 1)] for which in (0, 1))
    print(f"{seconds:.0f} s of speech, {threads} thread(s), median of {rounds}; load {os.getloadavg()[0]:.1f}")
    print(f"  whisper.cpp itself   {cpu[0]:7.2f} s of processor  {clock[0]:7.2f} s by the clock")
    print(f"  through the server   {cpu[1]:7.2f} s of processor  {clock[1]:7.2f} s by the clock")
    print(f"  {cpu[1] / cpu[0]:.3f} times (goal {GOAL}), by the clock {clock[1] / clock[0]:.3f}")
    return cpu[1] / cpu[0]


def served(running: Running, client: httpx.Client, sound: bytes) -> Callable[[], Spent]:
    def once() -> Spent:
        began, used = time.perf_counter(), used_by(running)
        client.post("/v1/audio/transcriptions", files={"file": io.BytesIO(sound)}, data={"language": "pt"}).raise_for_status()
        return used_by(running) - used, time.perf_counter() - began

    return once


def used_by(running: Running) -> float:
    assert running.process is not None
    fields = Path(f"/proc/{running.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def direct(process: subprocess.Popen[str]) -> Callable[[], Spent]:
    def once() -> Spent:
        assert process.stdin is not None
        assert process.stdout is not None
        print("go", file=process.stdin, flush=True)
        used, clock = json.loads(process.stdout.readline())
        return used, clock

    return once


if __name__ == "__main__":
    raise SystemExit(main())
