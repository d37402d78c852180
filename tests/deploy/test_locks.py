"""The locks cover what pyproject.toml asks for, hash everything, and say nothing about where it comes from."""

import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from appliance.entrypoints.updating import folders
from tests.architecture.house import ROOT, imports, sources

LOCKS = ("runtime.txt", "llm.txt", "whatsapp.txt", "speech.txt", "ansible.txt", "test.txt")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = [Requirement(line) for line in PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]]
LLM, WHATSAPP, SPEECH = (
    [Requirement(line) for line in PROJECT["project"]["optional-dependencies"][extra]] for extra in ("llm", "whatsapp", "speech")
)
ANSIBLE, TESTS = ([Requirement(line) for line in PROJECT["dependency-groups"][group]] for group in ("ansible", "test"))
EVERYTHING = RUNTIME + LLM + WHATSAPP + SPEECH + TESTS


def _text(lock: str) -> str:
    return (ROOT / "requirements" / lock).read_text(encoding="utf-8")


@cache
def _pins(lock: str) -> dict[str, Version]:
    found = re.findall(r"^([a-z0-9._-]+)==([^ ]+)", _text(lock), re.MULTILINE)
    return {str(canonicalize_name(name)): Version(version) for name, version in found}


WANTED = (RUNTIME, LLM, WHATSAPP, SPEECH, ANSIBLE, EVERYTHING)


@pytest.mark.parametrize(("lock", "wanted"), list(zip(LOCKS, WANTED, strict=True)), ids=LOCKS)
def test_lock_covers_pyproject(lock: str, wanted: list[Requirement]) -> None:
    pins = _pins(lock)
    missing = [str(need) for need in wanted if (pin := pins.get(canonicalize_name(need.name))) is None or pin not in need.specifier]
    assert missing == [], "run installers/lock.sh"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash_and_no_address(lock: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", _text(lock).strip())
    assert all("==" in block and "--hash=sha256:" in block for block in blocks)
    assert not re.search(r"://|--(?:extra-)?index-url|--find-links|--trusted-host", _text(lock))


def test_locks_agree_so_that_one_environment_serves_both() -> None:
    tests = _pins("test.txt")
    assert {name: pin for lock in LOCKS for name, pin in _pins(lock).items() if tests.get(name) != pin} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_box_needs_no_torch(lock: str) -> None:
    assert not {name for name in _pins(lock) if name == "torch" or name.startswith(("nvidia-", "triton"))}


# imported only by who brings them: a maintainer who exports models, a box that compiles its own llama.cpp
BROUGHT = {"torch", "transformers", "sentence-transformers", "llama_cpp"}


def test_everything_the_product_imports_is_locked() -> None:
    locked = {name for lock in LOCKS[:-2] for name in _pins(lock)}
    providers = packages_distributions()
    imported = {name.split(".")[0] for source in sources("appliance", "webui", "models") for name in imports(source)}
    outside = imported - sys.stdlib_module_names - {"appliance", "webui", "modelserver", "_typeshed"}  # the last is for type checkers only
    distributions = {str(canonicalize_name(providers.get(name, [name])[0])) for name in outside}
    assert distributions - locked - {str(canonicalize_name(name)) for name in BROUGHT} == set()


def test_a_box_consists_of_the_same_however_it_is_made() -> None:
    """By the quick start, the playbook, an image, an update or a bundle, which brings what installs besides."""
    named = {
        place: re.findall(r"\w+\.txt", re.search(pattern, (ROOT / place).read_text(encoding="utf-8"), re.DOTALL)[1])  # type: ignore[index]
        for place, pattern in (
            ("installers/quickstart.sh", r"\nlocks=\((.*?)\)"), ("installers/bundle", r"\nlocks=\((.*?)\)"),
            ("ansible/roles/app/defaults/main.yml", r"app_locks: \[(.*?)\]"), ("deploy/Containerfile", r"( -r .*?)\n\n"),
        )
    }  # fmt: skip
    named["installers/bundle"].remove("ansible.txt")
    assert {place: locks for place, locks in named.items() if locks != list(folders.LOCKS)} == {}
    assert set(LOCKS) - set(folders.LOCKS) == {"ansible.txt", "test.txt"}


def test_a_bundle_has_the_packages_that_the_playbook_installs() -> None:
    bundled = re.search(r"debian_packages=\((.*?)\)", (ROOT / "installers/bundle").read_text(encoding="utf-8"), re.DOTALL)
    assert bundled is not None
    wanted: set[str] = set()
    for role in (ROOT / "ansible/roles").iterdir():
        defaults = role / "defaults/main.yml"
        told = yaml.safe_load(defaults.read_text(encoding="utf-8")) if defaults.exists() else {}
        for tasks in role.glob("tasks/*.yml"):
            for task in yaml.safe_load(tasks.read_text(encoding="utf-8")):
                names = task.get("ansible.builtin.apt", {}).get("name", [])
                named = re.fullmatch(r"\{\{ (\w+) \}\}", names) if isinstance(names, str) else None
                names = told[named[1]] if named else names
                wanted |= {names} if isinstance(names, str) else set(names)
    assert len(wanted) > 10
    assert wanted - set(bundled[1].split()) == set()


def test_every_dependency_has_its_line_in_the_decision_record() -> None:
    record = (ROOT / "docs/adr/0002-dependencies.md").read_text(encoding="utf-8")
    extras = [Requirement(line) for group in PROJECT["project"]["optional-dependencies"].values() for line in group]
    named = set(re.findall(r"^\| ([a-z0-9-]+) \|", record, re.MULTILINE)) - {"package"}
    assert named == {str(canonicalize_name(need.name)) for need in RUNTIME + extras + TESTS}
