"""What calls cost, by model and by run, and a budget for them.

Strategy: everything is read from the whole answer at a call's end, so that tokens cost
nothing here. A run is the outermost chain that a call belongs to. A price that nobody
knows is counted as unknown, never as 0.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration
from typing_extensions import override

from langchain_streamkit.errors import BudgetExceededError
from langchain_streamkit.pricing import check_prices, cost_of_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

    from langchain_core.messages import BaseMessage
    from langchain_core.outputs import LLMResult

__all__ = ["BudgetHandler", "CostHandler", "CostTotals"]


@dataclass(slots=True)
class CostTotals:
    """The sum over some calls.

    Attributes:
        calls: How many there were.
        input_tokens: Tokens of the prompts.
        output_tokens: Tokens of the answers.
        known_cost: USD of the calls whose price is known.
        unknown_calls: Calls whose price nobody knows.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    known_cost: float = 0.0
    unknown_calls: int = 0

    @property
    def cost(self) -> float | None:
        """USD of all of them, or None if the price of any is unknown."""
        return None if self.unknown_calls or not self.calls else self.known_cost

    def add(self, message: AIMessage, cost: float | None) -> None:
        """Count one call.

        Args:
            message: Its answer.
            cost: Its cost in USD, or None.
        """
        usage = message.usage_metadata
        self.calls += 1
        if usage is not None:
            self.input_tokens += usage["input_tokens"]
            self.output_tokens += usage["output_tokens"]
        if cost is None:
            self.unknown_calls += 1
        else:
            self.known_cost += cost


