"""What the odd server's models send, by name, and what is right."""

import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

SENTENCE = "Blue whales sing below 20 hertz."
WORDS = ("Blue whales ", "sing below ", "20 hertz.")


class Writer(Protocol):
    """The connection, after the head was written."""

    wfile: Any
    close_connection: bool

    def part(self, data: bytes) -> None:
        """One piece of a chunked body; an empty one ends it."""
        ...


@dataclass(frozen=True)
class Mode:
    """What a model sends, and what is right.

    Args:
        body: Bytes, or a function that writes to the connection after the head.
        text: The text that must arrive.
        error: Words of the sentence that must be said; None where the answer is no failure.
        finish: How it must be said to have finished.
        tokens: Input and output tokens that must be known; None where any count here will do.
        note: Words of the note that must stand with the answer.
        is_complete: Whether the answer is whole.
        status: HTTP status.
        kind: Content type.
        headers: Further headers.
        refuses: For each parameter of the request, the status and body of a refusal as long as it is sent.
    """

    body: bytes | Callable[[Writer], None]
    text: str = SENTENCE
    error: str | None = None
    finish: str | None = "stop"
    tokens: tuple[int, int] | None = None
    note: str = ""
    is_complete: bool = True
    status: int = 200
    kind: str = "text/event-stream"
    headers: dict[str, str] = field(default_factory=dict)
    refuses: dict[str, tuple[int, object]] = field(default_factory=dict)


def chunk(delta: object = None, finish: object = None, index: object = 0, **more: object) -> dict[str, Any]:
    """One chunk of OpenAI's form."""
    choice = {"index": index, "delta": {} if delta is None else delta, "finish_reason": finish}
    about = {"id": "odd-1", "object": "chat.completion.chunk", "created": 7, "model": "whale-1"}
    return {**about, "choices": [choice], **more}


def sse(events: Iterable[object], *, end: str = "data: [DONE]\n\n", lines: str = "\n") -> bytes:
    """Events as a stream; strings stay as they are."""
    told = "".join(f"data: {e if isinstance(e, str) else json.dumps(e)}\n\n" for e in events) + end
    return told.replace("\n", lines).encode("utf-8", "surrogatepass")


def usage(tokens_in: object = 31, tokens_out: object = 9, **more: object) -> dict[str, object]:
    return {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, **more}


def with_usage(stated: object) -> bytes:
    return sse([*TEXT, STOP, {**chunk(), "choices": [], "usage": stated}])


TEXT = [chunk({"role": "assistant", "content": WORDS[0]}), *(chunk({"content": word}) for word in WORDS[1:])]
STOP = chunk({}, "stop")
TAIL = {**chunk(), "choices": [], "usage": usage()}
PLAIN = sse([*TEXT, STOP, TAIL])
WHOLE = {
    "id": "w",
    "object": "chat.completion",
    "created": 7,
    "model": "whale-1",
    "usage": usage(),
    "choices": [{"index": 0, "message": {"role": "assistant", "content": SENTENCE}, "finish_reason": "stop"}],
}
BROKEN = {"error": "cannot be read", "is_complete": False}
FAILED = {"text": "", "is_complete": False, "finish": None}


def refusal(message: str, **more: object) -> dict[str, object]:
    return {"error": {"message": message, "type": "invalid_request_error", **more}}


def slowly(parts: Iterable[bytes], pause_s: float = 0.0) -> Callable[[Writer], None]:
    """Parts as chunks of their own, with a pause between."""

    def write(to: Writer) -> None:
        for part in parts:
            to.part(part)
            time.sleep(pause_s)
        to.part(b"")

    return write


def forever(part: bytes, pause_s: float = 0.02, first: bytes = b"") -> Callable[[Writer], None]:
    """The same part again and again, until the caller hangs up."""

    def endless() -> Iterator[bytes]:
        yield first or part
        while True:
            yield part

    return slowly(endless(), pause_s)


def with_trailers(to: Writer) -> None:
    for event in PLAIN.split(b"\n\n")[:-1]:
        to.wfile.write(b"%x;note=odd\r\n%s\n\n\r\n" % (len(event) + 2, event))
    to.wfile.write(b"0\r\nX-Checksum: 12\r\n\r\n")


def cut_off(to: Writer) -> None:
    to.part(sse(TEXT[:2], end=""))
    to.close_connection = True
    to.wfile.flush()


def hangs_up_after_the_end(to: Writer) -> None:
    to.part(sse([*TEXT, STOP, TAIL], end=""))
    to.close_connection = True


DEEP = '{"choices":' + "[" * 30_000 + "]" * 30_000 + "}"
LONG = "whale " * 20_000
EMOJI = "A 🐋 and a 👩‍🚀."


