"""Lines of the log may be sent to whom the operator names: each field has a name that stands on the list of what may go, or is a number."""

import ast
from collections.abc import Iterator

from appliance.core.otlp_lines import TEXTS
from tests.architecture import house
from tests.architecture.house import Source

LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
NUMBERS = {"code", "count", "failures", "ms", "number", "seconds", "sentences", "size", "status"}
OF_THE_LINE = {"exc_info"}
STAYS_HERE = {"why"}  # of what the telling itself says, which is never sent
WORDS_OF_ERRORS = {"args", "detail", "message"}


def field_by_field(source: Source) -> Iterator[tuple[int, str, ast.expr]]:
    for call in source.nodes(ast.Call):
        target = call.func
        if not (isinstance(target, ast.Attribute) and target.attr in LEVELS and ast.unparse(target.value).split(".")[-1] == "log"):
            continue
        if not (call.args and isinstance(call.args[0], ast.Constant)):
            yield call.lineno, "(what happened)", call
        yield from ((call.lineno, given.arg or "**", given.value) for given in call.keywords)


def odd_fields(source: Source) -> Iterator[str]:
    for line, name, value in field_by_field(source):
        if name not in TEXTS | NUMBERS | OF_THE_LINE | STAYS_HERE:
            yield f"{source.path}:{line}: the field {name} is on no list"
        for part in ast.walk(value):
            quotes = isinstance(part, ast.Attribute) and part.attr in WORDS_OF_ERRORS
            quotes |= isinstance(part, ast.Call) and ast.unparse(part) in {"str(err)", "repr(err)", "describe(err)"}
            if quotes:
                yield f"{source.path}:{line}: {name} says what an error says"


def test_no_line_carries_what_people_wrote() -> None:
    assert [odd for source in house.sources("appliance", "webui") for odd in odd_fields(source)] == []


def test_a_line_that_does_is_found() -> None:
    told = ('"read", detail=found', '"read", error=str(err)', '"read", reason=err.detail', '"read", **all', "found", 'f"{found} read"')
    assert [len(list(odd_fields(Source("x.py", f"box.log.info({one})")))) for one in told] == [1] * 6
    assert not list(odd_fields(Source("x.py", 'log.info("read", kind="x", ms=3, exc_info=err)')))