class CostHandler(BaseCallbackHandler):
    """Sums up what the calls of any chat model cost; one may serve many threads.

    Args:
        prices: USD per million tokens for models that bring no prices themselves,
            as ``ChatStreamKit``'s parameter.
        max_runs: How many runs are kept in ``by_run``; the oldest go first.

    Raises:
        ConfigurationError: If the prices are wrong.
    """

    run_inline = True

    def __init__(
        self,
        *,
        prices: Mapping[str, float] | Mapping[str, Mapping[str, float]] | None = None,
        max_runs: int = 1000,
    ) -> None:
        check_prices(prices)
        self._prices = prices
        self._max_runs = max_runs
        self._lock = threading.Lock()
        self._total = CostTotals()
        self._by_model: dict[str, CostTotals] = {}
        self._by_run: dict[UUID, CostTotals] = {}
        self._roots: dict[UUID, UUID] = {}
        self._models: dict[UUID, str] = {}

    @property
    def total(self) -> CostTotals:
        """The sum over all calls so far."""
        with self._lock:
            return replace(self._total)

    @property
    def by_model(self) -> dict[str, CostTotals]:
        """The same for each model, by the name that its server gives."""
        with self._lock:
            return {name: replace(sums) for name, sums in self._by_model.items()}

    @property
    def by_run(self) -> dict[UUID, CostTotals]:
        """The same for each run, by the id of its outermost chain or call."""
        with self._lock:
            return {run_id: replace(sums) for run_id, sums in self._by_run.items()}

    @override
    def on_chain_start(
        self,
        serialized: dict[str, Any],
        inputs: dict[str, Any],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        """A chain begins: what runs in it belongs to its run."""
        self._begin(run_id, parent_run_id)

    @override
    def on_chain_end(
        self, outputs: dict[str, Any], *, run_id: UUID, **kwargs: Any
    ) -> None:
        """A chain has ended."""
        self._end(run_id)

    @override
    def on_chain_error(
        self, error: BaseException, *, run_id: UUID, **kwargs: Any
    ) -> None:
        """A chain has failed."""
        self._end(run_id)

    @override
    def on_tool_start(
        self,
        serialized: dict[str, Any],
        input_str: str,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        """A tool begins; it may call models, too."""
        self._begin(run_id, parent_run_id)

    @override
    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        """A tool has ended."""
        self._end(run_id)

    @override
    def on_tool_error(
        self, error: BaseException, *, run_id: UUID, **kwargs: Any
    ) -> None:
        """A tool has failed."""
        self._end(run_id)

    @override
    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A call begins."""
        self._begin(run_id, parent_run_id)
        self._models[run_id] = str((metadata or {}).get("ls_model_name") or "unknown")

    @override
    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """A call has ended: its tokens and its cost are counted."""
        root = self._roots.get(run_id, run_id)
        asked = self._models.pop(run_id, "unknown")
        for message in _messages(response):
            cost = cost_of_message(message, self._prices)
            if cost is None and asked != "unknown":
                cost = self._cost_as_asked(message, asked)
            named = message.response_metadata.get("model_name")
            self._count(named if isinstance(named, str) else asked, root, message, cost)
        self._end(run_id)

    @override
    def on_llm_error(
        self, error: BaseException, *, run_id: UUID, **kwargs: Any
    ) -> None:
        """A call has failed; what it used is not known."""
        self._models.pop(run_id, None)
        self._end(run_id)

    def _cost_as_asked(self, message: AIMessage, asked: str) -> float | None:
        """The cost by the name that was asked for; servers may answer by another."""
        facts = {**message.response_metadata, "model_name": asked}
        return cost_of_message(
            message.model_copy(update={"response_metadata": facts}), self._prices
        )

    def _begin(self, run_id: UUID, parent_run_id: UUID | None) -> None:
        parent = parent_run_id or run_id
        self._roots[run_id] = self._roots.get(parent, parent)

    def _end(self, run_id: UUID) -> None:
        self._roots.pop(run_id, None)

    def _count(
        self, model: str, root: UUID, message: AIMessage, cost: float | None
    ) -> None:
        with self._lock:
            self._total.add(message, cost)
            self._by_model.setdefault(model, CostTotals()).add(message, cost)
            self._by_run.setdefault(root, CostTotals()).add(message, cost)
            while len(self._by_run) > self._max_runs:
                del self._by_run[next(iter(self._by_run))]


class BudgetHandler(CostHandler):
    """Stops before the next call once a budget is spent.

    A call that is under way is not cut, so the last one may overdraw the budget.

    Args:
        budget: USD for all calls that this handler sees.
        prices: See ``CostHandler``.
        max_runs: See ``CostHandler``.
        ignore_unknown: Whether calls of unknown price are let pass; otherwise the
            first one is the last.

    Raises:
        ValueError: If the budget is negative.
        BudgetExceededError: From the call that would have been next.
    """

    raise_error = True

    def __init__(
        self,
        budget: float,
        *,
        prices: Mapping[str, float] | Mapping[str, Mapping[str, float]] | None = None,
        max_runs: int = 1000,
        ignore_unknown: bool = False,
    ) -> None:
        super().__init__(prices=prices, max_runs=max_runs)
        if not budget >= 0:
            raise ValueError(f"budget={budget!r} must be USD, 0 or more.")
        self._budget = budget
        self._ignore_unknown = ignore_unknown

    @property
    def left(self) -> float:
        """USD that are left; 0 if it is overdrawn."""
        return max(0.0, self._budget - self.total.known_cost)

    @override
    def on_chat_model_start(
        self,
        serialized: dict[str, Any],
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        metadata: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """A call is about to begin: it does not if there is no money for it."""
        spent = self.total
        if spent.known_cost >= self._budget:
            raise BudgetExceededError(
                f"The budget of {self._budget} USD is spent: {spent.calls} calls cost "
                f"{spent.known_cost:.6f} USD. This call was not made."
            )
        if spent.unknown_calls and not self._ignore_unknown:
            names = ", ".join(
                name for name, sums in self.by_model.items() if sums.unknown_calls
            )
            raise BudgetExceededError(
                f"Nobody knows the price of {names}, so the budget cannot be kept. "
                "This call was not made. Give prices=, or ignore_unknown=True."
            )
        super().on_chat_model_start(
            serialized,
            messages,
            run_id=run_id,
            parent_run_id=parent_run_id,
            metadata=metadata,
            **kwargs,
        )


def _messages(response: LLMResult) -> Iterator[AIMessage]:
    """The answer of each prompt; further choices share its usage."""
    for generations in response.generations:
        first = generations[0] if generations else None
        if isinstance(first, ChatGeneration) and isinstance(first.message, AIMessage):
            yield first.message
