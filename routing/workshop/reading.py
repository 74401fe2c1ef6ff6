"""An uploaded file to a plain table of text, in a bounded process.

What nobody needs never sinks the whole: a nested column, a bad line or half a character is left out or replaced, and
named. Only what leaves no table at all is refused, with its true cause.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from routing.errors import DataError
from routing.workshop.bounds import MOST_CHARS, MOST_COLUMNS, MOST_ROWS, MOST_TEXT_MB, MOST_UPLOAD_MB

LONGEST_LINE: Final = 4_000_000  # characters of one JSON line
LONGEST_CELL: Final = 4 * MOST_CHARS  # of a CSV file: beyond it a quotation mark was most likely never closed
DELIMITERS: Final = ",;\t|"
MOST_NAMED: Final = 5
MOSTLY_BAD: Final = 0.5  # share of lines that are not JSON at which the file is none either
TEXT: Final = pa.large_string()
REPLACEMENT: Final = "\ufffd"
TALK: Final = frozenset(
    ("prompt", "prompts", "question", "turns", "messages", "conversation", "conversation_a", "conversation_b")
)
# How files begin that are no text, whatever their names say, and what to do with them.
BINARY: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        b"\x1f\x8b": "is compressed with gzip. Unpack it",
        b"PK\x03\x04": "is a zip archive or an Excel workbook. Unpack it, or save the sheet as CSV",
        b"\xd0\xcf\x11\xe0": "is an old Excel workbook. Save the sheet as CSV",
        b"%PDF": "is a PDF. Save its table as CSV",
        b"BZh": "is compressed with bzip2. Unpack it",
        b"\xfd7zXZ": "is compressed with xz. Unpack it",
        b"\x28\xb5\x2f\xfd": "is compressed with Zstandard. Unpack it",
        b"SQLite format 3": "is a SQLite database. Export the table as CSV",
    }
)
_SEP: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as a table of text.

    Args:
        frame: Cells as text, "" where a value is missing; its index counts the rows of the file from 0, those that
            were left out among them.
        first_row: Number of row 0 in the file, as spreadsheets count.
        notes: What was left out or replaced, in sentences.
    """

    frame: pd.DataFrame
    first_row: int
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Notes:
    """What happens while a file is read; many of a kind become one sentence."""

    said: list[str] = field(default_factory=list)
    _rows: dict[str, list[str]] = field(default_factory=dict)

    def row(self, kind: str, where: str) -> None:
        self._rows.setdefault(kind, []).append(where)

    def count(self, kind: str) -> int:
        return len(self._rows.get(kind, ()))

    def all(self) -> tuple[str, ...]:
        return (*self.said, *(kind.format(_listed(where)) for kind, where in self._rows.items()))


def _listed(where: Sequence[str]) -> str:
    more = f" and {len(where) - MOST_NAMED:,} more" if len(where) > MOST_NAMED else ""
    return ", ".join(where[:MOST_NAMED]) + more


def read_csv(path: Path) -> Sheet:
    """A table of text with a header; commas, semicolons, tabs or bars part its columns, or what ``sep=`` names."""
    notes = _Notes()
    text = _decoded(path, notes)
    if text.lstrip()[:1] == "{" and _is_json_line(text):
        notes.said.append("Its lines are JSON objects, so it was read as JSONL.")
        return _jsonl(text, notes)
    first, _, rest = text.partition("\n")
    stated = _SEP.fullmatch(first.strip("\r"))
    first_row = 2
    if stated is not None:  # what Excel writes, and reads, in front of the header
        text, first_row = rest, 3
    records = _records(text, stated[1] if stated else _delimiter(text))
    header = next(records, None)
    while header is not None and not any(cell.strip() for cell in header):  # blank lines above the header
        header, first_row = next(records, None), first_row + 1
    if header is None:
        raise DataError("The file has no header. Upload one with a header and at least one outcome.")
    rows: list[list[str]] = []
    index: list[int] = []
    for number, cells in enumerate(records):
        if len(rows) > MOST_ROWS:
            break
        if not any(cell.strip() for cell in cells):
            continue
        beyond = cells[len(header) :]
        if any(cell.strip() for cell in beyond):
            kind = f"Rows with more than the {len(header)} cells of the header are left out: row {{}}."
            notes.row(kind, f"{number + first_row:,} ({len(cells)} cells)")
            continue
        rows.append([*cells[: len(header)], *[""] * (len(header) - len(cells))])
        index.append(number)
    if not rows and notes.all():
        raise DataError(f"No row can be read. {' '.join(notes.all())} Mend them, or save the table as JSONL.")
    frame = pd.DataFrame(rows, columns=range(len(header)), index=index, dtype=object)
    return _sheet(frame, header, first_row, notes)


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    """The rows of a CSV text, quotation marks and all."""
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    began = 1
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            said = str(problem)
            if "unexpected end" in said or "field larger" in said:
                why = f"a quotation mark on line {began:,} is never closed"
            else:
                why = f"line {reader.line_num:,} has text behind a closing quotation mark"
            raise DataError(f"The file is not a CSV table: {why}. Mend that line, or save it as JSONL.") from problem
        began = reader.line_num + 1


