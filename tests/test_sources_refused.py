"""Public logs that are not as their source publishes them: refused in a sentence, in bounded time and memory."""

import pytest

from routing.errors import DataError
from routing.sources import SOURCES
from routing.sources.rows import Fetched, Pinned, records
from routing.sources.tables import Tables
from routing.sources.zeroeval import answer_of
from tests.test_sources import fetched, rating, rows, table


def test_an_output_that_never_closes_its_braces_is_read_in_good_time():
    assert answer_of("{" * 200_000) is None


def test_wmt24_refuses_ratings_of_another_text(tmp_path):
    files = fetched(tmp_path, "wmt24")
    next(f for f in files if f.pinned.part == "ratings").path.write_bytes(table([rating("u", "GPT-4", 1, 80, "d9")]))
    with pytest.raises(DataError, match="documents are not those"):
        list(SOURCES["wmt24"].read(files))


@pytest.mark.parametrize("source", list(SOURCES))
@pytest.mark.parametrize(
    "contents",
    [b"", b"{", b"[1]", b"[{}]", b"\xff\xfe\x00", b'{"instances": [{}]}', b"[" * 100_000, b"a,b\n1,2\n", b'[{"a": '],
)
def test_a_log_in_another_form_is_refused_in_a_sentence(tmp_path, source, contents):
    tables = Tables(tmp_path)
    files = fetched(tmp_path, source, contents)

    def build():
        tables.add(source, "x", SOURCES[source].read(files))
        tables.finish()

    with pytest.raises(DataError, match=r"not in the form expected|nothing to write"):
        build()
    tables.drop()


def test_a_zip_that_would_unpack_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("routing.sources.mmlu_pro.MOST_UNZIPPED", 100)
    with pytest.raises(DataError, match="bytes in one member"):
        rows(tmp_path, "mmlu-pro", expert="yi-34b")


def test_records_are_read_one_at_a_time(tmp_path):
    path = tmp_path / "x"
    path.write_text('[ {"a": 1} , {"a": 2}\n]')
    file = Fetched(Pinned("a/b", "c" * 40, "x", "", "chat", "", True), path)
    assert [r["a"] for r in records(file)] == [1, 2]
    path.write_text('[{"a": 1}, {"a": 2}')
    found = records(file)
    assert next(found) == {"a": 1}
    with pytest.raises(DataError, match="does not end"):
        list(found)
