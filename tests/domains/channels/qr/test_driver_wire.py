"""Each line comes out as it went in, and nothing else comes out."""

import json
from dataclasses import fields
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.channels.gateways.qr import lines, wire

NAMED = st.text(max_size=40)
CONTENT = st.dictionaries(NAMED, st.none() | st.booleans() | st.integers() | NAMED | st.lists(NAMED), max_size=4)
st.register_type_strategy(wire.Mapping, CONTENT)  # type: ignore[type-abstract,attr-defined]
st.register_type_strategy(str, st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=40))


@given(st.sampled_from(get_args(wire.Command)).flatmap(st.from_type))
def test_command_comes_out_as_it_went_in(command: Any) -> None:
    line = wire.encode(command)
    assert line.count(b"\n") == 1
    assert wire.decode_command(line) == command


@given(st.sampled_from(get_args(wire.Event)).flatmap(st.from_type))
def test_event_comes_out_as_it_went_in(event: Any) -> None:
    assert wire.decode_event(wire.encode(event)) == event


@given(st.lists(st.sampled_from(get_args(wire.Event)).flatmap(st.from_type), max_size=5), st.integers(1, 50))
def test_stream_in_pieces_of_any_size_is_the_same_lines(events: list[Any], size: int) -> None:
    stream = b"".join(wire.encode(event) for event in events)
    whole = lines.Lines()
    read = [wire.decode_event(line) for start in range(0, len(stream), size) for line in whole.feed(stream[start : start + size])]
    assert read == events


@pytest.mark.parametrize(
    "line",
    [
        b"", b"nonsense", b"[]", b"{}", b"null", b'{"is":"Nothing"}', b'{"is":["Pong"]}', b'{"is":"Qr"}',
        b'{"is":"Qr","code":1,"seconds":20}', b'{"is":"Qr","code":"x","seconds":"20"}', b'{"is":"Qr","code":"x","seconds":true}',
        b'{"is":"Qr","code":"x","seconds":20,"more":1}', b'{"is":"Ping"}',
        b'{"is":"Receipt","ids":["a",1],"kind":"read","at":1,"chat":"c"}',
        b'{"is":"Message","key":{"id":"1"},"push_name":"","at":1,"kind":"text","content":{}}', b'{"is":"Qr","code":"\xff","seconds":1}',
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused(line: bytes) -> None:
    with pytest.raises(lines.BadLine):
        wire.decode_event(line)


def test_line_has_a_longest_length_both_ways() -> None:
    with pytest.raises(lines.BadLine):
        wire.encode(wire.Qr("x" * lines.LONGEST_LINE, 20))
    with pytest.raises(lines.BadLine):
        list(lines.Lines().feed(b"x" * (lines.LONGEST_LINE + 1)))


def test_words_are_not_confused_by_a_field_called_is() -> None:
    assert not [kind for kind in (*get_args(wire.Command), *get_args(wire.Event)) for field in fields(kind) if field.name == "is"]
    assert json.loads(wire.encode(wire.Ping())) == {"is": "Ping"}
