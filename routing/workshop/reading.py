"""An uploaded file to a plain table of text, in a bounded process: whatever it holds, the answer is one sentence."""

import codecs
import csv
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from routing.errors import DataError
from routing.workshop.bounds import MOST_COLUMNS, MOST_ROWS, MOST_TEXT_MB, MOST_UPLOAD_MB
from routing.workshop.columns import is_given

LONGEST_LINE: Final = 4_000_000  # characters of one JSON line
SNIFFED: Final = 64_000  # characters in which the delimiter is looked for
DELIMITERS: Final = ",;\t|"
DECIMAL: Final = r"\s*[+-]?\d+(,\d+)?([eE][+-]?\d+)?\s*"
TEXT: Final = pa.large_string()


def read_csv(path: Path) -> pd.DataFrame:
    """A CSV file with a header, in UTF-8 or UTF-16; commas, semicolons, tabs or bars part its columns."""
    text, encoding = _decoded(path)
    try:
        dialect = csv.Sniffer().sniff(text[:SNIFFED].split("\n", 1)[0], DELIMITERS).delimiter
    except csv.Error:
        dialect = ","
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row longer than the header
            table = pd.read_csv(
                path, sep=dialect, dtype=str, keep_default_na=False, encoding=encoding, nrows=MOST_ROWS + 1,
                index_col=False,
            )  # fmt: skip
    except (ValueError, csv.Error, pd.errors.ParserWarning) as problem:  # pandas' own errors are ValueErrors
        said = str(problem).strip().splitlines()[0] if str(problem).strip() else "it is empty"
        raise DataError(f"The file is not a CSV table ({said}). Mend that line, or save it as JSONL.") from problem
    return table if dialect == "," else table.apply(_with_points)


def _with_points(values: "pd.Series[str]") -> "pd.Series[str]":
    """Numbers with decimal commas as others write them, in a column that holds nothing else.

    Spreadsheets in many languages write them so, and then part columns by semicolons or tabs.
    """
    given = values[is_given(values)]
    if not given.str.fullmatch(DECIMAL).all() or not given.str.contains(",", regex=False).any():
        return values
    return values.str.replace(",", ".", regex=False)


