from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from seqserve.bulk.csv_rows import CsvRows, is_open_after

CELLS = st.text(st.sampled_from(list('a",\n x')), max_size=8)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=6))
def test_rows_are_those_that_were_written(table: list[list[str]]) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(table)
    lines = written.getvalue().encode().splitlines(keepends=True)
    rows = [raw for _, raw in CsvRows(enumerate(lines, 1), 10_000)]
    assert b"".join(row or b"" for row in rows) == b"".join(lines)
    read = [next(csv.reader(io.StringIO((row or b"").decode()))) for row in rows]
    assert read == table


@given(st.text(st.sampled_from(list('a",')), max_size=12))
def test_a_quote_is_open_where_the_library_reads_on(line: str) -> None:
    rows = list(csv.reader([line + "\n", "end"]))
    reads_on = len(rows) == 1 and rows[0][-1].endswith("end")
    assert is_open_after(line.encode() + b"\n", is_open=False) == reads_on


def test_lines_of_a_row_that_is_given_up_come_again() -> None:
    lines = [b'"a\n', b"b\n", b'"c\n', b"d\n"]
    rows = list(CsvRows(enumerate(lines, 1), 6))
    assert rows == [(1, None), (2, b"b\n"), (3, None), (4, b"d\n")]
