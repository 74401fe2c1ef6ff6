"""The child process behind one expert on this machine: llama.cpp's OpenAI server on loopback.

A process of its own, because a crash of llama.cpp must not end the app, its threads must not stall the page, and
its memory must come back when it stops. It lives as long as its standard input: when the parent ends, however
it ends, the pipe closes and the child goes.
"""

import json
import os
import sys
from typing import TypedDict

NICENESS = 5  # the page stays quick while an answer is being written


class Request(TypedDict):
    """What the parent writes on the first line of standard input."""

    weights: str
    alias: str
    context_tokens: int
    threads: int
    key: str


def serve(request: Request) -> None:
    """Load the weights, announce the address on standard output, and serve until standard input closes."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = request["weights"]
    params.model_alias = {request["alias"]}
    params.n_ctx = request["context_tokens"]
    params.n_parallel = 2
    params.kv_unified = True  # two answers share one context's memory
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = request["threads"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [request["key"]]
    params.cache_ram_mib = 0  # prompts are not kept beyond their slot
    params.ui = params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    params.verbosity = 1
    server = xllamacpp.Server(params)
    sys.stdout.write(json.dumps({"address": server.listening_address}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # llama.cpp's own tear-down waits for open connections


def main() -> None:
    """Read the request from standard input and serve it."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    request: Request = json.loads(sys.stdin.readline())
    serve(request)


if __name__ == "__main__":
    main()