def _decoded(path: Path) -> tuple[str, str]:
    """The text, if it is any, and its encoding: UTF-8, or UTF-16 where a byte order mark says so."""
    raw = path.read_bytes()
    encoding = "utf-16" if raw[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} else "utf-8-sig"
    called = encoding.removesuffix("-sig").upper()
    if b"\x00\x00" in raw[:4] or (b"\x00" in raw[:4] and encoding != "utf-16"):
        raise DataError("The file is neither UTF-8 nor UTF-16 with a byte order mark. Save it as UTF-8.")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as problem:
        line = raw[: problem.start].decode(encoding, "replace").count("\n") + 1
        raise DataError(
            f"Line {line:,} is not {called} (byte {raw[problem.start]:#04x}). Save the file as UTF-8 and upload it "
            "again."
        ) from problem
    if (at := text.find("\x00")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise DataError(f"Line {line:,} holds a NUL byte, which no text has. Remove it and upload the file again.")
    return text, encoding


def read_jsonl(path: Path) -> pd.DataFrame:
    """A JSON object a line, its values text, numbers, true, false or null."""
    rows = []
    # Only line feeds end a line: JSON allows others, such as U+2028, inside a text.
    for number, line in enumerate(_decoded(path)[0].split("\n"), start=1):
        if line.strip():
            rows.append(_object(line, number))
        if len(rows) > MOST_ROWS:
            break
    return pd.DataFrame(rows, dtype=object)


def _object(line: str, number: int) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise DataError(f"Line {number:,} has {len(line):,} characters; at most {LONGEST_LINE:,} are read. Shorten it.")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise DataError(
            f"Line {number:,} is not JSON ({type(problem).__name__}). Write one object a line."
        ) from problem
    if not isinstance(found, dict):
        raise DataError(f"Line {number:,} is a {type(found).__name__}; write one JSON object a line.")
    nested = next((name for name, value in found.items() if isinstance(value, dict | list)), None)
    if nested is not None:
        raise DataError(f"Line {number:,}: {nested[:60]!r} holds a list or an object; give text or a number.")
    return found


def read_parquet(path: Path) -> pd.DataFrame:
    """A Parquet file with flat columns; what its metadata promise is checked first, its size again while it unpacks."""
    try:
        file = pq.ParquetFile(path)
        _check_promised(file.metadata, file.schema_arrow)
        batches, size = [], 0
        for batch in file.iter_batches(batch_size=2048):
            plain = pa.RecordBatch.from_arrays([_text(column) for column in batch.columns], names=batch.schema.names)
            size += plain.nbytes
            if size > MOST_TEXT_MB * 1e6:
                raise DataError(f"The file unpacks to more than {MOST_TEXT_MB} MB; split it.")
            batches.append(plain)
    except MemoryError:  # pyarrow's is one of its own errors too
        raise
    except (pa.ArrowException, OSError, ValueError) as problem:
        said = str(problem).strip().splitlines()[0][:160] if str(problem).strip() else type(problem).__name__
        raise DataError(f"The file is not a readable Parquet table ({said}). Write it again.") from problem
    names = list(file.schema_arrow.names)
    whole = pa.Table.from_batches(batches) if batches else pa.table({name: pa.array([], TEXT) for name in names})
    frame: pd.DataFrame = whole.to_pandas()
    return frame


def _check_promised(promised: Any, schema: pa.Schema) -> None:  # noqa: ANN401 - pyarrow ships no types
    unpacked = sum(promised.row_group(i).total_byte_size for i in range(promised.num_row_groups))
    if promised.num_rows > MOST_ROWS:
        raise DataError(f"The file has {promised.num_rows:,} rows; at most {MOST_ROWS:,} are read. Take a sample.")
    if unpacked > MOST_TEXT_MB * 1e6:
        raise DataError(f"The file unpacks to {unpacked / 1e6:,.0f} MB; at most {MOST_TEXT_MB} MB are read. Split it.")
    nested = next((field.name for field in schema if pa.types.is_nested(field.type)), None)
    if nested is not None:
        raise DataError(f"The column {nested[:60]!r} holds lists or objects; give text or numbers.")


def _text(column: pa.Array) -> pa.Array:
    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    if pa.types.is_floating(plain.type):
        plain = pc.if_else(pc.is_nan(plain), None, plain)  # some writers keep "missing" as NaN
    return plain.cast(TEXT)


READERS: Final[Mapping[str, Callable[[Path], pd.DataFrame]]] = MappingProxyType(
    {"csv": read_csv, "jsonl": read_jsonl, "parquet": read_parquet}
)


def read_table(path: Path, kind: str) -> pd.DataFrame:
    """Any of the three as a table of text, "" where a value is missing.

    Args:
        path: The uploaded file.
        kind: csv, jsonl or parquet.

    Raises:
        DataError: It cannot be read, or is larger than allowed; the message names the line where there is one.
    """
    if not path.stat().st_size:
        raise DataError("The file is empty (0 bytes). Upload one with a header and at least one outcome.")
    if path.stat().st_size > MOST_UPLOAD_MB * 1e6:
        raise DataError(f"The file has {path.stat().st_size / 1e6:,.0f} MB; at most {MOST_UPLOAD_MB} MB are read.")
    table = READERS[kind](path)
    if len(table) > MOST_ROWS:
        raise DataError(f"The file has more than {MOST_ROWS:,} rows; take a sample of them.")
    if table.shape[1] > MOST_COLUMNS:
        raise DataError(f"The file has {table.shape[1]:,} columns; at most {MOST_COLUMNS} are read. Leave some out.")
    if table.empty:
        raise DataError("The file has no rows below its header. Upload one with at least one outcome.")
    names = [str(name).strip()[:80] for name in table.columns]
    if len(set(names)) < len(names) or "" in names:
        raise DataError("Two columns have the same name, or one has none. Give every column a name of its own.")
    table.columns = pd.Index(names)
    return pd.DataFrame({name: list(_plain(table[name])) for name in names}, dtype=object)


def _plain(values: "pd.Series[Any]") -> Iterator[str]:
    for value in values:
        missing = value is None or value is pd.NaT or (isinstance(value, float) and value != value)  # noqa: PLR0124
        yield "" if missing else str(value).lower() if isinstance(value, bool) else str(value)
