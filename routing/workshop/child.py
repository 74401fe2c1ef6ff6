"""A bounded process of the workshop: `python -m routing.workshop.child read|rows|check|train FOLDER`.

It bounds itself before it imports what does the work. What goes wrong is one sentence on standard output; the app
reads it, and never a stack trace.
"""

import json
import os
import sys
from pathlib import Path
from typing import Final

from routing.errors import RoutingError
from routing.workshop.bounds import READ_BYTES, READ_S, TRAIN_BYTES, TRAIN_S, hold

NICE: Final = 10  # the app that answers people goes first
NO_ROOM: Final = "It needs more memory than is allowed ({:.0f} GB). Take a sample of the rows."


def _work(task: str, place: Path) -> None:
    if task == "read":
        hold(memory=READ_BYTES, cpu_s=READ_S)
        from routing.workshop.uploads import unpack

        unpack(place)
    elif task == "rows":
        hold(memory=READ_BYTES, cpu_s=READ_S)
        from routing.workshop.uploads import check_rows

        check_rows(place)
    elif task == "check":
        hold(memory=READ_BYTES, cpu_s=READ_S)
        from routing.workshop.imported import check_files

        check_files(place)
    else:
        os.nice(NICE)
        hold(memory=TRAIN_BYTES, cpu_s=TRAIN_S * (os.cpu_count() or 1))
        from routing.workshop.run import train_in

        train_in(place)


def main(task: str, place: Path) -> int:
    """One task in this process; what a person can mend is said on standard output."""
    try:
        _work(task, place)
    except RoutingError as problem:
        print(json.dumps({"problem": str(problem)}))  # noqa: T201 - read by ``children.run``
    except (MemoryError, OverflowError):
        print(json.dumps({"problem": NO_ROOM.format(READ_BYTES / 2**30)}))  # noqa: T201
    else:
        return 0
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
