"""Models the box knows of and how they get onto it: listed, recommended, pulled with resume, imported, verified, removed."""

import json
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from appliance.core.errors import Conflict, NotFound, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.inference.download import Fetcher, Progress, no_room, sha256_of, tag_of

CATALOGUE = Path(__file__).parents[2] / "models" / "catalog"
STARTER = Path(__file__).parents[2] / "models" / "starter"
DESCRIBED = "model.json"
_TASKS = ("chat", "embedding", "rerank", "transcription")
LOCK = "models.lock.json"
_MAGIC = {b"GGUF": ("chat", "gguf"), b"lmgg": ("transcription", "whisper.cpp")}
_BOX_NEEDS_MB = 2048
_SHARE = {"chat": 0.6, "embedding": 0.15, "transcription": 0.25}
_CPU_CHAT_LIMIT = 5_500_000_000


@dataclass(frozen=True)
class ModelFile:
    """`sha256` is empty where we do not know it ourselves: the first download pins it."""

    file: str
    source: str
    sha256: str


@dataclass(frozen=True)
class CatalogueModel:
    name: str
    title: str
    task: str
    engine: str
    languages: tuple[str, ...]
    licence: str
    size_bytes: int
    ram_mb: int
    vram_mb: int
    rank: int
    notes: str
    files: tuple[ModelFile, ...]
    bundled: bool = False
    cores: int = 0  # that it wants where it has no GPU
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Listed:
    model: CatalogueModel
    installed: bool


@dataclass(frozen=True)
class Offer:
    """`fits`: the machine has the memory for it, beside what the box itself needs."""

    model: CatalogueModel
    installed: bool
    is_recommended: bool
    fits: bool


@dataclass(frozen=True)
class Pulled:
    """`hashes` by file; `pinned` names those that were trusted because this was their first download."""

    name: str
    hashes: Mapping[str, str]
    pinned: tuple[str, ...]


@dataclass(frozen=True)
class Verified:
    name: str
    ok: bool
    reason: str = ""


def read_catalogue(folder: Path = CATALOGUE) -> dict[str, CatalogueModel]:
    found: dict[str, CatalogueModel] = {}
    for path in sorted(folder.glob("*.toml")):
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["model"]:
            files = tuple(ModelFile(**one) for one in entry.pop("files"))
            model = CatalogueModel(**{**entry, "languages": tuple(entry["languages"]), "files": files})
            found[model.name] = model
    return found


