"""How much an upload, a training and the routers of one person may take; the README and the page state the same."""

import resource
from typing import Final

MOST_UPLOAD_MB: Final = 60  # the server takes no larger file: .streamlit/config.toml
MOST_ROWS: Final = 200_000  # of an uploaded table
MOST_OUTCOMES: Final = 400_000  # a wide table has several in a row
MOST_PROMPTS: Final = 100_000
MOST_COLUMNS: Final = 120
MOST_TEXT_MB: Final = 400  # of a table once it is unpacked
MOST_CHARS: Final = 200_000  # of one prompt; the encoder reads its two ends
MOST_EXPERTS: Final = 100
MOST_SOURCES: Final = 20
FEWEST_PROMPTS: Final = 100
FEWEST_OUTCOMES: Final = 30  # of an expert to learn from, below which it is left out
FEWEST_IN_SOURCE: Final = 20  # of an expert in one source, below which nothing is fitted there
MOST_JUDGED: Final = 3_000  # test prompts that a verdict rests on
MOST_ROUTERS: Final = 10
MOST_ROUTERS_MB: Final = 500
MOST_ZIP_MB: Final = 60
MOST_UNPACKED_MB: Final = 100
MOST_AT_ONCE: Final = 2  # trainings on this machine
MOST_READ_AT_ONCE: Final = 2  # uploads that are read or checked on this machine

READ_BYTES: Final = 3 << 30
READ_S: Final = 120
TRAIN_BYTES: Final = 4 << 30
TRAIN_S: Final = 2 * 3600
FILE_BYTES: Final = 700 << 20  # one file that a training writes: features of 100,000 prompts are the largest


def hold(*, memory: int, cpu_s: int) -> None:
    """Bound this process for good: memory that it may write to, processor seconds, the size of a file it writes.

    Args:
        memory: In bytes; the kernel refuses more, which Python raises as MemoryError.
        cpu_s: Over all threads; the kernel ends the process then.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
