"""What servers stream instead of OpenAI's chunks, made into just those before anybody else reads them.

Servers that call themselves compatible send one object, parts for text, half a character, no finish, two answers at
once, web pages, or errors under the status 200. LiteLLM and the OpenAI client break on some and lose text on others.
Here every event becomes at most one chunk of the plain form, at once, and what else was said goes to the ``Stream``
of the call: who served it, usage, how it finished, refusals, wishes for tools, failures.
"""

import codecs
import json
import math
import re
import time
import zlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Final

import httpx

from routing.answer.client import Heard, Stream, clean
from routing.answer.reply import Reply, reply_of, web_page

PATH: Final = "/chat/completions"
MOST_LINE: Final = 8 * 2**20  # characters of one line
MOST_BYTES: Final = 64 * 2**20  # of one answer, unpacked
MOST_ERROR: Final = 64 * 2**10
_MOST_DIGITS: Final = 40
_INFLATED: Final = 2**20  # bytes that one step of unpacking may give

#: The stream of the call that is being made in this thread; None where nobody listens.
hearing: ContextVar[Stream | None] = ContextVar("hearing", default=None)

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_PAIR: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_BYTES: Final = re.compile("[\udc80-\udcff]+")  # of UTF-8 that was cut or damaged, as "surrogateescape" gives them
_LONE: Final = re.compile("[\ud800-\udfff]")
_FIELD: Final = re.compile(r"\s*(data|event|id|retry):", re.IGNORECASE)
_DONE: Final = frozenset({"[DONE]", "DONE"})
# How servers say the same as OpenAI.
_FINISHES: Final = {
    **dict.fromkeys(("max_tokens", "max_length", "max_output_tokens", "model_length"), "length"),
    **dict.fromkeys(("safety", "content_filtered", "blocklist", "prohibited_content"), "content_filter"),
    **dict.fromkeys(("tool_use", "function_call"), "tool_calls"),
}
_ENDED_ODDLY: Final = {"error", "failed", "abort", "aborted", "cancelled"}


def normalised(response: httpx.Response, request: httpx.Request) -> None:
    """Answers of ``.../chat/completions`` become plain chunks, and refusals are overheard.

    Args:
        response: Whose body is not read yet, if it is no refusal.
        request: What it answers.
    """
    seen = hearing.get()
    if seen is None or request.method != "POST" or not request.url.path.endswith(PATH):
        return
    if not isinstance(response.stream, httpx.SyncByteStream):
        return
    packed = response.headers.get("content-encoding", "").strip().lower()
    if packed not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        return
    if not response.is_success:
        seen.heard = Heard(response.status_code, response.headers)
        try:
            seen.heard.body += response.content[:MOST_ERROR]
        except httpx.ResponseNotRead:
            response.stream = _Overheard(response.stream, seen.heard.body)
        return
    seen.is_normalised = True
    chunks = _Chunks(seen, response.headers.get("content-type", ""))
    response.stream = _Normalised(response.stream, seen, chunks, is_packed=packed not in {"", "identity"})
    for name in ("content-encoding", "content-length"):
        response.headers.pop(name, None)
    response.headers["content-type"] = "text/event-stream; charset=utf-8"


class _Overheard(httpx.SyncByteStream):
    """The body of a refusal as it is, its beginning noted."""

    def __init__(self, inner: httpx.SyncByteStream, body: bytearray) -> None:
        self._inner, self._body = inner, body

    def __iter__(self) -> Iterator[bytes]:
        for part in self._inner:
            self._body += part[: max(0, MOST_ERROR - len(self._body))]
            yield part

    def close(self) -> None:
        self._inner.close()


