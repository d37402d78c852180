"""What costs the tests most and tells nothing: routes, templates and questions made into code anew for each box, and dear passwords."""

import functools
from collections.abc import Callable
from typing import Any

import hypothesis
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Dialect, Engine, create_engine, event
from werkzeug.routing import Rule

from appliance.core import db
from appliance.domains.identity.actions import hashing
from tests import kept
from webui import static_files


def begin() -> None:
    hypothesis.settings.register_profile("any machine", hypothesis.settings(), deadline=None)
    hypothesis.settings.load_profile("any machine")
    hashing._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # test_hashing.py asks for the real one
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _Templates()}
    Rule.compile = _once(Rule.compile)  # type: ignore[method-assign, assignment]
    static_files._static_file = functools.cache(static_files._static_file)
    db._PRAGMAS = tuple(line.replace("=FULL", "=OFF") for line in db._PRAGMAS)  # type: ignore[assignment]  # none cuts the power
    vars(db)["create_engine"] = _alike(create_engine)


def _once(compile_rule: Callable[[Rule], None]) -> Callable[[Rule], None]:
    """Its words are all that a route's code hangs on; the route itself is bound to it later."""
    known: dict[object, tuple[dict[str, Any], Any, Any]] = {}

    @functools.wraps(compile_rule)
    def compile_once(rule: Rule) -> None:
        words = (rule.rule, repr(rule.defaults), rule.subdomain, rule.merge_slashes)
        if words not in known:
            compile_rule(rule)
            made = {name: vars(rule)[name] for name in ("_parts", "_trace", "_converters", "arguments")}
            known[words] = (made, rule._build.__func__, rule._build_unknown.__func__)  # type: ignore[attr-defined]
        made, build, build_unknown = known[words]
        vars(rule).update(made, _build=build.__get__(rule), _build_unknown=build_unknown.__get__(rule))

    return compile_once


def _alike(make: Callable[..., Engine]) -> Callable[..., Engine]:
    """What an engine made of a question serves the engines of all boxes on the same kind of database."""
    known: dict[str, Engine] = {}

    @functools.wraps(make)
    def create(*where: Any, **how: Any) -> Engine:
        engine = make(*where, query_cache_size=2000, **how)
        if engine.name == "postgresql":
            event.listen(engine, "do_connect", _dial)
        first = known.get(engine.name)
        if first is None or first.dialect.server_version_info is None:  # never connected
            known[engine.name] = engine
        else:
            engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        return engine

    return create


def _dial(dialect: Dialect, record: object, where: object, how: dict[str, Any]) -> kept.Kept:
    del dialect, record, where
    return kept.dial(**how)


class _Templates(BytecodeCache):
    """Of all applications of this process, each by its source."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key, bucket.checksum] = bucket.code
