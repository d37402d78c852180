"""Which models are installed: folders that say what they hold, sentence-transformers folders, and lone GGUF files."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from modelserver import problems

Task = Literal["chat", "embedding", "rerank", "transcription"]


@dataclass(frozen=True)
class Installed:
    name: str
    task: Task
    engine: str
    path: Path
    size_bytes: int
    config: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def created(self) -> int:
        return int(self.path.stat().st_mtime)


DESCRIPTIONS = ("model.json", "config.json")  # the second may belong to the model's own library and say nothing of a task


class Shelf:
    """Looks at the folders on every call: a model that was just pulled is there without a restart."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders

    def installed(self) -> list[Installed]:
        found: dict[str, Installed] = {}
        for folder in self._folders:
            for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
                model = _read(entry)
                if model is not None:
                    found.setdefault(model.name, model)
        return list(found.values())

    def find(self, name: str | None, task: Task) -> Installed:
        """Without a name, the only or first model for the task. Raises Problem when there is none."""
        able = [model for model in self.installed() if model.task == task]
        if name:
            named = next((model for model in able if model.name == name), None)
            if named is None:
                raise problems.missing("model_not_found", f"No {task} model called {name} is installed here.")
            return named
        if not able:
            sentence = f"No {task} model is installed on this box; `salesedge models list` shows some."
            raise problems.absent(f"no_{task}_model", sentence)
        return able[0]


def _read(entry: Path) -> Installed | None:
    if entry.name.startswith("."):
        return None  # still being written
    if entry.suffix == ".gguf" and entry.is_file():
        return Installed(entry.stem, "chat", "gguf", entry, entry.stat().st_size)
    config = next((found for name in DESCRIPTIONS if (found := _description(entry / name))), None)
    if config is None and (entry / "modules.json").is_file():
        config = {"name": entry.name, "task": "embedding", "engine": "sentence-transformers"}
    if config is None:
        return None
    size = sum(file.stat().st_size for file in entry.rglob("*") if file.is_file())
    return Installed(str(config.get("name") or entry.name), config["task"], str(config.get("engine", "")), entry, size, config)


def _description(path: Path) -> dict[str, Any] | None:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return config if isinstance(config, dict) and config.get("task") in get_args(Task) else None