class _Normalised(httpx.SyncByteStream):
    """A body as plain chunks; it ends at the last event, at the time limit, or when nobody listens any more."""

    def __init__(self, inner: httpx.SyncByteStream, seen: Stream, chunks: "_Chunks", *, is_packed: bool) -> None:
        self._inner, self._seen, self._chunks = inner, seen, chunks
        self._unpack = zlib.decompressobj(wbits=47) if is_packed else None  # 47: gzip or zlib, as its head says
        self._n_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        try:
            for part in self._inner:
                for plain in self._unpacked(part):
                    if made := self._chunks.feed(plain):
                        yield made
                    if self._is_over():
                        break
                if self._is_over():
                    break
            else:
                if made := self._chunks.feed(b"", is_last=True):
                    yield made
        except (httpx.TransportError, zlib.error) as problem:
            if not self._seen.is_finished and self._seen.failure is None:  # after its last word it said all
                is_late, is_cut = isinstance(problem, httpx.TimeoutException), isinstance(problem, httpx.TransportError)
                words = "the connection ended in the middle" if is_cut else "it sent bytes that cannot be unpacked"
                self._seen.failure = TimeoutError() if is_late else Reply(words)
        yield self._chunks.end()

    def _unpacked(self, part: bytes) -> Iterator[bytes]:
        """The part, unpacked a bounded piece at a time."""
        if not self._n_bytes and not part.startswith((b"\x1f", b"\x78")):
            self._unpack = None  # it only says that it is packed
        self._n_bytes += len(part)
        if self._unpack is None:
            yield part
            return
        while part:
            plain = self._unpack.decompress(part, _INFLATED)
            self._n_bytes += len(plain)
            yield plain
            part = self._unpack.unconsumed_tail

    def _is_over(self) -> bool:
        seen = self._seen
        if self._n_bytes > MOST_BYTES:
            seen.failure = seen.failure or Reply(f"it sent more than {MOST_BYTES // 2**20} MB")
        elif seen.until is not None and time.monotonic() > seen.until and not seen.is_finished:
            seen.failure = seen.failure or TimeoutError()
        else:
            return seen.is_left or seen.is_done or seen.failure is not None
        return True

    def close(self) -> None:
        self._inner.close()


