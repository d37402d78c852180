"""House rules that neither ruff nor mypy knows. Each takes one file and yields what it finds wrong with it."""

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
BANNED_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "base", "manager"}
BANNED_NAMES |= {"service", "handler", "processor", "data"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|raise NotImplementedError|MagicMock|em breve)\b|unittest\.mock|pragma: no cover")
LOOKS = {"all_inner_texts", "all_text_contents", "get_attribute", "inner_text", "input_value", "is_checked", "is_disabled", "is_enabled"}
LOOKS |= {"is_hidden", "is_visible", "text_content"}
RUNS_SQL = {"text", "execute", "executemany", "executescript", "exec_driver_sql", "scalar", "scalars"}


Node = TypeVar("Node", bound=ast.AST)


@dataclass(frozen=True)
class Source:
    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @functools.cached_property
    def _nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    def nodes(self, kind: type[Node]) -> Iterator[Node]:
        return (node for node in self._nodes if isinstance(node, kind))


def too_long(source: Source) -> Iterator[str]:
    lines = source.text.count("\n")
    if lines > LONGEST_FILE:
        yield f"{source.path}: {lines} lines, at most {LONGEST_FILE}"
    for function in (*source.nodes(ast.FunctionDef), *source.nodes(ast.AsyncFunctionDef)):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > LONGEST_FUNCTION:
            yield f"{source.path}:{function.lineno}: {function.name} has {length} lines, at most {LONGEST_FUNCTION}"


def says_nothing(source: Source) -> Iterator[str]:
    for part in Path(source.path).with_suffix("").parts:
        if part in BANNED_NAMES:
            yield f"{source.path}: `{part}` says nothing about what is inside"


def unfinished(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := UNFINISHED.search(line):
            yield f"{source.path}:{number}: {found.group()}"


def commits(source: Source) -> Iterator[str]:
    """The unit of work commits on leaving its `with`; a commit anywhere else tears an action from its events."""
    for call in source.nodes(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"commit", "rollback"}:
            yield f"{source.path}:{call.lineno}: .{call.func.attr}() belongs to the unit of work"


def asks_the_time(source: Source) -> Iterator[str]:
    for node in source.nodes(ast.Attribute):
        owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
        if (owner in {"datetime", "date"} and node.attr == "today") or (owner == "datetime" and node.attr in {"now", "utcnow"}):
            yield f"{source.path}:{node.lineno}: {owner}.{node.attr}: ask core.clock, which is always aware and UTC"


def builds_sql(source: Source) -> Iterator[str]:
    for call in source.nodes(ast.Call):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in RUNS_SQL and call.args and _is_pieced_together(call.args[0]):
            yield f"{source.path}:{call.lineno}: SQL put together from pieces in {name}(): bind parameters"


def _is_pieced_together(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return any(_is_text(leaf) or _is_pieced_together(leaf) for leaf in (node.left, node.right))
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def catches_everything(source: Source) -> Iterator[str]:
    for handler in source.nodes(ast.ExceptHandler):
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if any(kind is None or getattr(kind, "id", "") in {"Exception", "BaseException"} for kind in caught):
            yield f"{source.path}:{handler.lineno}: catches everything; name what you can handle"


def reads_environment(source: Source) -> Iterator[str]:
    for node in source.nodes(ast.Constant):
        if isinstance(node.value, str) and re.fullmatch(r"SALESEDGE_[A-Z_]+", node.value):
            yield f"{source.path}:{node.lineno}: {node.value} is read by core.config alone"


def imports(source: Source) -> Iterator[str]:
    for node in source.nodes(ast.Import):
        yield from (alias.name for alias in node.names)
    for node in source.nodes(ast.ImportFrom):
        if node.module and not node.level:
            yield node.module


def imports_any_of(source: Source, banned: frozenset[str]) -> Iterator[str]:
    for name in imports(source):
        if name.split(".")[0] in banned:
            yield f"{source.path}: imports {name}"


_TEMPLATE_SINS = {
    "style attribute (the CSP drops it)": re.compile(r"<[^>{]*\sstyle\s*=", re.IGNORECASE),
    "hx-on (needs eval)": re.compile(r"\bhx-on\b"),
    "inline handler": re.compile(r"<[^>]*\son[a-z]+\s*=\s*[\"']", re.IGNORECASE),
    "inline script": re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=[\"']application/(?:ld\+)?json)[^>]*>", re.IGNORECASE),
    "inline stylesheet": re.compile(r"<style\b", re.IGNORECASE),
    "javascript: or js: value": re.compile(r"[\"'](?:javascript|js):", re.IGNORECASE),
    "address of another origin": re.compile(r"(?:src|href|action)\s*=\s*[\"']https?://", re.IGNORECASE),
}


def breaks_the_csp(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        for sin, pattern in _TEMPLATE_SINS.items():
            if pattern.search(line):
                yield f"{source.path}:{number}: {sin}"


# a path that exists only on the machine where a change was written
_SOMEBODYS_MACHINE = re.compile(r"(?<![\w.$}/])/(?:work|Users|home/[a-z]+|tmp/brief)/[\w.]|\.\./shared")


def names_somebodys_machine(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := _SOMEBODYS_MACHINE.search(line):
            yield f"{source.path}:{number}: {found.group()} is a path of one machine"


def sources(*folders: str, suffix: str = ".py") -> list[Source]:
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob(f"*{suffix}")))
    return [_source(path) for path in found if "node_modules" not in path.parts and "__pycache__" not in path.parts]


@functools.cache
def _source(path: Path) -> Source:
    return Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


def looks_once(source: Source) -> Iterator[str]:
    """A page changes by itself: what is asserted of it is waited for, or a slow machine calls it wrong."""
    for claim in source.nodes(ast.Assert):
        for call in (node for node in ast.walk(claim.test) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            name = ast.unparse(call.func).rpartition(".")[2]
            if name in LOOKS or (name == "count" and not call.args) or "activeElement" in ast.unparse(call):
                yield f"{source.path}:{claim.lineno}: `{name}` looks once, expect(...) waits"
