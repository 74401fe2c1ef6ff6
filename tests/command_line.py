"""The command line as a person starts it, but in this process: starting Python takes longer than most commands."""

import contextlib
import io
from typing import NamedTuple

from routing.__main__ import app, main


class Done(NamedTuple):
    """What a command printed and how it ended."""

    stdout: str
    stderr: str
    returncode: int


def run(*arguments: object) -> Done:
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(lambda: app([str(a) for a in arguments]))
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(out.getvalue(), err.getvalue(), code)
