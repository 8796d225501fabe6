"""What a line that begins with a slash does: a table of commands."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage, BaseMessage, messages_to_dict

from langchain_streamkit.adapters._files import file_block
from langchain_streamkit.adapters._safe_text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_streamkit.cli._chat_session import Session

__all__ = ["COMMANDS", "find_command"]


def find_command(name: str) -> Callable[[Session, str], bool]:
    """The command of a name.

    Args:
        name: The word after the slash.

    Returns:
        What it does; it returns whether the conversation goes on.

    Raises:
        ValueError: If there is none.
    """
    if name not in COMMANDS:
        message = f"no command /{name}: /help lists them, // begins a line with a slash"
        raise ValueError(message)
    return COMMANDS[name][0]


def _model(session: Session, name: str) -> bool:
    if name:
        session.use(name)
        session.say(f"{one_line(name)} answers from now on")
        return True
    names = session.settings.list_models()
    for one in names:
        session.say(f"{'*' if one == session.model_name else ' '} {one_line(one)}")
    if session.model_name not in names:
        session.say(f"* {one_line(session.model_name)} (not in the server's list)")
    return True


def _system(session: Session, words: str) -> bool:
    if words:
        session.system = "" if words == "-" else words
    session.say(one_line(session.system, 1000) or "no system prompt")
    return True


def _image(session: Session, words: str) -> bool:
    paths = [words] if Path(words).expanduser().is_file() else shlex.split(words)
    if not paths:
        message = "/image needs the path of a file"
        raise ValueError(message)
    blocks = [file_block(Path(path).expanduser()) for path in paths]
    session.attached += blocks
    kinds = ", ".join(str(block.get("mime_type", "text")) for block in blocks)
    session.say(f"goes with your next question: {kinds}")
    return True


def _save(session: Session, words: str) -> bool:
    path = Path(words or session.saved_to).expanduser()
    if not (words or session.saved_to):
        message = "/save needs a path: talk.md, or talk.json with everything"
        raise ValueError(message)
    write = _as_json if path.suffix == ".json" else _as_markdown
    text = write(session)
    # another file is never overwritten
    mode = "w" if str(path) == session.saved_to else "x"
    with path.open(mode, encoding="utf-8") as file:
        file.write(text)
    session.saved_to = str(path)
    session.say(f"saved to {one_line(str(path))}")
    return True


def _clear(session: Session, _: str) -> bool:
    session.messages.clear()
    session.attached.clear()
    session.say("a new conversation")
    return True


def _help(session: Session, _: str) -> bool:
    rows = [(usage, what) for _, usage, what in COMMANDS.values()]
    rows += [
        ('"""…"""', "a question of several lines"),
        ("Ctrl-C", "ends an answer, not the program"),
    ]
    width = max(len(usage) for usage, _ in rows)
    for usage, what in rows:
        session.say(f"{usage:<{width}}  {what}")
    return True


def _quit(_session: Session, _: str) -> bool:
    return False


COMMANDS: dict[str, tuple[Callable[[Session, str], bool], str, str]] = {
    "model": (_model, "/model [NAME]", "list the server's models, or use another one"),
    "system": (_system, "/system [TEXT]", "show or set the system prompt; - for none"),
    "image": (_image, "/image PATH", "send a picture or a file with the next question"),
    "save": (_save, "/save PATH", "write the conversation as Markdown, or as .json"),
    "clear": (_clear, "/clear", "forget what was said"),
    "help": (_help, "/help", "this list"),
    "quit": (_quit, "/quit", "leave; so does Ctrl-D"),
}
"""Each command: what does it, how it is written, what it is for."""


def _as_json(session: Session) -> str:
    saved = {
        "model": session.model_name,
        "system": session.system,
        "messages": messages_to_dict(session.messages),
    }
    return json.dumps(saved, ensure_ascii=False, indent=1, default=str) + "\n"


def _as_markdown(session: Session) -> str:
    parts = [f"# {session.model_name}"]
    if session.system:
        parts += ["## System", session.system]
    for message in session.messages:
        speaker = "Answer" if isinstance(message, AIMessage) else "You"
        parts += [f"## {speaker}", *_attachments(message), message.text]
    return "\n\n".join(parts) + "\n"


def _attachments(message: BaseMessage) -> list[str]:
    """What a message has beside its text, named."""
    if isinstance(message.content, str) or isinstance(message, AIMessage):
        return []
    blocks = (block for block in message.content if isinstance(block, dict))
    kinds = [str(block.get("mime_type")) for block in blocks if "base64" in block]
    return [f"({kind})" for kind in kinds]