def _delimiter(text: str) -> str:
    """The one that parts the header, outside of quotation marks; a comma where none does."""
    header = re.sub(r'"[^"]*"', "", next((line for line in text.split("\n") if line.strip()), ""))
    return max(DELIMITERS, key=header.count)


def _decoded(path: Path, notes: _Notes) -> str:
    """The text of a file: UTF-8, UTF-16 behind a byte order mark, else Windows-1252."""
    raw = path.read_bytes()
    for begins, what in BINARY.items():
        if raw.startswith(begins):
            raise DataError(f"The file {what} and upload that.")
    is_wide = raw[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} and raw[2:4] != b"\x00\x00"
    encoding = "utf-16" if is_wide else "utf-8-sig"
    if b"\x00" in raw[:4] and not is_wide:
        raise DataError("The file is neither UTF-8 nor UTF-16 with a byte order mark. Save it as UTF-8.")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].decode(encoding, "replace").count("\n") + 1
        text = raw.decode(encoding, "replace")
        # Where other accents are good UTF-8, a byte that is not is damage; where none are, the file is of another kind.
        if is_wide or any(ord(char) > 127 and char != REPLACEMENT for char in text):
            said = f"{encoding.removesuffix('-sig').upper()} (first on line {line:,}, byte {raw[problem.start]:#04x})"
            notes.said.append(f"Bytes that are not {said} were replaced by {REPLACEMENT}.")
        else:
            text = raw.decode("cp1252", "replace")
            notes.said.append(
                f"It is not UTF-8 (line {line:,}, byte {raw[problem.start]:#04x}), so it was read as Windows-1252. "
                "Look whether the letters are right."
            )
    if (at := text.find("\x00")) >= 0:
        line, count = text.count("\n", 0, at) + 1, text.count("\x00")
        if count > len(text) // 100:
            raise DataError("The file is not text: it is full of NUL bytes. Save the table as CSV in UTF-8.")
        notes.said.append(f"{count:,} NUL characters were removed, first on line {line:,}.")
        text = text.replace("\x00", "")
    return text


def _is_json_line(text: str) -> bool:
    try:
        return isinstance(json.loads(text.lstrip().split("\n", 1)[0]), dict)
    except (ValueError, RecursionError):
        return False


def read_jsonl(path: Path) -> Sheet:
    """A JSON object a line, or one list of objects; values that are lists or objects are kept as JSON for now."""
    notes = _Notes()
    return _jsonl(_decoded(path, notes), notes)


def _jsonl(text: str, notes: _Notes) -> Sheet:
    found = _listed_objects(text, notes) if text.lstrip()[:1] == "[" else _lines(text, notes)
    kept = {number: row for number, row in found if row is not None}
    if not kept:
        raise DataError("The file has no rows. Upload one with at least one outcome, a JSON object a line.")
    names = list(dict.fromkeys(name for row in kept.values() for name in row))
    frame = pd.DataFrame(
        [[row.get(name) for name in names] for row in kept.values()], columns=range(len(names)), index=list(kept),
        dtype=object,
    )  # fmt: skip
    return _sheet(frame, names, 1, notes)


