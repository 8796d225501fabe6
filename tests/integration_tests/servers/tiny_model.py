"""Write a language model that was never trained: a llama with one hand-made layer.

``llama-server`` needs weights, and real ones are gigabytes. These are 3.5 MB, are
computed in a blink, and still make a genuine server say sensible, always equal
things: a greeting, tool calls, a thought, endless text, JSON for any schema.

How it works. Each token's residual vector has three parts::

    [ which token this is | one flag for each cue | a constant 1 ]
      one-hot, vocabulary   raised by attention     the bias

- **Attention** has one head for each cue, a marker such as ``<tools>``. Every
  position asks "was my cue seen?", only the cue's own token answers, and the answer
  raises the head's flag. Question and answer sit in the slowest pair of the rotary
  embedding, so that distance makes no difference.
- **The output matrix** is a table of successors: row "next token", column "token
  now". A script is a chain of its entries, and the flags decide which one starts.
- **The feed-forward part** is zero.

A model that knows only the last token cannot count, so a token stands in one place
of one script; text that is needed twice is cut into different pieces. Under a
grammar (a JSON schema, a forced tool) the server masks what does not fit, and a
mild liking for closing signs brings every value to a quick end.

Run as a program: ``python tiny_model.py OUTPUT.gguf CHAT_TEMPLATE.jinja``.
"""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

# ── What it says ────────────────────────────────────────────────────────────────

START = "\n"  # the last token of a prompt: "<|im_start|>assistant\n"
END = "<|im_end|>"


@dataclass(frozen=True, slots=True)
class Script:
    """A chain of tokens, and when it is spoken.

    Attributes:
        text: The tokens, with ``|`` between them. A single character is spelled in
            its bytes, a token each; every other piece is one token.
        pull: How much it is wanted, against others that may start at that point.
        cue: The marker in the prompt that calls for it; "" for none.
        after: The token after which it may start.
        then: The token that follows its last piece.
    """

    text: str
    pull: float
    cue: str = ""
    after: str = START
    then: str = END


SCRIPTS = (
    # Only a grammar makes the model choose the first; the wave is four tokens.
    Script('{"name": "|Lin|", "age": |7|}', pull=2),
    Script("Hello| from| a| tiny| llama:| café| ☕| 你好 |👋", pull=3),
    Script(
        '<tool_call>|\n{"name": "|get_weather|", "arguments": |{"city": "|Par|is|"}|}\n'
        "|</tool_call>",
        pull=4,
        cue="<tools>",
    ),
    Script(
        '\n<tool|_call>\n{"name": "get_wea|ther", "arguments": |{"city": |"Ro|me"}}\n</'
        "|tool_call>",
        pull=8,
        cue="/both",
        after="</tool_call>",
    ),
    Script("It| is| sunny| in| Paris.", pull=5, cue="<tool_response>"),
    Script(
        "<think>|\nThe| user| greets| me.\n|</think>|\n\nHello",
        pull=6,
        cue="/think",
        then=" from",
    ),
    Script(" tick| tock", pull=7, cue="/loop", then=" tick"),
)

# What is liked wherever a grammar leaves a choice, and what is liked after what.
LIKED = {'{"name": "': 0.5, "{": 0.4, '"': 0.7, "}": 0.6, "}\n": 0.62, "]": 0.65}
LIKED |= {",": 0.45, "7": 0.3, "</tool_call>": 0.5, END: 0.5}
LIKED |= {" ": -0.3, "\t": -0.4, "\n": -0.4, "\r": -0.4}
LIKED_AFTER = {('"', "Lin"): 2.0, ("Lin", '"'): 3.0}

CHAIN = 6.0  # pull of a token towards its successor within a script
GUARD = 12.0  # what keeps a cue's first token out of every other place

# ── Its vocabulary ──────────────────────────────────────────────────────────────


def byte_signs() -> list[str]:
    """The signs for the 256 bytes in a GPT-2 vocabulary.

    Visible Latin-1 stands for itself, the others are taken from U+0100 on.
    """
    others = itertools.count(0x100)
    visible = {*range(0x21, 0x7F), *range(0xA1, 0x100)} - {0xAD}
    return [chr(byte if byte in visible else next(others)) for byte in range(256)]


