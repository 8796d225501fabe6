"""A million prompts with Ray Data, and none of them twice: ``make example-batch-ray``.

Actors ask many prompts at once and write each batch as one file, whole or not at all.
Whatever ends the run (Ctrl-C, a power cut, a lost node), the same command goes on: it
reads which prompts have results and asks the others. What failed is noted, and asked
again by the next run; a batch in which everything fails ends the run, for then it is
the key or the address. Without ``--input`` the prompts are made up.

    make example-batch-ray ARGS="--prompts 1000000"
    make example-batch-ray URL=... MODEL=... ARGS="--input my.jsonl --output answers"

On a cluster, start it there with ``--address auto`` and an ``--output`` that all nodes
see, and give ``--actors`` and ``--at-once`` what your server can take.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
import ray.data

from examples.serving import example_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.language_models import BaseChatModel, LanguageModelInput

Batch = dict[str, np.ndarray[Any, Any]]


class Asker:
    """Asks one batch after another; Ray keeps as many of these as it is told.

    Args:
        model: Any chat model; it is pickled, and makes its connections here.
        folder: Where the results go.
        at_once: How many prompts are under way at a time.
    """

    def __init__(self, model: BaseChatModel, folder: Path, at_once: int) -> None:
        self._model = model
        self._folder = folder
        self._at_once = at_once
        self._runner = asyncio.Runner()  # one loop for all batches, and its connections

    def __call__(self, batch: Batch) -> Batch:
        """Ask a batch, write what came, and say how much that was."""
        ids = [int(number) for number in batch["id"]]
        prompts: list[LanguageModelInput] = [str(prompt) for prompt in batch["prompt"]]
        answers = self._runner.run(
            self._model.abatch(
                prompts, {"max_concurrency": self._at_once}, return_exceptions=True
            )
        )
        results, failures, tokens = [], [], 0
        for number, answer in zip(ids, answers, strict=True):
            if isinstance(answer, Exception):
                failures.append({"id": number, "error": str(answer)})
                continue
            usage = answer.usage_metadata
            tokens += usage["output_tokens"] if usage else 0
            results.append({"id": number, "text": answer.text, "usage": usage})
        write(self._folder / "failures", failures)
        if failures and not results:
            raise RuntimeError(f"All {len(failures)} failed: {failures[0]['error']}")
        write(self._folder / "results", results)
        counts = {"answered": len(results), "failed": len(failures), "tokens": tokens}
        return {name: np.array([count]) for name, count in counts.items()}


def write(folder: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write a file of JSON lines that is there whole, or not at all."""
    if not rows:
        return
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{rows[0]['id']:09}-{uuid.uuid4().hex[:8]}.jsonl"
    unfinished = folder / f".{name}"
    with unfinished.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / name)


def answered(folder: Path) -> np.ndarray[Any, Any]:
    """The ids that have results, in order: eight bytes each, also for a million."""
    ids = [
        json.loads(line)["id"]
        for path in (folder / "results").glob("*.jsonl")
        for line in path.open(encoding="utf-8")
    ]
    return np.unique(np.array(ids, dtype=np.int64))


def make_prompts(batch: Batch) -> Batch:
    """Prompts for those who have none."""
    prompts = [f"What is {number} squared?" for number in batch["id"]]
    return {"id": batch["id"], "prompt": np.array(prompts, dtype=object)}


def without(batch: Batch, done: np.ndarray[Any, Any]) -> Batch:
    """What of a batch has no result yet."""
    left = ~np.isin(batch["id"], done)
    return {name: column[left] for name, column in batch.items()}


def ask_all(model: BaseChatModel, options: argparse.Namespace) -> dict[str, int]:
    """Ask what has no result yet; the counts of this run."""
    folder = Path(options.output).resolve()
    done = answered(folder)
    print(f"{len(done)} have results already, in {folder}", flush=True)
    if options.input:
        prompts = ray.data.read_json(str(Path(options.input).resolve()), lines=True)
    else:
        prompts = ray.data.range(options.prompts).map_batches(make_prompts)
    left = prompts.map_batches(without, fn_args=(done,))
    # A batch is a task of its own: what it gives is seen, and kept, at once.
    results = left.repartition(target_num_rows_per_block=options.batch).map_batches(
        Asker,
        fn_constructor_args=(model, folder, options.at_once),
        batch_size=options.batch,
        compute=ray.data.ActorPoolStrategy(size=options.actors),
        num_cpus=0.5,  # they wait most of the time, and reading needs a core, too
    )
    totals = dict.fromkeys(("answered", "failed", "tokens"), 0)
    started = time.monotonic()
    for row in results.iter_rows():
        totals = {name: count + int(row[name]) for name, count in totals.items()}
        pace = totals["answered"] / (time.monotonic() - started)
        print(
            f"{len(done) + totals['answered']} answered, {totals['failed']} failed, "
            f"{totals['tokens']} tokens, {pace:.0f} answers a second",
            flush=True,
        )
    return totals


def main() -> int:
    """Run it; 0 if everything has a result."""
    parser = argparse.ArgumentParser(description="Many prompts, with Ray Data.")
    parser.add_argument(
        "--input", help="JSON lines with a whole number id and a prompt"
    )
    parser.add_argument("--prompts", type=int, default=5000, help="how many to make up")
    parser.add_argument("--output", default=".cache/batch_ray", help="a folder")
    parser.add_argument("--actors", type=int, default=2)
    parser.add_argument("--at-once", type=int, default=64, help="prompts an actor")
    parser.add_argument("--batch", type=int, default=256, help="prompts a file")
    parser.add_argument("--address", help="a Ray cluster; this machine if not given")
    options = parser.parse_args()
    here: dict[str, Any] = {"num_cpus": 2, "include_dashboard": False}
    with example_model(is_paced=False) as model:
        ray.init(
            address=options.address or "local",
            log_to_driver=False,
            logging_level="warning",
            **({} if options.address else here),
        )
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel("ERROR")
        try:
            totals = ask_all(model, options)
        except KeyboardInterrupt:
            print("Stopped. The same command goes on from here.")
            return 130
        finally:
            ray.shutdown()
    print(f"Done: {options.output}/results, {totals['failed']} to be asked again")
    return 1 if totals["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
