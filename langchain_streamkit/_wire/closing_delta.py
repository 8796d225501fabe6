"""What is put behind the arguments of a tool call that must not run.

Strategy: core repairs arguments that were cut into ones that run. A mark and a bracket
that does not match keep it from that, and are taken off where raw text is given.
"""

from __future__ import annotations

from langchain_streamkit._wire.nesting import JsonNesting

__all__ = ["closing_delta", "is_closing_delta", "strip_closing_delta"]

_CLOSING_MARK = "\u2063cut\u2063"


def closing_delta(args: str) -> str:
    """The text to append to broken arguments so that core refuses to repair them.

    langchain-core completes partial JSON while it adds chunks, which would turn a
    call that was cut into one that runs. It gives up on a closing bracket that does
    not match; this text brings one, wherever the arguments stopped.

    Args:
        args: The arguments' text so far.

    Returns:
        The text to append.

    Example:
        >>> closing_delta('{"path": "/data')
        '\u2063cut\u2063"]'
    """
    nesting = JsonNesting()
    nesting.feed(args)
    wrong = "}" if nesting.stack[-1:] == ["["] else "]"
    return _CLOSING_MARK + ('"' if nesting.is_in_string else "") + wrong


def is_closing_delta(piece: str) -> bool:
    """Whether a piece of arguments is what ``closing_delta`` gave, and no more.

    Args:
        piece: A piece of arguments.

    Returns:
        True for a text that no server sent.
    """
    return piece.startswith(_CLOSING_MARK)


def strip_closing_delta(args: str) -> str:
    """The arguments' text without what ``closing_delta`` appended to it.

    Args:
        args: A text of arguments, broken or not.

    Returns:
        The text as the server sent it.

    Example:
        >>> strip_closing_delta('{"path": "/data' + closing_delta('{"path": "/data'))
        '{"path": "/data'
    """
    before, mark, _ = args.rpartition(_CLOSING_MARK)
    return before if mark and before + closing_delta(before) == args else args