CUES = [script.cue for script in SCRIPTS if script.cue]
PIECES = itertools.chain.from_iterable(script.text.split("|") for script in SCRIPTS)
WORDS = [word for word in dict.fromkeys([*PIECES, *CUES]) if len(word) > 1]
MARKS = ["<|endoftext|>", "<|im_start|>", END]
MERGE = ("t", "h")  # the server's tokenizer wants at least one
TOKENS = [*byte_signs(), "".join(MERGE), *MARKS, *WORDS]
TYPES = (
    [gguf.TokenType.NORMAL] * 257
    + [gguf.TokenType.CONTROL] * len(MARKS)
    + [gguf.TokenType.USER_DEFINED] * len(WORDS)
)
NUMBERS = {token: number for number, token in enumerate(TOKENS)}


def spell(text: str) -> list[int]:
    """The tokens of a text with ``|`` between its pieces."""
    pieces = [
        list(piece.encode()) if len(piece) == 1 else [NUMBERS[piece]]
        for piece in text.split("|")
    ]
    return list(itertools.chain.from_iterable(pieces))


def number(token: str) -> int:
    """The number of one token."""
    return NUMBERS[token] if token in MARKS else spell(token)[0]


# ── Its weights ─────────────────────────────────────────────────────────────────

CONTEXT = 8192
WIDTH, HEADS = 384, 6
HEAD_WIDTH = WIDTH // HEADS
SLOWEST = HEAD_WIDTH - 2  # the rotary pair that hardly turns within the context
IDLE = 32  # the width of the feed-forward part
BIAS = WIDTH - 1
FLAGS = {cue: BIAS - 1 - place for place, cue in enumerate(CUES)}

Matrix = np.ndarray[tuple[int, int], np.dtype[np.float32]]


def zeros(rows: int, columns: int = WIDTH) -> Matrix:
    """A matrix that does nothing yet."""
    return np.zeros((rows, columns), np.float32)


def embedding() -> Matrix:
    """For each token its own place, and the constant."""
    table = zeros(len(TOKENS))
    np.fill_diagonal(table, 1)
    table[:, BIAS] = 1
    return table


def attention() -> dict[str, Matrix]:
    """One head for each cue: it looks for the cue's token and raises its flag."""
    query, key, value, output = (zeros(WIDTH) for _ in range(4))
    # Normalised to a mean square of 1, a vector with two ones has this in them.
    hot = np.sqrt(WIDTH / 2)
    for head, cue in enumerate(CUES):
        first = head * HEAD_WIDTH
        query[first + SLOWEST, BIAS] = 1
        key[first + SLOWEST, number(cue)] = 2
        value[first, number(cue)] = 1 / hot
        output[FLAGS[cue], first] = 1
    return {"attn_q": query, "attn_k": key, "attn_v": value, "attn_output": output}


def successors() -> Matrix:
    """How much each column's token wants each row's token to come next."""
    table = zeros(len(TOKENS))
    for token, liking in LIKED.items():
        table[number(token), BIAS] = liking
    for (now, following), liking in LIKED_AFTER.items():
        table[number(following), number(now)] = liking
    for script in SCRIPTS:
        first, after = spell(script.text)[0], number(script.after)
        if script.cue:
            table[first, BIAS] = -GUARD
            table[first, after] = GUARD
            table[first, FLAGS[script.cue]] = script.pull
        else:
            table[first, after] = script.pull
    for script in SCRIPTS:
        chain = [*spell(script.text), number(script.then)]
        for column, row in itertools.pairwise(chain):
            table[row, column] = CHAIN - min(table[row, BIAS], 0)
    return table


# ── Its file ────────────────────────────────────────────────────────────────────


def write(path: Path, template: str) -> None:
    """Write the model as a GGUF file.

    Args:
        path: The file to write.
        template: The Jinja chat template that the server is to use.
    """
    if len(TOKENS) + len(CUES) >= WIDTH or len(CUES) > HEADS:
        raise ValueError(f"{len(TOKENS)} tokens, {len(CUES)} cues: make it wider.")
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(IDLE)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e10)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(TOKENS)
    writer.add_token_types(TYPES)
    writer.add_token_merges([" ".join(MERGE)])
    writer.add_eos_token_id(number(END))
    writer.add_add_bos_token(False)
    writer.add_chat_template(template)

    layer = attention()
    layer |= {"ffn_gate": zeros(IDLE), "ffn_up": zeros(IDLE)}
    layer |= {"ffn_down": zeros(WIDTH, IDLE)}
    tensors = {"token_embd": embedding(), "output": successors()}
    tensors |= {f"blk.0.{name}": weights for name, weights in layer.items()}
    for name, weights in tensors.items():
        writer.add_tensor(f"{name}.weight", weights)
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]).read_text("utf-8"))
