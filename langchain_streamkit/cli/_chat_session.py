"""A conversation on a terminal: reads lines, answers them, obeys commands.

Strategy: a line is a command or a question. Ctrl-C ends what is going on, and never the
program: an answer, whose beginning then stays in the conversation, or the line that is
being typed. A question whose answer failed is taken out of the conversation again.
"""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langchain_core.exceptions import ModelError
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from rich.text import Text

from langchain_streamkit.adapters._answer import Answer, describe
from langchain_streamkit.adapters._safe_text import one_line
from langchain_streamkit.adapters._terminal_screen import Screen
from langchain_streamkit.cli._chat_commands import find_command
from langchain_streamkit.errors import StreamKitError
from langchain_streamkit.streaming import iter_events

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from langchain_core.language_models import BaseChatModel
    from rich.console import Console

    from langchain_streamkit.events import FinalEvent

__all__ = ["Session", "Settings"]

_PROMPT = "» "
_MORE = "… "
_QUOTES = '"""'


@dataclass(slots=True)
class Settings:
    """What a conversation is held with.

    Attributes:
        make_model: Makes the model of a name.
        list_models: The names that the server has.
        read: Reads a line behind a prompt; ``EOFError`` ends the conversation.
        out: Where answers go.
        err: Where all else goes.
        interval: Seconds between two drawings; None for none while text grows.
        reasoning: Whether reasoning is shown.
        markdown: Whether text is rendered.
        quiet: Keeps what is typed during an answer off the screen, while it is open.
    """

    make_model: Callable[[str], BaseChatModel]
    list_models: Callable[[], list[str]]
    read: Callable[[str], str]
    out: Console
    err: Console
    interval: float | None = 0.1
    reasoning: bool = True
    markdown: bool = True
    quiet: Callable[[], AbstractContextManager[object]] = nullcontext


@dataclass(slots=True)
class Session:
    """One conversation.

    Attributes:
        settings: What it is held with.
        model_name: The model that answers.
        system: What the model is told before everything else.
        messages: What was said.
        attached: Content blocks that go with the next question.
        saved_to: Where it was saved.
        cost: What all answers cost, in USD, or None if nobody knows.
    """

    settings: Settings
    model_name: str
    system: str = ""
    messages: list[BaseMessage] = field(default_factory=list[BaseMessage])
    attached: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    saved_to: str = ""
    cost: float | None = None
    _model: BaseChatModel | None = None
    _answers: int = 0

    def run(self) -> None:
        """Hold the conversation until its end.

        Raises:
            StreamKitError: If there is no such model to begin with.
        """
        self.use(self.model_name)
        while True:
            try:
                line = self._read().strip()
                if line and not self.obey(line):
                    return
            except KeyboardInterrupt:
                self.say("\n/quit or Ctrl-D leaves")
            except EOFError:
                self.say("")
                return

    def obey(self, line: str) -> bool:
        """Do what a line says.

        Args:
            line: A command, or a question; ``//`` begins a question with a slash.

        Returns:
            Whether the conversation goes on.
        """
        if line.startswith("/") and not line.startswith("//"):
            name, _, words = line[1:].partition(" ")
            try:
                return find_command(name)(self, words.strip())
            except (StreamKitError, OSError, ValueError) as error:
                self.say(one_line(str(error), 1000), "red")
            return True
        self.ask(line.removeprefix("/") if line.startswith("//") else line)
        return True

    def use(self, name: str) -> None:
        """Let another model answer from now on.

        Args:
            name: Its name.

        Raises:
            StreamKitError: If it cannot be used.
        """
        self._model = self.settings.make_model(name)
        self.model_name = name

    def say(self, words: str, style: str = "dim") -> None:
        """Tell the user something.

        Args:
            words: Lines of text without control characters.
            style: How it looks.
        """
        self.settings.err.print(Text(words, style), soft_wrap=True)

    def ask(self, question: str) -> bool:
        """Ask the model, and show its answer.

        Args:
            question: The user's words; what is attached goes with them.

        Returns:
            Whether there is an answer, be it one that was ended early.
        """
        blocks, self.attached = self.attached, []
        content: Any = [*blocks, {"type": "text", "text": question}]
        self.messages.append(HumanMessage(content if blocks else question))
        answer = Answer()
        try:
            self._stream(answer)
        except KeyboardInterrupt:
            pass
        except (StreamKitError, ModelError) as error:
            self.messages.pop()
            self.attached = blocks
            self.say(one_line(str(error), 1000), "red")
            return False
        except BaseException:
            self.messages.pop()
            raise
        self._keep(answer)
        return True

    def _stream(self, answer: Answer) -> None:
        settings = self.settings
        system = [SystemMessage(self.system)] if self.system else []
        assert self._model is not None  # noqa: S101 - run() made it
        screen = Screen(
            settings.out,
            settings.err,
            markdown=settings.markdown,
            reasoning=settings.reasoning,
            interval=settings.interval,
            summary=self._summary,
        )
        events = iter_events(self._model, [*system, *self.messages])
        with settings.quiet(), closing(events), screen:
            for event in events:
                answer.add(event)
                screen.show(event)

    def _keep(self, answer: Answer) -> None:
        message = answer.message()
        if message.content or message.tool_calls:
            self.messages.append(message)
        else:
            self.messages.pop()  # a question without an answer confuses models

    def _summary(self, final: FinalEvent) -> str:
        """The line below an answer; from the second one on with the sum of costs."""
        self._answers += 1
        cost = final.usage.cost if final.usage is not None else None
        if cost is None:
            return describe(final)
        self.cost = (self.cost or 0.0) + cost
        total = f" · ${self.cost:.4f} in all" if self._answers > 1 else ""
        return f"{describe(final)}{total}"

    def _read(self) -> str:
        """A line, or the lines between two triple quotes."""
        line = self.settings.read(_PROMPT)
        if not line.startswith(_QUOTES):
            return line
        text = line.removeprefix(_QUOTES)
        while not text.rstrip().endswith(_QUOTES):
            text += "\n" + self.settings.read(_MORE)
        return text.rstrip().removesuffix(_QUOTES)
