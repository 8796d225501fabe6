"""Pieces of tool calls become whole calls, or calls that must not run."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.utils.json import parse_partial_json

from langchain_streamkit._wire.closing_delta import closing_delta, strip_closing_delta
from langchain_streamkit._wire.nesting import MAX_DEPTH
from langchain_streamkit._wire.tool_calls import (
    MAX_TOOL_CALLS,
    ToolCall,
    ToolCallAssembler,
    parse_arguments,
)
from langchain_streamkit.errors import StreamLimitError

Piece = dict[str, Any]


def piece(
    args: Any = None, name: Any = None, call_id: Any = None, index: Any = None
) -> Piece:
    """A piece with those keys only that are given."""
    function = {"name": name, "arguments": args}
    whole = {"id": call_id, "index": index}
    return {
        **{key: value for key, value in whole.items() if value is not None},
        "function": {k: value for k, value in function.items() if value is not None},
    }


@dataclass
class Assembled:
    """What the calls are, and what their events said of them."""

    calls: list[ToolCall]
    said: list[tuple[str, str]]

    @property
    def good(self) -> list[tuple[str, Any]]:
        return [(call.name, call.arguments) for call in self.calls]

    @property
    def ids(self) -> list[str]:
        return [call.id for call in self.calls]


def assemble(*pieces: Piece, finish: str | None = "tool_calls") -> Assembled:
    assembler = ToolCallAssembler()
    events = [event for one in pieces for event in assembler.feed(one)]
    events += assembler.finish(finish)
    calls = assembler.calls
    for call in calls:  # an id and a name once, at the start, and all of the text
        own = [event for event in events if event.index == call.index]
        assert own[0].id == call.id
        assert (own[0].name or "") == call.name
        assert all(event.id is event.name is None for event in own[1:])
        assert "".join(event.args for event in own) == call.args
        assert (call.arguments is None) is (call.error is not None)
    return Assembled(calls, [(event.name or "", event.args) for event in events])


def good(*pieces: Piece) -> list[tuple[str, Any]]:
    return assemble(*pieces).good


# ── one call, cut in many ways ──────────────────────────────────────────────────

ONE: dict[str, list[Piece]] = {
    "whole": [piece('{"x":1}', "f", "a", 0)],
    "fragments by index": [
        piece("", "f", "a", 0),
        piece('{"x"', index=0),
        piece(":1}", index=0),
    ],
    "fragments by nothing": [piece("", "f", "a"), piece('{"x"'), piece(":1}")],
    "index on the first only": [piece("", "f", "a", 0), piece('{"x"'), piece(":1}")],
    "index on the later only": [piece("", "f", "a"), piece('{"x":1}', index=0)],
    "id again": [piece('{"x"', "f", "a", 0), piece(":1}", None, "a", 0)],
    "id again, no index": [piece('{"x"', "f", "a"), piece(":1}", None, "a")],
    "empty id": [piece('{"x"', "f", "a", 0), piece(":1}", None, "", 0)],
    "empty name": [piece('{"x"', "f", "a", 0), piece(":1}", "", "", 0)],
    "name and id again": [
        piece(t, "f", "a", 0) for t in ("", '{"', 'x":', "1", "}", "")
    ],
    "name again": [
        piece(t, "f", None, 0) for t in ("", '{"', 'x":', "1", "}", "", "\n")
    ],
    "name again, no index": [
        piece(t, "f") for t in ("", '{"', 'x":', "1", "}", "", "\n")
    ],
    "new id each": [
        piece('{"x"', "f", "a", 0),
        piece(":1", None, "b", 0),
        piece("}", None, "c", 0),
        piece("", None, "d", 0),
    ],
    "name late": [piece('{"x"', None, "a", 0), piece(":1}", "f", index=0)],
    "equal fragments": [piece(t, "f", "a", 0) for t in ('{"x":', "1", " ", " ", "}")],
    "equal fragments before the name": [
        *(piece(t, None, "a", 0) for t in (" ", " ", '{"x":1}')),
        piece(None, "f", "a", 0),
    ],
    "name last": [piece('{"x":1}', None, "a", 0), piece(None, "f", index=0)],
    "name last, no index": [piece('{"x":1}', None, "a"), piece(None, "f")],
    "id late": [piece('{"x"', "f", None, 0), piece(":1}", None, "a", 0)],
    "id last": [piece('{"x":1}', "f", None, 0), piece(None, None, "a", 0)],
    "name with null arguments": [
        {"id": "a", "function": {"name": "f", "arguments": None}},
        piece('{"x":1}'),
    ],
    "object": [piece({"x": 1}, "f", "a", 0)],
    "placeholder null": [piece("null", "f", "a", 0), piece('{"x":1}', index=0)],
    "placeholder {}": [piece("{}", "f", "a", 0), piece('{"x":1}', index=0)],
    "placeholder {} with names": [
        piece("{}", "f", "a", 0),
        piece('{"x":1}', "f", "a", 0),
    ],
    "placeholder {} by name": [
        piece("{}", "f", index=0),
        piece('{"x":1}', "f", index=0),
    ],
    "placeholder object": [
        piece({}, "f", "a", 0),
        piece('{"x"', index=0),
        piece(":1}"),
    ],
    "placeholder in pieces": [
        piece(t, "f", "a", 0) for t in (" ", "nu", "ll", ' {"x":1}')
    ],
    "the whole call once more": [piece('{"x":1}', "f", "a", 0)] * 3,
    "once more, no id": [piece('{"x":1}', "f", None, 0)] * 2,
    "once more, no name": [piece('{"x":1}', "f", "a", 0), piece('{"x":1}', index=0)],
    "once more, after a placeholder": [
        piece("{}", "f", "a", 0),
        *[piece('{"x":1}', "f", "a", 0)] * 2,
    ],
    "index that changes": [piece('{"x"', "f", "a", 0), piece(":1}", None, "a", 3)],
    "index minus one": [piece('{"x":1}', "f", "a", -1)],
    "index from one": [piece('{"x"', "f", "a", 1), piece(":1}", index=1)],
    "index as text": [piece('{"x"', "f", "a", "0"), piece(":1}", index="0")],
    "index null": [
        {**piece('{"x"', "f", "a"), "index": None},
        {**piece(":1}"), "index": None},
    ],
    "index empty": [piece('{"x"', "f", "a", ""), piece(":1}", index="")],
    "flat": [{"name": "f", "arguments": '{"x":1}', "id": "a"}],
    "custom": [{"id": "a", "custom": {"name": "f", "input": '{"x":1}'}}],
    "function null": [{"id": "a", "name": "f", "function": None}, piece('{"x":1}')],
    "white space around": [piece(t, "f", "a", 0) for t in (" ", "\n", '{"x":1}', " ")],
    "nothing before": [
        {},
        {"function": None},
        {"type": "function"},
        piece('{"x":1}', "f"),
    ],
}


@pytest.mark.parametrize("pieces", ONE.values(), ids=ONE)
def test_one_call_is_one_call_however_it_is_cut(pieces: list[Piece]) -> None:
    assembled = assemble(*pieces)
    assert assembled.good == [("f", {"x": 1})]
    assert len(assembled.calls) == 1


@given(
    st.lists(st.integers(0, 30), max_size=6), st.sampled_from(["id", "index", "none"])
)
def test_arguments_may_be_cut_anywhere(places: list[int], by: str) -> None:
    args = json.dumps({"city": "Zürich \U0001f44b", "n": [1, {"a": '"}{'}]})
    ends = [0, *sorted(places), len(args)]
    key = {"id": ("a", None), "index": (None, 0), "none": (None, None)}[by]
    pieces = [
        piece(args[a:b], None if n else "f", *key)
        for n, (a, b) in enumerate(itertools.pairwise(ends))
    ]
    assert good(*pieces) == [("f", json.loads(args))]


# ── no arguments ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "args",
    [
        *([], [""], ["null"], ["nu", "ll"], ["{}"], ["{", "}"], [" "], [" null\n"]),
        *(["", "{}"], [None], [{}], ["null", "null"], ["{}", "{}"], [" " * 100]),
        ["", "null", ""],
    ],
    ids=str,
)
def test_no_arguments_are_an_empty_object(args: list[Any]) -> None:
    pieces = [piece(None, "f", "a", 0), *(piece(a, "f", "a", 0) for a in args)]
    assert good(*pieces) == [("f", {})]


@pytest.mark.parametrize("key", ["arguments", "input", "args", "parameters"])
@pytest.mark.parametrize("args", ['{"x": 1}', {"x": 1}])
def test_arguments_are_found_by_any_word_for_them(key: str, args: Any) -> None:
    """Lost, they would leave a call that runs without them."""
    for whole in ({"function": {"name": "f", key: args}}, {"name": "f", key: args}):
        assert assemble({"id": "a", "index": 0, **whole}).good == [("f", {"x": 1})]
    if key != "arguments":
        empty = {"function": {"name": "f", "arguments": None, key: args}}
        assert assemble({"id": "a", "index": 0, **empty}).good == [("f", {"x": 1})]


def test_what_may_mean_no_arguments_is_held_back() -> None:
    assembler = ToolCallAssembler()
    assert [e.args for e in assembler.feed(piece("nu", "f", "a", 0))] == [""]
    assert assembler.feed(piece("ll", index=0)) == []
    assert [e.args for e in assembler.feed(piece('{"x":', index=0))] == ['{"x":']


@pytest.mark.parametrize(
    "args", ["n", "nul", "nullx", "number", "{}x", "nullnull", "{}{}"]
)
def test_what_only_begins_like_no_arguments_is_broken(args: str) -> None:
    for pieces in ([args], list(args)):
        made = assemble(piece(None, "f", "a", 0), *(piece(p, index=0) for p in pieces))
        assert made.good == [("f", None)]
        assert made.calls[0].args == args


@pytest.mark.parametrize("reason", ["length", "max_tokens", "content_filter"])
@pytest.mark.parametrize("args", ["", " ", "null"])
def test_a_call_cut_before_its_arguments_is_broken(reason: str, args: str) -> None:
    made = assemble(piece("", "f", "a", 0), piece(args, "g", "b", 1), finish=reason)
    assert made.good == [("f", {}), ("g", None)]
    assert reason in (made.calls[1].error or "")


def test_a_whole_call_runs_whatever_the_answer_ended_for() -> None:
    for reason in ("length", "stop", "tool_calls", None):
        made = assemble(piece('{"x":1}', "f", "a", 0), finish=reason)
        assert made.good == [("f", {"x": 1})]


# ── several calls ───────────────────────────────────────────────────────────────

TWO: dict[str, list[Piece]] = {
    "one after the other": [
        *(piece("", "f", "a", 0), piece('{"x":1}', index=0)),
        *(piece("", "g", "b", 1), piece('{"y":2}', index=1)),
    ],
    "interleaved by index": [
        *(piece("", "f", "a", 0), piece("", "g", "b", 1), piece('{"x"', index=0)),
        *(piece('{"y"', index=1), piece(":1}", index=0), piece(":2}", index=1)),
    ],
    "interleaved by id": [
        *(piece("", "f", "a"), piece("", "g", "b"), piece('{"x"', None, "a")),
        *(piece('{"y"', None, "b"), piece(":1}", None, "a"), piece(":2}", None, "b")),
    ],
    "one index for all": [
        *(piece("", "f", "a", 0), piece('{"x":1}', index=0)),
        *(piece("", "g", "b", 0), piece('{"y":2}', index=0)),
    ],
    "one index for all, empty ids": [
        *(piece("", "f", "a", 0), piece('{"x":1}', None, "", 0)),
        *(piece("", "g", "b", 0), piece('{"y"', "", "", 0), piece(":2}", "", "", 0)),
    ],
    "one index for all, ids again": [
        *(piece('{"x"', "f", "0", 0), piece(":1}", "f", "0", 0)),
        *(piece('{"y"', "g", "1", 0), piece(":2}", "g", "1", 0)),
    ],
    "one id for all": [
        *(piece('{"x"', "f", "c", 0), piece(":1}", None, "c", 0)),
        *(piece('{"y"', "g", "c", 1), piece(":2}", None, "c", 1)),
    ],
    "one id for all, names again": [
        *(piece('{"x"', "f", "c", 0), piece(":1}", "f", "c", 0)),
        *(piece('{"y"', "g", "c", 1), piece(":2}", "g", "c", 1)),
    ],
    "one id and one index for all": [
        *(piece('{"x"', "f", "c", 0), piece(":1}", None, "c", 0)),
        *(piece('{"y"', "g", "c", 0), piece(":2}", None, "c", 0)),
    ],
    "one id for all, interleaved": [
        *(piece('{"x"', "f", "c", 0), piece('{"y"', "g", "c", 1)),
        *(piece(":1}", None, "c", 0), piece(":2}", None, "c", 1)),
    ],
    "one id for all, no index": [
        *(piece('{"x"', "f", "c"), piece(":1}", None, "c")),
        *(piece('{"y"', "g", "c"), piece(":2}", None, "c")),
    ],
    "whole, by nothing": [piece('{"x":1}', "f"), piece('{"y":2}', "g")],
    "fragments, by nothing": [
        *(piece("", "f"), piece('{"x"'), piece(":1}")),
        *(piece("", "g"), piece('{"y"'), piece(":2}")),
    ],
    "index minus one for all": [
        piece('{"x":1}', "f", "a", -1),
        piece('{"y":2}', "g", "b", -1),
    ],
    "index from one": [piece('{"x":1}', "f", "a", 1), piece('{"y":2}', "g", "b", 2)],
    "no id on the second": [
        piece('{"x":1}', "f", "a", 0),
        piece('{"y":2}', "g", None, 1),
    ],
    "index on the second only": [piece('{"x":1}', "f"), piece('{"y":2}', "g", None, 1)],
    "indices that jump": [piece('{"x":1}', "f", "a", 7), piece('{"y":2}', "g", "b", 3)],
    "by nothing, objects": [piece({"x": 1}, "f"), piece({"y": 2}, "g")],
    "empty ids": [piece('{"x":1}', "f", "", 0), piece('{"y":2}', "g", "", 1)],
}


@pytest.mark.parametrize("pieces", TWO.values(), ids=TWO)
def test_two_calls_are_two_calls_however_they_are_cut(pieces: list[Piece]) -> None:
    assembled = assemble(*pieces)
    assert assembled.good == [("f", {"x": 1}), ("g", {"y": 2})]
    assert [call.index for call in assembled.calls] == [0, 1]
    assert len(set(assembled.ids)) == 2
    assert all(assembled.ids)


SAME_TOOL: dict[str, list[Piece]] = {
    "by nothing": [piece('{"x":1}', "f"), piece('{"x":2}', "f")],
    "by nothing, fragments": [piece(t, "f") for t in ('{"x"', ":1}", '{"x"', ":2}")],
    "one index": [piece('{"x":1}', "f", None, 0), piece('{"x":2}', "f", None, 0)],
    "one index, new ids": [
        piece('{"x":1}', "f", "a", 0),
        piece('{"x":2}', "f", "b", 0),
    ],
    "one id and index": [piece('{"x":1}', "f", "c", 0), piece('{"x":2}', "f", "c", 0)],
    "one id": [piece('{"x":1}', "f", "c"), piece('{"x":2}', "f", "c")],
    "ids": [piece('{"x":1}', "f", "a"), piece('{"x":2}', "f", "b")],
    "interleaved by id": [
        *(piece("", "f", "a"), piece("", "f", "b"), piece('{"x"', None, "a")),
        *(piece('{"x"', None, "b"), piece(":1}", None, "a"), piece(":2}", None, "b")),
    ],
    "the first again, late": [
        *(piece('{"x":1}', "f", "a", 0), piece('{"x":2}', "f", "b", 1)),
        piece('{"x":1}', "f", "a", 0),
    ],
}


@pytest.mark.parametrize("pieces", SAME_TOOL.values(), ids=SAME_TOOL)
def test_two_calls_of_one_tool_are_two_calls(pieces: list[Piece]) -> None:
    assert good(*pieces) == [("f", {"x": 1}), ("f", {"x": 2})]


def test_a_new_id_opens_a_call_even_where_the_last_one_broke_off() -> None:
    pieces = [piece('{"x"', "f", "a", 0), piece('{"x":2}', "f", "b", 0)]
    assert good(*pieces) == [("f", None), ("f", {"x": 2})]


def test_two_equal_calls_without_index_are_two_calls() -> None:
    assert good(piece('{"x":1}', "f"), piece('{"x":1}', "f")) == [("f", {"x": 1})] * 2


def test_equal_calls_with_ids_of_their_own_are_two_calls() -> None:
    pieces = [piece('{"x":1}', "f", "a", 0), piece('{"x":1}', "f", "b", 1)]
    assert good(*pieces) == [("f", {"x": 1})] * 2


def test_many_calls_keep_their_order_and_ids() -> None:
    pieces = [piece({"n": n}, "f", f"call-{n}", n) for n in range(MAX_TOOL_CALLS)]
    made = assemble(*pieces)
    assert made.ids == [f"call-{n}" for n in range(MAX_TOOL_CALLS)]
    assert made.good == [("f", {"n": n}) for n in range(MAX_TOOL_CALLS)]


def test_ids_that_a_server_does_not_give_or_gives_twice_are_made() -> None:
    made = assemble(
        *(piece("{}", "f", "a", 0), piece("{}", "f", "a", 1), piece("{}", "f", "", 2)),
        *(piece("{}", "f", 7, 3), piece("{}", "f", None, 4)),
    )
    assert made.ids[0] == "a"
    assert len(set(made.ids)) == 5


# ── what a call carries besides ─────────────────────────────────────────────────


def test_what_nobody_knows_is_kept_with_its_call() -> None:
    signature = {"google": {"thought_signature": "s"}}
    made = assemble(
        {**piece("{}", "f", "a", 0), "type": "function", "extra_content": signature},
        {**piece("{}", "g", "b", 1), "odd": None},
    )
    assert [call.extras for call in made.calls] == [{"extra_content": signature}, {}]


def test_extras_may_come_before_their_call() -> None:
    made = assemble({"index": 0, "extra_content": 1}, piece('{"x":1}', "f", "a", 0))
    assert made.good == [("f", {"x": 1})]
    assert made.calls[0].extras == {"extra_content": 1}


@pytest.mark.parametrize("key", [{"index": 0}, {"id": "a"}, {}], ids=str)
def test_a_piece_of_nothing_but_extras_belongs_to_its_call(key: Piece) -> None:
    made = assemble(piece('{"x":1}', "f", "a", 0), {**key, "extra_content": {"s": 1}})
    assert made.good == [("f", {"x": 1})]
    assert made.calls[0].extras == {"extra_content": {"s": 1}}


def test_a_flat_piece_keeps_its_extras_only() -> None:
    made = assemble({"name": "f", "arguments": "{}", "id": "a", "signature": "s"})
    assert made.calls[0].extras == {"signature": "s"}


# ── calls that must not run ─────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "args",
    [
        *("{", '{"x"', '{"x":1', '{"x":1}}', '{"x":1}{"y":2}', "[]", "[1]", "1", '"a"'),
        *("true", "{'x':1}", "<x>", '{"x":1,}', '{"x":}', "\ufeff{}", '{"x":1} ok'),
        *('{"x":' * 200 + "1" + "}" * 200, '{"x":' + "9" * 5000 + "}"),
        *([], [1], 5, True, False, "\ud83d"),
    ],
    ids=lambda args: str(args)[:12],
)
def test_arguments_that_are_not_one_object_are_broken(args: Any) -> None:
    for reason in ("tool_calls", "stop", None):
        made = assemble(piece(args, "f", "a", 0), finish=reason)
        assert made.good == [("f", None)]
        assert "not one JSON object" in (made.calls[0].error or "")


def test_a_call_without_a_name_is_broken() -> None:
    made = assemble(piece('{"x":1}', None, "a", 0))
    assert made.good == [("", None)]
    assert made.calls[0].args == '{"x":1}'
    assert "named no tool" in (made.calls[0].error or "")


def test_pieces_of_nothing_are_no_call() -> None:
    nothing = [{}, {"function": None}, {"index": 0, "type": "function"}, {"odd": 1}]
    made = assemble(*nothing, piece("", ""))
    assert made.calls == []


def test_what_follows_a_whole_call_without_a_name_breaks_it() -> None:
    assert good(piece('{"x":1}', "f", "a", 0), piece('{"y":2}', index=0)) == [
        ("f", None)
    ]


@pytest.mark.parametrize(
    ("args", "value"),
    [
        ('{"a":"b\nc\td"}', {"a": "b\nc\td"}),
        ('{"a":1,"a":2}', {"a": 2}),
        (json.dumps({"a": "[" * 2000}), {"a": "[" * 2000}),
        (json.dumps({"a": "{[" * 2000 + '"]}'}), {"a": "{[" * 2000 + '"]}'}),
        ('{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH, None),
        ('{"n":12345678901234567890123}', {"n": 12345678901234567890123}),
    ],
    ids=lambda value: str(value)[:12],
)
def test_arguments_that_are_one_object_are_good(args: str, value: Any) -> None:
    arguments = parse_arguments(args)
    assert arguments is not None
    assert value is None or arguments == value


def test_halves_of_a_character_in_two_pieces_join() -> None:
    made = assemble(
        piece('{"x":"\ud83d', "f", "a", 0),
        piece("\udc4b", index=0),
        piece('"}', index=0),
    )
    assert made.good == [("f", {"x": "👋"})]


# ── bounds and cost ─────────────────────────────────────────────────────────────


def test_too_many_calls_are_refused() -> None:
    assembler = ToolCallAssembler()
    for n in range(MAX_TOOL_CALLS):
        assembler.feed(piece("{}", "f", f"c{n}", n))
    with pytest.raises(StreamLimitError, match="256"):
        assembler.feed(piece("{}", "f", "one more", 999))
    assert len(assembler.calls) == MAX_TOOL_CALLS


@pytest.mark.parametrize("name", ["f", None], ids=["named", "nameless"])
@pytest.mark.parametrize("size", [1, 64, 5000])
def test_too_long_arguments_are_refused(name: str | None, size: int) -> None:
    assembler = ToolCallAssembler(max_argument_bytes=1000)
    assembler.feed(piece("{", name, "a", 0))
    more = piece("x" * size, index=0)
    for _ in range(999 // size):
        assembler.feed(more)
    with pytest.raises(StreamLimitError, match="1000"):
        assembler.feed(more)


FRAGMENT: dict[str, Piece] = {
    "by index": piece("word ", index=0),
    "id again": piece("word ", None, "a", 0),
    "name and id again": piece("word ", "f", "a", 0),
    "name again": piece("word ", "f", None, 0),
    "name again, no index": piece("word ", "f"),
    "brackets": piece("}{][", "f", None, 0),
    "new id each": piece("word ", None, "new", 0),
    "blank": piece("     ", "f", "a", 0),
}


@pytest.mark.parametrize(
    "start", ['{"x":"', "{}", "", None], ids=["open", "{}", "", "no name"]
)
@pytest.mark.parametrize("fragment", FRAGMENT.values(), ids=FRAGMENT)
def test_time_grows_with_the_length_of_the_arguments_only(
    fragment: Piece, start: str | None
) -> None:
    def seconds(count: int) -> float:
        assembler = ToolCallAssembler()
        assembler.feed(piece(start, "f" if start is not None else None, "a", 0))
        begin = process_time()
        for number in range(count):
            is_new = fragment.get("id") == "new"
            assembler.feed({**fragment, "id": f"n{number}"} if is_new else fragment)
            if len(assembler.calls) > 200:
                assembler = ToolCallAssembler()
        assembler.finish("tool_calls")
        return process_time() - begin

    one = min(seconds(2_000) for _ in range(3))
    assert seconds(20_000) < 40 * one + 0.01  # quadratic time would be 100 times


# ── what core must not repair ───────────────────────────────────────────────────

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)
TEXTS = st.one_of(
    VALUES.map(json.dumps),
    VALUES.map(lambda value: json.dumps(value, ensure_ascii=False, indent=1)),
    st.text('{}[]"\\:,1an \n', max_size=30),
    st.text(max_size=20),
)
MARK = closing_delta("")[:-1]


@st.composite
def cut_arguments(draw: st.DrawFn) -> str:
    text = draw(TEXTS)
    return text[: draw(st.integers(0, len(text)))]


@given(cut_arguments())
def test_core_makes_no_call_of_arguments_with_a_closing_delta(args: str) -> None:
    closed = args + closing_delta(args)
    try:
        value = parse_partial_json(closed)
    except ValueError:
        value = None
    assert not isinstance(value, dict)
    assert strip_closing_delta(closed) == args


@given(cut_arguments(), st.lists(st.integers(0, 30), max_size=3))
def test_core_adds_chunks_of_a_broken_call_to_an_invalid_one(
    args: str, places: list[int]
) -> None:
    ends = [0, *sorted(places), len(args)]
    parts = [args[a:b] for a, b in itertools.pairwise(ends)]
    heads = [("a", "f"), *[(None, None)] * len(parts)]
    chunks = [
        AIMessageChunk(
            "", tool_call_chunks=[tool_call_chunk(index=0, id=i, name=n, args=part)]
        )
        for part, (i, n) in zip([*parts, closing_delta(args)], heads, strict=True)
    ]
    message = chunks[0]
    for chunk in chunks[1:]:
        message += chunk
    assert message.tool_calls == []
    (call,) = message.invalid_tool_calls
    assert (call["id"], call["name"]) == ("a", "f")
    assert strip_closing_delta(call["args"] or "") == args


@pytest.mark.parametrize(
    "args",
    [
        '{"a',
        '{"a"',
        '{"a\\',
        '{"a\\"',
        '{"a":"b\\u12',
        "",
        MARK,
        f'{{"a":"{MARK}',
        MARK[:-1],
    ],
)
def test_a_closing_delta_is_taken_off_as_it_was_put_on(args: str) -> None:
    assert strip_closing_delta(args + closing_delta(args)) == args


@given(st.text(max_size=20) | st.text('{}[]"' + MARK, max_size=20))
def test_arguments_without_a_closing_delta_stay_as_they_are(args: str) -> None:
    stripped = strip_closing_delta(args)
    assert stripped == args or stripped + closing_delta(stripped) == args


def test_a_long_text_is_closed_in_time_by_its_length_only() -> None:
    args = '{"path": "' + "a\\n" * 1_000_000
    start = process_time()
    assert strip_closing_delta(args + closing_delta(args)) == args
    assert process_time() - start < 5


@pytest.mark.parametrize("index", [None, 0])
@pytest.mark.parametrize("name", [None, "", "f"])
def test_arguments_under_ever_new_ids_are_those_of_the_open_call(
    name: str | None, index: int | None
) -> None:
    cut_args = ["{", '"x"', ": ", "1", "}"]
    pieces = [
        piece(args, name if place else "f", f"id{place}", index)
        for place, args in enumerate(cut_args)
    ]
    got = assemble(*pieces, piece('{"y": 2}', "g", "last", index))
    assert got.good == [("f", {"x": 1}), ("g", {"y": 2})]


@pytest.mark.parametrize(
    "reason",
    ["length", "max_tokens", "MAX_TOKENS", "model_length", "MALFORMED_FUNCTION_CALL"],
)
def test_no_reason_that_cuts_lets_a_call_run_without_its_arguments(reason: str) -> None:
    (call,) = assemble(piece("", "f", "a", 0), finish=reason).calls
    assert call.error is not None
