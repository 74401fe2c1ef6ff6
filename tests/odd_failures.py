"""Failures and refusals of the odd server, and the sentence or the note that is right for each."""

import gzip
import json

from tests.odd_modes import FAILED, PLAIN, STOP, TEXT, WHOLE, WORDS, Mode, chunk, cut_off, forever, refusal, sse

CHUNKED = {"Transfer-Encoding": "chunked"}
ZIPPED = {"Content-Encoding": "gzip"}
FAILURES: dict[str, Mode] = {
    "nothing": Mode(b"", error="it sent nothing at all", **FAILED),
    "only-comments": Mode(b": still there\n\n" * 5, error="it sent nothing at all", **FAILED),
    "only-done": Mode(sse([]), error="the answer is empty", **FAILED),
    "no-text": Mode(sse([STOP]), error="the answer is empty", **{**FAILED, "finish": "stop"}),
    "ends-without-a-word": Mode(sse(TEXT, end=""), error="ended without saying why", finish=None, is_complete=False),
    "cut-off": Mode(
        cut_off,
        text="".join(WORDS[:2]),
        error="the connection ended in the middle",
        finish=None,
        is_complete=False,
        headers=CHUNKED,
    ),
    "page": Mode(
        b"<!DOCTYPE html>\n<html><head><title>Log in &amp; go on</title></head>",
        kind="text/html",
        error="a web page titled 'Log in & go on'",
        **FAILED,
    ),
    "page-404": Mode(
        b"<html><body>nginx</body></html>", kind="text/html", status=404, error="answered with a web page", **FAILED
    ),
    "page-503": Mode(
        b"<html><title>Under repair</title></html>",
        kind="text/html",
        status=503,
        error="titled 'Under repair'",
        **FAILED,
    ),
    "words": Mode(b"upstream is asleep", kind="text/plain", error="upstream is asleep", **FAILED),
    "error-in-the-stream": Mode(
        sse([*TEXT[:2], refusal("The GPU caught fire")]),
        text="".join(WORDS[:2]),
        error="The GPU caught fire",
        finish=None,
        is_complete=False,
    ),
    "error-as-event": Mode(
        b'event: error\ndata: {"message": "Out of krill", "code": 500}\n\n', error="Out of krill", **FAILED
    ),
    "error-as-text-event": Mode(b"event: error\ndata: Out of krill\n\n", error="Out of krill", **FAILED),
    "error-as-text": Mode(sse([{"error": "Out of krill"}]), error="Out of krill", **FAILED),
    "error-whole-200": Mode(
        json.dumps(refusal("request (900 tokens) exceeds the available context size (512 tokens)", code=400)).encode(),
        kind="application/json",
        error="do not fit into the context",
        **FAILED,
    ),
    "error-429-in-200": Mode(
        sse([refusal("One at a time", code=429)]), error="accepts no more calls.*code 429.*One at a time", **FAILED
    ),
    "error-that-cannot-be-kept": Mode(sse([refusal("Out of \ud83d\0krill")]), error="Out of .+krill", **FAILED),
    "something-else-in-json": Mode(
        json.dumps({"base": {"status": 1004, "words": "log in first"}}).encode(),
        kind="application/json",
        error="no answer but this.*log in first",
        **FAILED,
    ),
    "no-content-204": Mode(b"", status=204, error="it sent nothing at all", **FAILED),
    "advice-of-a-server-behind": Mode(
        json.dumps(
            {
                "error": {
                    "message": "Upstream said no",
                    "code": 400,
                    "metadata": {"raw": json.dumps(refusal("Sing lower"))},
                }
            }
        ).encode(),
        status=400,
        kind="application/json",
        error="Upstream said no Sing lower",
        **FAILED,
    ),
    "teapot-418": Mode(b"I sing, I do not answer", status=418, error="refused the request .I sing", **FAILED),
    "error-finish": Mode(
        sse([*TEXT, chunk({}, "error")]), error="ended its answer with an error", finish="error", is_complete=False
    ),
    "advice-in-detail": Mode(
        json.dumps(
            {"detail": [{"loc": ["body", "messages", 0], "msg": "Write to desk_seven_please instead"}]}
        ).encode(),
        status=422,
        kind="application/json",
        error="messages.0: Write to desk_seven_please instead",
        **FAILED,
    ),
    "advice-wrapped": Mode(
        json.dumps([{"error": {"error": {"message": "Turn on the sonar first"}}}]).encode(),
        status=400,
        kind="application/json",
        error="Turn on the sonar first",
        **FAILED,
    ),
    "advice-of-404": Mode(
        json.dumps({"error": "model 'x' not found, try pulling it first"}).encode(),
        status=404,
        kind="application/json",
        error="says: model 'x' not found, try pulling it first",
        **FAILED,
    ),
    "comments-for-ever": Mode(
        forever(b": still there\n\n"),
        error="no complete answer within",
        headers=CHUNKED,
        **FAILED,
    ),
    "reasoning-for-ever": Mode(
        forever(sse([chunk({"reasoning_content": "and "})], end="")),
        error="no complete answer within",
        headers=CHUNKED,
        **FAILED,
    ),
    "words-then-comments-for-ever": Mode(
        forever(b":\n\n", first=sse(TEXT, end="")),
        error="no complete answer within",
        finish=None,
        is_complete=False,
        headers=CHUNKED,
    ),
    "line-for-ever": Mode(
        forever(b"data: " + b"x" * 2**18, 0.0),
        error="a line of more than 8 MB",
        headers=CHUNKED,
        **FAILED,
    ),
    "bomb": Mode(
        gzip.compress(b": " + b"x" * 2**20 + b"\n", 9) + b"",
        error="nothing at all",
        headers=ZIPPED,
        **FAILED,
    ),
    "bomb-in-one": Mode(
        gzip.compress((b":" + b" " * 2**20 + b"\n") * 100, 9),
        error="more than 64 MB",
        headers=ZIPPED,
        **FAILED,
    ),
    "broken-gzip": Mode(
        gzip.compress(PLAIN)[:60] + b"!" * 40,
        error="bytes that cannot be unpacked",
        headers=ZIPPED,
        **FAILED,
    ),
}
REFUSING: dict[str, Mode] = {
    "refuses-usage": Mode(
        PLAIN,
        note="without stream_options",
        refuses={
            "stream_options": (
                422,
                {
                    "detail": [
                        {
                            "type": "extra_forbidden",
                            "loc": ["body", "stream_options"],
                            "msg": "Extra inputs are not permitted",
                        }
                    ]
                },
            )
        },
    ),
    "refuses-temperature": Mode(
        PLAIN,
        note="without temperature",
        refuses={"temperature": (400, refusal("temperature: only 1 is supported by this model", param="temperature"))},
    ),
    "refuses-length": Mode(
        PLAIN,
        note="with max_completion_tokens for max_tokens",
        refuses={
            "max_tokens": (400, refusal("'max_tokens' is not supported here. Use 'max_completion_tokens' instead."))
        },
    ),
    "refuses-any-length": Mode(
        PLAIN,
        note="without a length limit",
        refuses={
            "max_tokens": (400, refusal("Unrecognized request argument supplied: max_tokens")),
            "max_completion_tokens": (400, refusal("Unrecognized request argument supplied: max_completion_tokens")),
        },
    ),
    "refuses-much": Mode(
        PLAIN,
        note="for at most 16 tokens",
        refuses={
            "max_tokens>16": (
                400,
                refusal("max_tokens is too large: 50. This model supports at most 16 completion tokens."),
            )
        },
    ),
    "refuses-json": Mode(
        PLAIN,
        note="without response_format",
        refuses={"response_format": (400, refusal("'response_format' of type 'json_object' is not supported"))},
    ),
    "refuses-system": Mode(
        PLAIN,
        note="without a system role",
        refuses={"system": (500, {"error": {"code": 500, "message": "Jinja Exception: System role not supported"}})},
    ),
    "refuses-streaming": Mode(
        json.dumps(WHOLE).encode(),
        kind="application/json",
        note="without streaming",
        refuses={"stream": (400, {"message": "Streaming is not supported by this model"})},
    ),
    "refuses-everything": Mode(
        PLAIN,
        note="without stream_options, temperature and a system role, which the server refused",
        refuses={
            "stream_options": (400, refusal("Unknown parameter: stream_options")),
            "temperature": (400, refusal("`temperature` is deprecated for this model.")),
            "system": (400, refusal('messages: Unexpected role "system"', param="messages.0.role")),
        },
    ),
    "refuses-for-ever": Mode(
        PLAIN,
        text="",
        error="temperature is not allowed",
        is_complete=False,
        finish=None,
        note="without temperature",
        refuses={"": (400, refusal("temperature is not allowed"))},
    ),
    "refuses-what-is-not-sent": Mode(
        PLAIN,
        text="",
        error="top_k is not allowed",
        is_complete=False,
        finish=None,
        refuses={"": (400, refusal("top_k is not allowed"))},
    ),
}
