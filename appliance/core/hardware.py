"""What this machine has for models: processor, memory, graphics cards, room on its disk. Read, never guessed."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
CARDS = Path("/sys/class/drm")
NVIDIA = Path("/proc/driver/nvidia/gpus")
LOOK_S = 10.0
IMPORTS_S = 30.0
ENGINES = {  # what runs GGUF files, and how it is asked whether it was built for a card
    "xllamacpp": "import xllamacpp; print(any('GPU' in str(device['type']) for device in xllamacpp.get_device_info()))",
    "llama-cpp-python": "import llama_cpp; print(llama_cpp.llama_supports_gpu_offload())",
}
_MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Card:
    """`memory_mb` 0: this process cannot tell, as one that is kept from the machine's devices."""

    name: str
    memory_mb: int
    driver: str = ""


@dataclass(frozen=True)
class Hardware:
    """Memory in MiB. `cores` are those that this process may use; `uses_cards`: the engine was built for them, as far as is known."""

    processor: str
    cores: int
    ram_mb: int
    cards: tuple[Card, ...]
    disk_free_mb: int
    uses_cards: bool = True

    @property
    def vram_mb(self) -> int:
        """Of the largest card that a model can be put on: none is split among several."""
        return max((card.memory_mb for card in self.cards), default=0) if self.uses_cards else 0


def read_hardware(folder: Path, engine: str) -> Hardware:
    """`folder`: where the models lie, or will. `engine`: of `ENGINES`."""
    there = next(path for path in (folder, *folder.parents) if path.is_dir())
    ram_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MEGABYTE
    disk_free_mb = shutil.disk_usage(there).free // _MEGABYTE
    found = cards()
    is_asked = any(card.memory_mb for card in found)  # else this process is kept from the devices, and the engine would be too
    return Hardware(processor(), len(os.sched_getaffinity(0)), ram_mb, found, disk_free_mb, not is_asked or engine_uses_cards(engine))


def engine_uses_cards(engine: str) -> bool:
    """Asked in a process of its own: it is a large library, which may end the process that loads it."""
    command = [sys.executable, "-c", ENGINES[engine]]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=IMPORTS_S, check=True).stdout  # noqa: S603 - fixed words
    except (OSError, subprocess.SubprocessError):
        return False
    return said.split()[-1:] == ["True"]


def cards() -> tuple[Card, ...]:
    return (*(nvidia_cards() or nvidia_cards_unasked(NVIDIA)), *amd_cards(CARDS))


def processor() -> str:
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def nvidia_cards() -> list[Card]:
    """By the driver's own program; none where there is no driver, or this process may not speak to it."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    asked = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=LOOK_S, check=True).stdout  # noqa: S603 - a program found on the path, fixed words
    except (OSError, subprocess.SubprocessError):
        return []
    rows = ([value.strip() for value in line.rsplit(",", 2)] for line in said.splitlines())
    return [Card(row[0], int(row[1]), row[2]) for row in rows if len(row) == 3 and row[1].isdigit()]  # noqa: PLR2004 - what was asked


def nvidia_cards_unasked(folder: Path) -> list[Card]:
    """By the kernel's driver, which tells everybody their names and nobody how much memory they have."""
    found = []
    for path in sorted(folder.glob("*/information")):
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        found.append(Card(next((line.partition(":")[2].strip() for line in lines if line.startswith("Model:")), "NVIDIA"), 0))
    return found


def amd_cards(folder: Path) -> list[Card]:
    """By the kernel's driver, which says how much memory each card has."""
    found = []
    for path in sorted(folder.glob("card[0-9]*/device/mem_info_vram_total")):
        try:
            found.append(Card("AMD", int(path.read_text(encoding="ascii")) // _MEGABYTE))
        except (OSError, ValueError):
            continue
    return found