class Models:
    """The model folder of one box. `fetcher` is how it reaches the outside."""

    def __init__(self, folder: Path, fetcher: Fetcher, *, catalogue: Path = CATALOGUE, starter: Path = STARTER) -> None:
        self._folder = folder
        self._fetcher = fetcher
        self._starter = starter
        self.known = read_catalogue(catalogue)

    def list_models(self) -> list[Listed]:
        """Everything in the catalogue, then what was imported from elsewhere."""
        present = self.installed()
        listed = [Listed(model, model.bundled or model.name in present) for model in self.known.values()]
        foreign = (_foreign(name, about, self._size_of(name)) for name, about in present.items() if name not in self.known)
        return listed + [Listed(model, installed=True) for model in foreign]

    def _size_of(self, name: str) -> int:
        return sum(path.stat().st_size for path in (self._folder / name).rglob("*") if path.is_file())

    def installed(self) -> dict[str, dict[str, object]]:
        """Name → description of what lies in the model folder."""
        found = {}
        for path in sorted(self._folder.glob(f"*/{DESCRIBED}")):
            about = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(about, dict):
                found[path.parent.name] = about
        return found

    def recommend(self, ram_mb: int, vram_mb: int = 0, *, cores: int) -> list[CatalogueModel]:
        """The best model of each task that leaves the box room to work. Rerankers only ever by an evaluation."""
        spare = max(0, ram_mb - _BOX_NEEDS_MB)
        chosen = []
        for task, share in _SHARE.items():
            able = [model for model in self.known.values() if model.task == task and _fits(model, spare * share, vram_mb, cores)]
            if able:
                chosen.append(max(able, key=lambda model: model.rank))
        return chosen

    def offers(self, ram_mb: int, vram_mb: int, *, cores: int) -> list[Offer]:
        """Every model there is, as this machine sees it: the recommended one of each task first."""
        chosen = {model.name for model in self.recommend(ram_mb, vram_mb, cores=cores)}
        spare = max(0, ram_mb - _BOX_NEEDS_MB)
        found = [
            Offer(one.model, one.installed, one.model.name in chosen, _fits(one.model, spare * _share_of(one.model), vram_mb, cores))
            for one in self.list_models()
        ]
        return sorted(found, key=lambda one: (_TASKS.index(one.model.task), not one.is_recommended, one.model.rank))

    def pull(self, name: str, progress: Progress) -> Pulled:
        """Raises NotFound, Conflict (disk, bundled), Refused (network mode, checksum), Unavailable (kept for resuming)."""
        model = self._known(name)
        if model.bundled:
            raise Conflict(_("%(name)s comes with the box; there is nothing to pull.", name=name))
        self._check_free(model.name, model.size_bytes)
        lock, fetched, pinned = self._lock(), {}, []
        for wanted in model.files:
            expected = wanted.sha256 or lock.get(wanted.source, "")
            path, digest = self._fetcher.fetch(wanted.source, self._folder / ".partial", expected, progress)
            fetched[wanted.file] = (path, digest)
            if not expected:
                lock[wanted.source] = digest
                pinned.append(wanted.file)
        self._put(model.name, fetched, _description(model))
        self._write_lock(lock)
        return Pulled(name, {file: digest for file, (_path, digest) in fetched.items()}, tuple(pinned))

    def import_file(self, source: Path, name: str = "") -> str:
        """Copy a model from a stick or a share. Returns its name. Raises Refused (no model, a name of ours), Conflict (no room)."""
        if source.is_dir():
            return self._import_folder(source, name)
        if not source.is_file():
            raise Refused(_("There is no file %(path)s.", path=str(source)))
        digest = sha256_of(source)
        catalogued = next((one for one in self.known.values() for file in one.files if file.sha256 == digest and len(one.files) == 1), None)
        if catalogued is not None:
            return self._copy(catalogued.name, {catalogued.files[0].file: source}, _description(catalogued))
        kind = _MAGIC.get(_head(source))
        if kind is None:
            raise Refused(_("%(path)s is neither a GGUF nor a whisper.cpp model.", path=source.name))
        named = _safe_name(name or source.stem)
        return self._copy(named, {source.name: source}, {"name": named, "task": kind[0], "engine": kind[1]})

    def verify(self, name: str = "") -> list[Verified]:
        """Hash every file again and compare with what was installed."""
        bundled = [model.name for model in self.known.values() if model.bundled]
        names = [name] if name else [*bundled, *self.installed()]
        return [self._verify(one) for one in names]

    def remove(self, name: str) -> None:
        """Raises NotFound, Conflict for what ships with the box."""
        if name in self.known and self.known[name].bundled:
            raise Conflict(_("%(name)s is part of the box and stays.", name=name))
        if name not in self.installed():
            raise NotFound(_("No model called %(name)s is installed.", name=name))
        shutil.rmtree(self._folder / name)

    def _known(self, name: str) -> CatalogueModel:
        if name not in self.known:
            raise NotFound(_("There is no model called %(name)s in the catalogue.", name=name))
        return self.known[name]

    def _check_free(self, name: str, needed: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._folder).free
        if free < needed:
            sizes = {"name": name, "needed": round(needed / 1e6), "free": round(free / 1e6)}
            raise Conflict(_("%(name)s needs %(needed)s MB and only %(free)s MB are free.", **sizes))

    def _put(self, name: str, fetched: Mapping[str, tuple[Path, str]], about: dict[str, object]) -> None:
        scratch = self._scratch(name)
        for file, (path, _digest) in fetched.items():
            path.replace(scratch / file)
            tag_of(path).unlink(missing_ok=True)
        self._finish(name, scratch, {**about, "hashes": {file: digest for file, (_path, digest) in fetched.items()}})

    def _copy(self, name: str, files: Mapping[str, Path], about: dict[str, object]) -> str:
        if name in self.known and self.known[name].bundled:  # it would stand before the one whose checksum is known
            raise Refused(_("%(name)s is part of the box. Import yours under another name with --name.", name=name))
        self._check_free(name, sum(path.stat().st_size for path in files.values()))
        scratch = self._scratch(name)
        try:
            for file, path in files.items():
                (scratch / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, scratch / file)
        except OSError as err:
            shutil.rmtree(scratch, ignore_errors=True)
            raise no_room(err) from err
        self._finish(name, scratch, {**about, "hashes": {file: sha256_of(scratch / file) for file in files}})
        return name

    def _scratch(self, name: str) -> Path:
        scratch = self._folder / f".new-{name}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        return scratch

    def _finish(self, name: str, scratch: Path, about: Mapping[str, object]) -> None:
        """The model appears complete or not at all."""
        (scratch / DESCRIBED).write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        shutil.rmtree(self._folder / name, ignore_errors=True)
        scratch.rename(self._folder / name)

    def _import_folder(self, source: Path, name: str) -> str:
        about = _described(source)
        if about is None:
            raise Refused(_("%(path)s does not say what kind of model it is; there is no model.json in it.", path=str(source)))
        named = _safe_name(name or str(about.get("name") or source.name))
        inside = [path for path in sorted(source.rglob("*")) if path.is_file() and path != source / DESCRIBED]
        files = {str(path.relative_to(source)): path for path in inside}
        return self._copy(named, files, {**about, "name": named})

    def _verify(self, name: str) -> Verified:
        known = self.known.get(name)
        if known is not None and known.bundled:
            folder, expected = self._starter / name, {file.file: file.sha256 for file in known.files}
        else:
            about = self.installed().get(name)
            if about is None:
                return Verified(name, ok=False, reason=str(_("not installed")))
            hashes = about.get("hashes")
            folder, expected = self._folder / name, dict(hashes) if isinstance(hashes, dict) else {}
        return _compared(name, folder, expected)

    def _lock(self) -> dict[str, str]:
        path = self._folder / LOCK
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}

    def _write_lock(self, lock: Mapping[str, str]) -> None:
        scratch = self._folder / (LOCK + ".new")
        scratch.write_text(json.dumps(lock, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        scratch.replace(self._folder / LOCK)


def _described(folder: Path) -> dict[str, object] | None:
    """Our own description, or the one that follows from a folder saved by sentence-transformers."""
    for name in (DESCRIBED, "config.json"):
        path = folder / name
        about = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if isinstance(about, dict) and about.get("task") in _TASKS:
            return about
    saved = (folder / "modules.json").is_file()
    return {"name": folder.name, "task": "embedding", "engine": "sentence-transformers"} if saved else None


def _compared(name: str, folder: Path, expected: Mapping[str, str]) -> Verified:
    for file, digest in expected.items():
        if not (folder / file).is_file():
            return Verified(name, ok=False, reason=str(_("%(file)s is missing", file=file)))
        if sha256_of(folder / file) != digest:
            return Verified(name, ok=False, reason=str(_("%(file)s is not what was installed", file=file)))
    return Verified(name, ok=bool(expected), reason="" if expected else str(_("no hashes were kept")))


def _description(model: CatalogueModel) -> dict[str, object]:
    about: dict[str, object] = {
        "name": model.name, "task": model.task, "engine": model.engine, "languages": list(model.languages), "licence": model.licence,
    }
    return {**about, **model.settings}


def _foreign(name: str, about: Mapping[str, object], size_bytes: int) -> CatalogueModel:
    task, engine = str(about.get("task", "")), str(about.get("engine", ""))
    return CatalogueModel(name, name, task, engine, (), str(about.get("licence", "")), size_bytes, 0, 0, 0, str(_("imported")), ())


def _share_of(model: CatalogueModel) -> float:
    return _SHARE.get(model.task, 0.15)


def _fits(model: CatalogueModel, ram_mb: float, vram_mb: int, cores: int) -> bool:
    if vram_mb and 0 < model.vram_mb <= vram_mb:
        return True
    slow = model.task == "chat" and model.size_bytes > _CPU_CHAT_LIMIT
    return model.ram_mb <= ram_mb and model.cores <= cores and not slow


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _safe_name(name: str) -> str:
    cleaned = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name).strip("-.").lower()
    if not cleaned:
        raise Refused(_("%(name)s cannot be used as a model name.", name=name))
    return cleaned
