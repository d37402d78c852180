"""The locks cover what pyproject.toml asks for, hash everything, and say nothing about where it comes from."""

import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture.house import ROOT, imports, sources

LOCKS = ("runtime.txt", "llm.txt", "whatsapp.txt", "speech.txt", "test.txt")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = [Requirement(line) for line in PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]]
LLM, WHATSAPP, SPEECH = (
    [Requirement(line) for line in PROJECT["project"]["optional-dependencies"][extra]] for extra in ("llm", "whatsapp", "speech")
)
TESTS = [Requirement(line) for line in PROJECT["dependency-groups"]["test"]]
EVERYTHING = RUNTIME + LLM + WHATSAPP + SPEECH + TESTS


def _text(lock: str) -> str:
    return (ROOT / "requirements" / lock).read_text(encoding="utf-8")


@cache
def _pins(lock: str) -> dict[str, Version]:
    found = re.findall(r"^([a-z0-9._-]+)==([^ ]+)", _text(lock), re.MULTILINE)
    return {str(canonicalize_name(name)): Version(version) for name, version in found}


@pytest.mark.parametrize(("lock", "wanted"), list(zip(LOCKS, (RUNTIME, LLM, WHATSAPP, SPEECH, EVERYTHING), strict=True)), ids=LOCKS)
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
    locked = {name for lock in LOCKS[:-1] for name in _pins(lock)}
    providers = packages_distributions()
    imported = {name.split(".")[0] for source in sources("appliance", "webui", "models") for name in imports(source)}
    outside = imported - sys.stdlib_module_names - {"appliance", "webui", "modelserver", "_typeshed"}  # the last is for type checkers only
    distributions = {str(canonicalize_name(providers.get(name, [name])[0])) for name in outside}
    assert distributions - locked - {str(canonicalize_name(name)) for name in BROUGHT} == set()


def test_every_dependency_has_its_line_in_the_decision_record() -> None:
    record = (ROOT / "docs/adr/0002-dependencies.md").read_text(encoding="utf-8")
    extras = [Requirement(line) for group in PROJECT["project"]["optional-dependencies"].values() for line in group]
    named = set(re.findall(r"^\| ([a-z0-9-]+) \|", record, re.MULTILINE)) - {"package"}
    assert named == {str(canonicalize_name(need.name)) for need in RUNTIME + extras + TESTS}