class _Chunks:
    """Bytes of a server's answer in, plain chunks out; fed piece by piece."""

    def __init__(self, seen: Stream, content_type: str) -> None:
        self._seen = seen
        self._decoder: codecs.IncrementalDecoder | None = None
        self._charset = (re.findall(r"charset=\"?([\w.-]+)", content_type, re.IGNORECASE) or ["utf-8"])[0]
        self._start = b""
        self._line: list[str] = []
        self._length = 0
        self._skips_newline = False
        self._data: list[str] = []
        self._event = ""
        self._loose: list[str] = []
        self._n_loose = 0
        self._first = ""
        self._is_broken = False
        self._index: object = None
        self._half = ""
        self._said: list[str] = []
        self._n_events = 0

    def feed(self, data: bytes, *, is_last: bool = False) -> bytes:
        """The chunks that these bytes complete."""
        text = self._text(data, is_last=is_last)
        made: list[bytes] = []
        for line in self._lines(text, is_last=is_last):
            if self._seen.is_done or self._seen.failure is not None:
                break
            made += self._took(line)
        if is_last and not self._seen.is_done and self._seen.failure is None:
            made += self._dispatch()
            made += self._loose_end()
        return b"".join(made)

    def end(self) -> bytes:
        """The last chunks: what was held back, a finish, and the end; what is still missing is noted."""
        seen, half = self._seen, self._half
        self._half = ""
        if seen.failure is None and self._is_broken:
            seen.failure = Reply("it sent a line that cannot be read")
        if seen.failure is None and not self._n_events and not seen.is_done:
            seen.failure = Reply(
                f"it sent no answer but this: {self._first}" if self._first else "it sent nothing at all"
            )
        last = self._chunk({"content": "\ufffd"}) if half else b""
        return last + self._chunk({}, "stop") + b"data: [DONE]\n\n"

    def _text(self, data: bytes, *, is_last: bool) -> str:
        """Decoded, whatever the pieces were cut at; bytes that are no character come as lone surrogates."""
        if self._decoder is None:
            self._start += data
            if len(self._start) < len(codecs.BOM_UTF8) and not is_last:
                return ""
            charset, data, self._start = self._encoding(), self._start, b""
            self._decoder = codecs.getincrementaldecoder(charset)(
                "surrogateescape" if charset == "utf-8-sig" else "replace"
            )
        return self._decoder.decode(data, final=is_last)

    def _encoding(self) -> str:
        if self._start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        try:
            name = codecs.lookup(self._charset).name
            codecs.getincrementaldecoder(name)("replace")
        except LookupError:
            name = "utf-8"
        # Text in UTF-8 stays the likeliest, whatever the header says of it; JSON allows no other 8-bit encoding.
        return name if name.startswith(("utf-16", "utf-32")) and b"\0" in self._start else "utf-8-sig"

    def _lines(self, text: str, *, is_last: bool) -> Iterator[str]:
        """Whole lines, ended by any of the three line ends; work in proportion to the text."""
        if self._skips_newline and text:
            text = text.removeprefix("\n")
            self._skips_newline = False
        if text.endswith("\r"):
            self._skips_newline = True
        start = 0
        for found in _LINE_END.finditer(text):
            self._line.append(text[start : found.start()])
            start = found.end()
            yield self._taken()
        if start < len(text):
            self._line.append(text[start:])
            self._length += len(text) - start
            if self._length > MOST_LINE:
                self._seen.failure = Reply(f"it sent a line of more than {MOST_LINE // 2**20} MB")
                self._taken()
        if is_last and self._line:
            yield self._taken()

    def _taken(self) -> str:
        line = "".join(self._line)
        self._line.clear()
        self._length = 0
        return line

    def _took(self, line: str) -> list[bytes]:
        if not line:
            return self._dispatch()
        if line.startswith(":"):  # a comment, which only says that the server lives
            return []
        if not (field := _FIELD.match(line)):
            return self._took_loose(line)
        told = line[field.end() :].removeprefix(" ")
        if (name := field[1].lower()) == "event":
            self._event = told.strip()
        elif name == "data":
            return self._took_data(told)
        return []

    def _took_data(self, told: str) -> list[bytes]:
        """One line of data, mostly a whole object; else the beginning of one that goes on in the next."""
        if not self._data and _is_end(told):
            self._seen.is_done = True
        elif not self._data and (found := _json(told)) is not None:
            return self._all_of(found)
        else:
            self._data.append(told)
        return []

    def _dispatch(self) -> list[bytes]:
        """An event ended: one object over several lines, or lines of which none can be read."""
        told, self._data = self._data, []
        made: list[bytes] = []
        if told:
            whole = _json("\n".join(told))
            if whole is not None:
                made = self._all_of(whole)
            else:
                for line in told:
                    made += self._one_line(line)
        self._event = ""
        return made

    def _one_line(self, line: str) -> list[bytes]:
        if _is_end(line):
            self._seen.is_done = True
        elif (found := _json(line)) is not None:
            return self._all_of(found)
        elif line.lstrip().startswith(("{", "[")):
            self._is_broken = self._is_broken or not self._seen.is_finished
        elif self._event == "error" and line.strip():
            self._seen.failure = Reply(line.strip())
        return []  # words such as "ping" only say that the server lives

    def _took_loose(self, line: str) -> list[bytes]:
        """A line that no event stream has: JSON line by line, or a body that is something else altogether."""
        if not self._loose and line.lstrip().startswith("{") and (found := _json(line)) is not None:
            return self._all_of(found)
        if self._n_events and _is_end(line):
            self._seen.is_done = True
            return []
        self._n_loose += len(line) + 1
        if self._n_loose > MOST_LINE:
            self._seen.failure = Reply("it sent no answer but other text without end")
        else:
            self._loose.append(line)
        return []

    def _loose_end(self) -> list[bytes]:
        whole = "\n".join(self._loose).strip()
        if not whole:
            return []
        if (found := _json(whole)) is not None:
            return self._all_of(found)
        if not self._n_events:
            page = web_page(whole)
            self._seen.failure = Reply(page or f"it sent no answer but this: {whole[:300]}", is_page=page is not None)
        elif whole.startswith("{"):
            self._is_broken = True
        return []

    def _all_of(self, found: object) -> list[bytes]:
        self._first = self._first or json.dumps(found)[:300]
        return [
            made
            for one in (found if isinstance(found, list) else [found])
            if isinstance(one, dict) and self._seen.failure is None
            for made in self._one(one)
        ]

    def _one(self, told: dict[str, Any]) -> Iterator[bytes]:
        """One object of the server's, as no or a few chunks."""
        seen, choices = self._seen, told.get("choices")
        seen.note(told)
        if not isinstance(choices, list):
            choices = _only_choice(told)
        choice = self._choice(choices)
        if (failure := reply_of(told, is_error=self._event == "error" or not isinstance(choices, list))) is not None:
            seen.failure = failure
        if choice is None:
            return
        self._n_events += 1
        seen.note_usage(choice.get("usage"))
        is_whole = not isinstance(choice.get("delta"), dict) and isinstance(choice.get("message"), dict)
        delta = choice.get("message") if is_whole else choice.get("delta")
        if not isinstance(delta, dict):
            delta = {"content": choice.get("text") if delta is None else delta}
        seen.note_delta(delta)
        if thought := reasoning_in(delta):
            yield self._chunk({"reasoning_content": _joined(thought)})
        text = text_in(delta.get("content")) + text_in(delta.get("refusal"))
        if is_whole and self._said:  # a last object that holds the whole answer once more
            text = text.removeprefix("".join(self._said))
        if text := self._whole_characters(text):
            self._said.append(text)
            yield self._chunk({"content": text})
        finish = choice.get("finish_reason")
        if finish is not None and finish != "" and finish is not False:
            word = clean(str(finish)[:40].lower())
            seen.finish_reason = _FINISHES.get(word, word)
            if word in _ENDED_ODDLY and seen.failure is None:
                seen.failure = Reply("it ended its answer with an error")
        if is_whole and told.get("object") != "chat.completion.chunk":
            seen.is_done = True

    def _choice(self, choices: object) -> dict[str, Any] | None:
        """The answer that was asked for, where a server gives several at once."""
        given = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
        indices = [choice.get("index") or 0 for choice in given]
        if self._index is None and indices:
            self._index = 0 if 0 in indices else indices[0]
        return given[indices.index(self._index)] if self._index in indices else None

    def _whole_characters(self, text: str) -> str:
        """The text with halves of characters joined; a half at its end waits for the next piece."""
        text = _PAIR.sub(_pair, self._half + text)
        self._half = ""
        start = len(text)
        while start and "\udc80" <= text[start - 1] <= "\udcff":
            start -= 1
        if start < len(text):
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            done = decoder.decode(_raw(text[start:]))
            self._half = decoder.getstate()[0].decode("ascii", "surrogateescape")
            return _joined(text[:start]) + done
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return _joined(text)

    def _chunk(self, delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        about = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "served", "choices": [choice]}
        return f"data: {json.dumps(about)}\n\n".encode()