def _listed_objects(text: str, notes: _Notes) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """The objects of one JSON list, where the whole file is one; else line by line."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        yield from _lines(text, notes)
        return
    if not any(isinstance(one, dict) for one in found):
        raise DataError("The file is a JSON list without objects; write one JSON object a line.")
    for number, one in enumerate(found[: MOST_ROWS + 1]):
        if not isinstance(one, dict):
            notes.row("Entries that are no JSON objects are left out: entry {}.", f"{number + 1:,}")
        yield number, one if isinstance(one, dict) else None


def _lines(text: str, notes: _Notes) -> Iterator[tuple[int, dict[str, Any] | None]]:
    # Only line feeds end a line: JSON allows others, such as U+2028, inside a text.
    count = bad = 0
    first = ""
    for number, line in enumerate(text.split("\n")):
        if not line.strip():
            continue
        if count > MOST_ROWS:
            break
        count += 1
        row, problem = _object(line)
        if row is None:
            bad, first = bad + 1, first or f"line {number + 1:,} {problem}"
            notes.row("Lines that are no JSON object are left out: line {}.", f"{number + 1:,} {problem}")
        yield number, row
    if count and bad / count >= MOSTLY_BAD:
        raise DataError(f"{bad:,} of {count:,} lines are no JSON object: {first}. Write one JSON object a line.")


def _object(line: str) -> tuple[dict[str, Any] | None, str]:
    """The object of a line, or None and why there is none."""
    if len(line) > LONGEST_LINE:
        return None, f"has {len(line):,} characters, at most {LONGEST_LINE:,} are read"
    try:
        found = json.loads(line)
    except RecursionError:
        return None, "is nested too deeply"
    except ValueError as problem:
        return None, f"is not JSON ({str(problem).split(':', 1)[0][:60]})"
    return (found, "") if isinstance(found, dict) else (None, f"is a {_KINDS.get(type(found), 'number')}")


_KINDS: Final[Mapping[type, str]] = {list: "list", str: "text", bool: "truth value", type(None): "null"}


def read_parquet(path: Path) -> Sheet:
    """A Parquet file; what its metadata promise is checked first, its size again while it unpacks."""
    notes = _Notes()
    try:
        file = pq.ParquetFile(path)
        _check_promised(file.metadata)
        names = list(file.schema_arrow.names)
        nested = [i for i, one in enumerate(file.schema_arrow) if not _is_flat(one.type)]
        flat = [i for i in range(len(names)) if i not in nested]
        columns: dict[int, list[pa.Array]] = {i: [] for i in flat}
        size = 0
        for batch in file.iter_batches(batch_size=2048):
            for i in list(columns):
                try:
                    columns[i].append(_text(batch.column(i)))
                except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                    del columns[i]
                    nested.append(i)
                else:
                    size += columns[i][-1].nbytes
            if size > MOST_TEXT_MB * 1e6:
                raise DataError(f"The file unpacks to more than {MOST_TEXT_MB} MB; split it.")
    except MemoryError:  # pyarrow's is one of its own errors too
        raise
    except (pa.ArrowException, OSError, ValueError) as problem:
        said = str(problem).strip().splitlines()[0][:160] if str(problem).strip() else type(problem).__name__
        raise DataError(f"The file is not a readable Parquet table ({said}). Write it again.") from problem
    if nested:
        left = _listed([repr(names[i][:60]) for i in sorted(nested)])
        notes.said.append(f"Columns of lists, objects or bytes are left out: {left}.")
    kept = [i for i in flat if i in columns]
    frame = pd.DataFrame(
        {place: pa.chunked_array(columns[i], TEXT).to_pandas() for place, i in enumerate(kept)},
        columns=range(len(kept)), dtype=object,
    )  # fmt: skip
    return _sheet(frame, [names[i] for i in kept], 1, notes)


def _is_flat(kind: pa.DataType) -> bool:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return not (pa.types.is_nested(plain) or pa.types.is_union(plain))


def _check_promised(promised: Any) -> None:  # noqa: ANN401 - pyarrow ships no types
    unpacked = sum(promised.row_group(i).total_byte_size for i in range(promised.num_row_groups))
    if promised.num_rows > MOST_ROWS:
        raise DataError(f"The file has {promised.num_rows:,} rows; at most {MOST_ROWS:,} are read. Take a sample.")
    if unpacked > MOST_TEXT_MB * 1e6:
        raise DataError(f"The file unpacks to {unpacked / 1e6:,.0f} MB; at most {MOST_TEXT_MB} MB are read. Split it.")


def _text(column: pa.Array) -> pa.Array:
    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    if pa.types.is_floating(plain.type):
        plain = pc.if_else(pc.is_nan(plain), None, plain)  # some writers keep "missing" as NaN
    return plain.cast(TEXT)


READERS: Final[Mapping[str, Callable[[Path], Sheet]]] = MappingProxyType(
    {"csv": read_csv, "jsonl": read_jsonl, "parquet": read_parquet}
)


def read_table(path: Path, kind: str) -> Sheet:
    """Any of the three as a table of text, with what was left out of it.

    Args:
        path: The uploaded file.
        kind: csv, jsonl or parquet; a file that begins as Parquet does is read so, whatever it is called.

    Raises:
        DataError: Nothing of it can be read, or it is larger than allowed; the message names the true cause.
    """
    size = path.stat().st_size
    if not size:
        raise DataError("The file is empty (0 bytes). Upload one with a header and at least one outcome.")
    if size > MOST_UPLOAD_MB * 1e6:
        raise DataError(f"The file has {size / 1e6:,.0f} MB; at most {MOST_UPLOAD_MB} MB are read.")
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    sheet = READERS["parquet" if is_parquet else kind](path)
    table = sheet.frame
    if len(table) > MOST_ROWS:
        raise DataError(f"The file has more than {MOST_ROWS:,} rows; take a sample of them.")
    if table.shape[1] > MOST_COLUMNS:
        raise DataError(f"The file has {table.shape[1]:,} columns; at most {MOST_COLUMNS} are read. Leave some out.")
    if not table.shape[1] and sheet.notes:
        raise DataError(f"No column holds text or numbers. {' '.join(sheet.notes)} Give columns of plain values.")
    if table.empty:
        raise DataError("The file has no rows below its header. Upload one with at least one outcome.")
    return sheet


def _sheet(frame: pd.DataFrame, header: Sequence[object], first_row: int, notes: _Notes) -> Sheet:
    """Cells to text, and a name of its own for every column that holds something."""
    plain: dict[str, list[str]] = {}
    nested: list[str] = []
    for place, said in enumerate(header):
        name = _whole(str(said)).strip()[:80]
        cells = list(frame[place])
        if any(isinstance(cell, dict | list) for cell in cells):
            talk = [_first_turn(cell, is_talk=name.lower() in TALK) for cell in cells]
            if any(turn is None and isinstance(cell, dict | list) for turn, cell in zip(talk, cells, strict=True)):
                nested.append(repr(name[:60]))
                continue
            notes.said.append(f"The column {name[:60]!r} holds conversations: the first turn of each is the prompt.")
            cells = talk
        texts = [_cell(cell) for cell in cells]
        if not name:
            if not any(text.strip() for text in texts):
                continue  # a delimiter at the end of every row
            name = f"column {place + 1}"
            notes.said.append(f"Column {place + 1} has no name and is called {name!r}.")
        if name in plain:
            other = next(f"{name} ({i})" for i in range(2, len(header) + 2) if f"{name} ({i})" not in plain)
            notes.said.append(f"Two columns are called {name[:60]!r}; the later one is called {other[:66]!r}.")
            name = other
        halves = [i for i, text in enumerate(texts) if _whole(text) != text]
        for i in halves:
            kind = f"Half characters (lone surrogates) in {name[:60]!r} were replaced by {REPLACEMENT}: row {{}}."
            notes.row(kind, f"{int(frame.index[i]) + first_row:,}")
        plain[name] = [_whole(text) for text in texts] if halves else texts
    if nested:
        notes.said.append(f"Columns that hold lists or objects are left out: {_listed(nested)}.")
    return Sheet(pd.DataFrame(plain, index=frame.index, dtype=object), first_row, notes.all())


def _cell(value: object) -> str:
    missing = value is None or value is pd.NaT or (isinstance(value, float) and value != value)  # noqa: PLR0124
    return "" if missing else str(value).lower() if isinstance(value, bool) else str(value)


def _whole(text: str) -> str:
    """The text with halves of characters joined where both are there, and replaced where one is missing."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _first_turn(cell: object, *, is_talk: bool) -> str | None:
    """What a person said first in a conversation, as chat APIs keep it; None for other lists.

    A list of plain texts is a conversation only where its column is called so.
    """
    if cell is None:
        return ""
    if not isinstance(cell, list) or not cell:
        return None
    if all(isinstance(turn, str) for turn in cell):
        return str(cell[0]) if is_talk else None
    for turn in cell:
        if not isinstance(turn, dict) or "content" not in turn or "role" not in turn:
            return None
        if turn["role"] in {"user", "human"}:
            content = turn["content"]
            parts = content if isinstance(content, list) else [content]
            said = [part.get("text") if isinstance(part, dict) else part for part in parts]
            return "\n".join(text for text in said if isinstance(text, str))
    return None