def halves(text: str) -> list[str]:
    """Every unit of UTF-16 by itself."""
    raw = text.encode("utf-16-le")
    return [raw[i : i + 2].decode("utf-16-le", "surrogatepass") for i in range(0, len(raw), 2)]


def by_bytes(text: str) -> bytes:
    """Every byte of UTF-8 in a chunk of its own, as servers that cut tokens out of characters send them."""
    made = b""
    for byte in text.encode():
        head, _, foot = sse([chunk({"content": "@"})], end="").partition(b"@")
        made += head + bytes([byte]) + foot
    return made + sse([STOP, TAIL])


STREAMS: dict[str, Mode] = {
    "plain": Mode(PLAIN, tokens=(31, 9)),
    "whole-object": Mode(json.dumps(WHOLE).encode(), kind="application/json", tokens=(31, 9)),
    "whole-object-pretty": Mode(json.dumps(WHOLE, indent=2).encode(), kind="application/json", tokens=(31, 9)),
    "whole-object-event": Mode(sse([WHOLE]), tokens=(31, 9)),
    "whole-object-unfinished": Mode(
        json.dumps({"choices": [{"message": {"content": SENTENCE}}]}).encode(), kind="application/json", finish=None
    ),
    "array-of-chunks": Mode(json.dumps([*TEXT, STOP]).encode(), kind="application/json"),
    "json-lines": Mode("\n".join(json.dumps(e) for e in [*TEXT, STOP, TAIL]).encode(), kind="application/x-ndjson"),
    "snapshot-at-the-end": Mode(sse([*TEXT, STOP, WHOLE])),
    "no-blank-lines": Mode(PLAIN.replace(b"\n\n", b"\n")),
    "tabs-and-spaces": Mode(PLAIN.replace(b"data: ", b"data:\t ")),
    "retry-and-ids": Mode(b"retry: 5\n" + PLAIN.replace(b"data:", b"id: 7\nevent: chunk\ndata:")),
    "cr-only": Mode(sse([*TEXT, STOP, TAIL], lines="\r")),
    "crlf-in-pieces": Mode(slowly(bytes([b]) for b in sse([*TEXT, STOP, TAIL], lines="\r\n"))),
    "bom": Mode("\ufeff".encode() + PLAIN),
    "utf-16": Mode(PLAIN.decode().encode("utf-16"), kind="text/event-stream; charset=utf-16"),
    "utf-16-big-unmarked": Mode(PLAIN.decode().encode("utf-16-be"), kind="text/event-stream; charset=utf-16be"),
    "utf-16-in-name-only": Mode(PLAIN, kind="text/plain; charset=utf-16"),
    "latin-1-in-name-only": Mode(
        sse([chunk({"content": "Wale"}), STOP]).replace(b"Wale", "Wále".encode()),
        text="Wále",
        kind="text/event-stream; charset=iso-8859-1",
    ),
    "charset-nobody-knows": Mode(PLAIN, kind="text/event-stream; charset=klingon"),
    "no-content-type": Mode(PLAIN, kind=""),
    "gzip": Mode(gzip.compress(PLAIN), headers={"Content-Encoding": "gzip"}),
    "gzip-in-pieces": Mode(
        slowly(gzip.compress(PLAIN)[i : i + 5] for i in range(0, len(gzip.compress(PLAIN)), 5)),
        headers={"Content-Encoding": "gzip"},
    ),
    "gzip-in-name-only": Mode(PLAIN, headers={"Content-Encoding": "gzip"}),
    "deflate": Mode(zlib.compress(PLAIN), headers={"Content-Encoding": "deflate"}),
    "trailers-and-extensions": Mode(with_trailers, headers={"Transfer-Encoding": "chunked"}),
    "many-comments": Mode(slowly([b": waiting\n\n"] * 20 + [PLAIN])),
    "pings-between": Mode(b"data: ping\n\n" + PLAIN.replace(b"data: [DONE]", b"event: ping\ndata: {}\n\ndata: [DONE]")),
    "several-lines-a-datum": Mode(
        b"".join(
            b"".join(b"data: %s\n" % line.encode() for line in json.dumps(e, indent=1).split("\n")) + b"\n"
            for e in [*TEXT, STOP]
        )
        + b"data: [DONE]\n\n"
    ),
    "accepted-202": Mode(PLAIN, status=202),
    "names-in-capitals": Mode(PLAIN.replace(b"data:", b" DATA:").replace(b"[DONE]", b'"[done]"')),
    "ollama-s-own-form": Mode(
        "\n".join(
            [json.dumps({"model": "whale-1", "message": {"content": word}, "done": False}) for word in WORDS]
            + [json.dumps({"model": "whale-1", "message": {"content": ""}, "done": True, "done_reason": "stop"})]
        ).encode(),
        kind="application/x-ndjson",
    ),
    "one-choice-no-list": Mode(sse([*({"choices": {"delta": {"content": word}}} for word in WORDS), STOP])),
    "names-that-cannot-be-kept": Mode(
        sse([{**e, "model": "wh\ud83dale\0"} for e in TEXT] + [chunk({}, "\udc00stop")]), finish="?stop"
    ),
    "parts": Mode(
        sse(
            [
                chunk({"content": [{"type": "thinking", "thinking": "hm"}]}),
                chunk(
                    {
                        "content": [
                            {"type": "text", "text": WORDS[0]},
                            {"type": "output_text", "text": {"value": WORDS[1]}},
                        ]
                    }
                ),
                chunk({"content": WORDS[2]}),
                STOP,
            ]
        )
    ),
    "content-as-object": Mode(sse([chunk({"content": {"type": "text", "text": SENTENCE}}), STOP])),
    "content-as-number": Mode(sse([chunk({"content": 20}), *TEXT, STOP])),
    "delta-as-text": Mode(sse([chunk(SENTENCE), STOP])),
    "text-completion": Mode(
        sse([{"choices": [{"text": w, "index": 0, "finish_reason": None}]} for w in WORDS] + [STOP])
    ),
    "message-for-delta": Mode(sse([{"choices": [{"message": {"content": SENTENCE}, "finish_reason": "stop"}]}])),
    "two-answers": Mode(
        sse([e for w in WORDS for e in (chunk({"content": w}), chunk({"content": "No. "}, index=1))] + [STOP])
    ),
    "only-the-second-answer": Mode(sse([chunk({"content": w}, index=1) for w in WORDS] + [chunk({}, "stop", index=1)])),
    "two-choices-a-chunk": Mode(
        sse([{"choices": [{"index": 1, "delta": {"content": "No."}}, *chunk({"content": SENTENCE})["choices"]]}, STOP]),
    ),
    "nothing-but-choices": Mode(sse([{"choices": [{"delta": {"content": w}}]} for w in WORDS]), finish=None),
    "nulls": Mode(
        sse(
            [
                {"choices": None},
                {"choices": []},
                {"choices": [None]},
                {"choices": [{"delta": None}]},
                chunk({"content": None}),
                {
                    **chunk({"content": SENTENCE}),
                    "id": None,
                    "model": None,
                    "created": None,
                    "usage": None,
                    "error": None,
                },
                STOP,
                None,
                [],
                "null",
            ]
        )
    ),
    "text-after-the-finish": Mode(sse([*TEXT[:2], STOP, *TEXT[2:], TAIL])),
    "text-after-done": Mode(PLAIN + sse([chunk({"content": " EXTRA"})])),
    "no-done": Mode(sse([*TEXT, STOP, TAIL], end="")),
    "no-finish": Mode(sse([*TEXT, TAIL]), finish=None, tokens=(31, 9)),
    "hangs-up-after-the-end": Mode(hangs_up_after_the_end, headers={"Transfer-Encoding": "chunked"}),
    "finish-as-number": Mode(sse([*TEXT, chunk({}, 1)]), finish="1"),
    "finish-in-capitals": Mode(sse([*TEXT, chunk({}, "STOP")])),
    "finish-max-tokens": Mode(sse([*TEXT, chunk({}, "MAX_TOKENS")]), finish="length", is_complete=False),
    "finish-safety": Mode(
        sse([*TEXT[:1], chunk({}, "SAFETY")]), text=WORDS[0], finish="content_filter", is_complete=False
    ),
    "same-chunk-300-times": Mode(sse([*[chunk({"content": "| - "})] * 300, STOP]), text="| - " * 300),
    "halves-of-characters": Mode(sse([*[chunk({"content": half}) for half in halves(EMOJI)], STOP]), text=EMOJI),
    "bytes-of-characters": Mode(by_bytes(EMOJI), text=EMOJI),
    "half-a-character-alone": Mode(
        sse([chunk({"content": "a\ud83d"}), chunk({"content": "b\udc4b"}), STOP]), text="a�b�"
    ),
    "nul": Mode(sse([chunk({"content": "a\0b"}), STOP]), text="a�b"),
    "line-separators": Mode(sse([chunk({"content": "a\u2028b\u0085c"}), STOP]), text="a\u2028b\u0085c"),
    "unescaped-line-separators": Mode(
        sse([json.dumps(chunk({"content": "a\u2028b\u0085c\x1dd"}), ensure_ascii=False), STOP]),
        text="a\u2028b\u0085c\x1dd",
    ),
    "long-line": Mode(
        sse([chunk({"content": LONG * 42}), STOP]), text=(LONG * 42)[:200_000], finish="length", is_complete=False
    ),
    "bad-line-among-good": Mode(sse([*TEXT[:2], '{"choices": [{"del', TEXT[2], STOP]), **BROKEN),
    "deep-nesting": Mode(sse([*TEXT, DEEP, STOP]), **BROKEN),
    "reasoning": Mode(sse([chunk({"reasoning": "First,"}), chunk({"reasoning_content": " then"}), *TEXT, STOP])),
    "think-in-pieces": Mode(sse([*[chunk({"content": c}) for c in " <think>No: 5?</think>\n\n"], *TEXT, STOP])),
    "think-like": Mode(sse([chunk({"content": "<thin"}), chunk({"content": " ice>"}), STOP]), text="<thin ice>"),
    "think-only": Mode(
        sse([chunk({"content": "<think>Hm."}), STOP]),
        text="",
        error="reasoned, and then wrote no answer",
        is_complete=False,
    ),
    "tool-and-text": Mode(
        sse(
            [
                *TEXT,
                chunk({"tool_calls": [{"index": 0, "function": {"name": "sonar", "arguments": "{}"}}]}),
                chunk({}, "tool_calls"),
            ]
        ),
        finish="tool_calls",
        note="wanted to call a tool",
    ),
    "tool-only": Mode(
        sse([chunk({"tool_calls": [{"function": {"name": "sonar"}}]}), chunk({}, "tool_calls")]),
        text="",
        error=r"wanted to call a tool \('sonar'\)",
        finish="tool_calls",
        is_complete=False,
    ),
    "old-function-call": Mode(
        sse([chunk({"function_call": {"name": "sonar", "arguments": ""}}), chunk({}, "function_call")]),
        text="",
        error=r"wanted to call a tool \('sonar'\)",
        finish="tool_calls",
        is_complete=False,
    ),
    "refusal": Mode(
        sse([chunk({"content": None, "refusal": w}) for w in WORDS] + [STOP]),
        finish="refusal",
        note="refused to answer",
    ),
    "refusal-whole": Mode(
        json.dumps(
            {"choices": [{"message": {"content": None, "refusal": SENTENCE}, "finish_reason": "stop"}]}
        ).encode(),
        finish="refusal",
        note="refused to answer",
        kind="application/json",
    ),
}
USAGES: dict[str, Mode] = {
    "usage-in-words": Mode(with_usage({"input_tokens": "31", "output_tokens": "9"}), tokens=(31, 9)),
    "usage-in-fractions": Mode(with_usage(usage(31.0, 9.0)), tokens=(31, 9)),
    "usage-half-known": Mode(with_usage({"prompt_tokens": 31, "total_tokens": 40}), tokens=(31, 9)),
    "usage-too-large": Mode(with_usage(usage(10**30, 1e30))),
    "usage-of-many-digits": Mode(
        sse([*TEXT, STOP, f'{{"choices":[],"usage":{{"prompt_tokens":1{"0" * 5000}}}}}']),
    ),
    "usage-that-cannot-be-read": Mode(sse([*TEXT, STOP, '{"choices":[],"usage":{"prompt_tok'])),
    "usage-negative": Mode(with_usage(usage(-31, -9))),
    "usage-no-number": Mode(
        sse([*TEXT, STOP, '{"choices":[],"usage":{"prompt_tokens":NaN,"completion_tokens":Infinity}}'])
    ),
    "usage-true": Mode(with_usage(usage(True, False))),
    "usage-as-list": Mode(with_usage([31, 9])),
    "usage-zero": Mode(with_usage(usage(0, 0))),
    "usage-each": Mode(
        sse([*[{**e, "usage": usage(31, i)} for i, e in enumerate(TEXT)], {**STOP, "usage": usage()}]), tokens=(31, 9)
    ),
    "usage-of-a-choice": Mode(sse([*TEXT, {"choices": [{**STOP["choices"][0], "usage": usage()}]}]), tokens=(31, 9)),
    "usage-groq": Mode(sse([*TEXT, {**STOP, "x_groq": {"usage": usage()}}]), tokens=(31, 9)),
    "usage-reasoning-beside": Mode(
        with_usage(usage(31, 9, total_tokens=100, completion_tokens_details={"reasoning_tokens": 60})), tokens=(31, 69)
    ),
    "usage-reasoning-within": Mode(
        with_usage(usage(31, 69, total_tokens=100, completion_tokens_details={"reasoning_tokens": 60})), tokens=(31, 69)
    ),
}