def _only_choice(told: dict[str, Any]) -> list[object] | None:
    """The answer of servers that give one without a list of choices, Ollama's own form among them."""
    if isinstance(choice := told.get("choices"), dict):
        return [choice]
    if isinstance(message := told.get("message"), dict) and "content" in message:
        finish = told.get("done_reason") or ("stop" if told.get("done") is True else None)
        return [{"delta": message, "finish_reason": finish}]
    return None


def text_in(content: object) -> str:
    """The text of a message: words, or parts of which some are text; thinking is none."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(text_in(part) for part in content)
    if isinstance(content, dict):
        if content.get("type") in {"thinking", "reasoning", "reasoning_text", "image_url"}:
            return ""
        return next((text_in(content[name]) for name in ("text", "value", "content", "parts") if content.get(name)), "")
    return ""


def reasoning_in(delta: dict[str, Any]) -> str:
    """The reasoning before an answer, by any of its names."""
    for name in ("reasoning_content", "reasoning", "thinking"):
        if isinstance(found := delta.get(name), str) and found:
            return found
    parts = delta["content"] if isinstance(delta.get("content"), list) else []
    thoughts = [p.get("thinking") or p.get("text") for p in parts if isinstance(p, dict) and not text_in(p)]
    return "".join(t for t in thoughts if isinstance(t, str))


def _joined(text: str) -> str:
    """The text with every half of a character joined to its other, or marked as what cannot be shown."""
    if text.isascii():
        return text
    text = _BYTES.sub(lambda run: _raw(run[0]).decode("utf-8", "replace"), _PAIR.sub(_pair, text))
    return _LONE.sub("\ufffd", text)


def _pair(found: re.Match[str]) -> str:
    return found[0].encode("utf-16", "surrogatepass").decode("utf-16")


def _raw(run: str) -> bytes:
    """The bytes that stand as lone surrogates because they were no character."""
    return run.encode("utf-8", "surrogateescape")


def _is_end(line: str) -> bool:
    return line.strip().strip('"').upper() in _DONE


def _json(text: str) -> Any:  # noqa: ANN401 - JSON is anything
    """JSON, None where it cannot be read."""
    try:
        return json.loads(text, parse_int=_whole)
    except (ValueError, RecursionError):
        return None


def _whole(digits: str) -> float:
    """A whole number; one of more digits than any count has is as good as endless, and as unknown."""
    return int(digits) if len(digits) < _MOST_DIGITS else math.inf
