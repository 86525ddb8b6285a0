"""The run, with a rule-based engine: order, rejected records, and resumption of truncated output."""

from __future__ import annotations

import io
import json
import random
import resource
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from seqserve.bulk.fingerprint import Fingerprint
from seqserve.bulk.readers import Reader
from seqserve.bulk.records import Columns, Refusal, Rejected
from seqserve.bulk.rows import OutputFormat, header_of, row_maker
from seqserve.bulk.run import Outcome, Run, Submit, Totals
from seqserve.bulk.sink import FileSink, Sink
from seqserve.bulk.windows import WindowSize
from seqserve.errors import DataError

SIZE = WindowSize(max_entries=7, batch_texts=3)
RNG = random.Random(1)
TEXTS = [" ".join(RNG.choices(["Ann", "left", "Oslo,", '"so"'], k=1 + i % 9)) for i in range(60)]
TEXTS[5] = TEXTS[40] = TEXTS[41] = "bad"
LINES = [*TEXTS[:20], "", *TEXTS[20:]]
INPUT = "\n".join(LINES).encode()
EXPECTED_LINES = [n for n, text in enumerate(LINES, 1) if text not in ("", "bad")]


def answer(texts: Sequence[str]) -> list[Outcome]:
    """An engine that marks every Ann; the score depends on the other texts of the batch."""
    score = len("".join(texts)) / 1000
    return [
        Refusal("text_too_long", "text is bad")
        if text == "bad"
        else {
            "entities": [
                {"text": "Ann", "label": "PER", "start": i, "end": i + 3, "score": score}
                for i in range(len(text))
                if text.startswith("Ann", i)
            ]
        }
        for text in texts
    ]


def at_once(texts: Sequence[str]) -> Future[list[Outcome]]:
    future: Future[list[Outcome]] = Future()
    future.set_result(answer(texts))
    return future


def run(
    folder: Path,
    format: OutputFormat = "jsonl",
    *,
    submit: Submit = at_once,
    resumes: bool = False,
    raw: bytes = INPUT,
) -> tuple[Totals, list[int]]:
    """Return the totals, and the progress after each window."""
    told: list[int] = []
    header = header_of("ner", format, Columns())
    out, rejected = folder / "out", folder / "rejected"
    made_of = Fingerprint({"task": "ner"}, {})
    with FileSink(out, rejected, format, header, resumes=resumes, fingerprint=made_of) as sink:
        reader = Reader(io.BytesIO(raw), "text", Columns(), 1000)
        row = row_maker("ner", format, "en")
        totals = Run(reader, submit, row, sink, SIZE, lambda t: told.append(t.n_bytes)).finish()
    return totals, told


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """Return a folder with the output of an uninterrupted run, in every format."""
    for format in ("jsonl", "csv", "conll"):
        folder = tmp_path / format
        folder.mkdir()
        run(folder, format)  # type: ignore[arg-type]
    return tmp_path


def test_order_counts_and_what_was_rejected(tmp_path: Path) -> None:
    totals, told = run(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "out").read_bytes().splitlines()]
    assert [row["line"] for row in rows] == EXPECTED_LINES
    rejected = [json.loads(line) for line in (tmp_path / "rejected").read_bytes().splitlines()]
    assert [(row["line"], row["code"]) for row in rejected] == [
        (LINES.index("bad") + 1, "text_too_long"),
        (42, "text_too_long"),
        (43, "text_too_long"),
    ]
    n_done = len(EXPECTED_LINES) + 3
    assert totals == Totals(len(EXPECTED_LINES), 3, 1, len(INPUT), n_done)
    assert told == sorted(told) and told[-1] == len(INPUT)


def test_progress_begins_with_the_first_batch(tmp_path: Path) -> None:
    _, told = run(tmp_path)
    assert 0 < told[0] < len(INPUT) / 10


def test_answers_that_come_in_any_order(tmp_path: Path, whole: Path) -> None:
    rng = random.Random(2)

    def late(texts: Sequence[str]) -> list[Outcome]:
        time.sleep(rng.random() / 100)
        return answer(texts)

    with ThreadPoolExecutor(4) as pool:
        run(tmp_path, submit=lambda texts: pool.submit(late, texts))
    assert (tmp_path / "out").read_bytes() == (whole / "jsonl" / "out").read_bytes()
    assert (tmp_path / "rejected").read_bytes() == (whole / "jsonl" / "rejected").read_bytes()


def test_few_windows_are_read_ahead(tmp_path: Path) -> None:
    n_asked = n_awaited = most = 0

    class Batch(Future[list[Outcome]]):
        def result(self, timeout: float | None = None) -> list[Outcome]:
            nonlocal n_awaited
            n_awaited += 1
            return super().result(timeout)

    def submit(texts: Sequence[str]) -> Future[list[Outcome]]:
        nonlocal n_asked, most
        n_asked += 1
        most = max(most, n_asked - n_awaited)
        batch = Batch()
        batch.set_result(answer(texts))
        return batch

    totals, _ = run(tmp_path, submit=submit)
    assert totals.n_answered == len(EXPECTED_LINES)
    assert most == 3 * 3  # the number of batches in three windows


@pytest.mark.parametrize("format", ["jsonl", "csv", "conll"])
def test_cut_anywhere_and_resumed_it_is_the_same(whole: Path, format: OutputFormat) -> None:
    folder = whole / format
    out, rejected = (folder / "out").read_bytes(), (folder / "rejected").read_bytes()
    for cut in range(0, len(out) + 1, 13):
        (folder / "out").write_bytes(out[:cut])
        run(folder, format, resumes=True)
        assert (folder / "out").read_bytes() == out, cut
        assert (folder / "rejected").read_bytes() == rejected, cut


def test_interrupted_between_the_two_files(whole: Path) -> None:
    """Rejected records are written first, so that file can be ahead; missing results are computed again."""
    folder = whole / "jsonl"
    out, rejected = (folder / "out").read_bytes(), (folder / "rejected").read_bytes()
    (folder / "out").unlink()
    run(folder, resumes=True)
    assert (folder / "out").read_bytes() == out and (folder / "rejected").read_bytes() == rejected
    (folder / "out").write_bytes(out[:900])
    (folder / "rejected").write_bytes(rejected[:-20])
    run(folder, resumes=True)
    assert (folder / "out").read_bytes() == out and (folder / "rejected").read_bytes() == rejected


def test_what_is_behind_the_last_row_is_cut_off(whole: Path) -> None:
    folder = whole / "jsonl"
    out = (folder / "out").read_bytes()
    (folder / "out").write_bytes(out + b'{"line":62,"entities":[{"text":"half a row')
    run(folder, resumes=True)
    assert (folder / "out").read_bytes() == out


def test_only_what_is_missing_is_computed(whole: Path) -> None:
    folder = whole / "jsonl"
    computed: list[str] = []

    def submit(texts: Sequence[str]) -> Future[list[Outcome]]:
        computed.extend(texts)
        return at_once(texts)

    totals, _ = run(folder, submit=submit, resumes=True)
    assert totals.n_answered == 1  # the last one is always repeated
    assert len(computed) <= SIZE.max_entries


def test_an_interruption_leaves_what_was_written(whole: Path, tmp_path: Path) -> None:
    batches = 0

    def submit(texts: Sequence[str]) -> Future[list[Outcome]]:
        nonlocal batches
        batches += 1
        if batches > 14:
            raise KeyboardInterrupt
        return at_once(texts)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, submit=submit)
    out = (whole / "jsonl" / "out").read_bytes()
    written = (tmp_path / "out").read_bytes()
    assert 0 < len(written) < len(out) and out.startswith(written)
    run(tmp_path, resumes=True)
    assert (tmp_path / "out").read_bytes() == out


REFUSED: dict[str, tuple[OutputFormat, str, bytes, bool, str]] = {
    "output is there": ("jsonl", "out", b"", False, "--resume"),
    "list is there": ("jsonl", "rejected", b"", False, "--resume"),
    "something else": ("jsonl", "out", b'{"id":1}\n', True, "no jsonl output of seqserve predict"),
    "lines go back": ("jsonl", "out", b'{"line":2}\n{"line":1}\n', True, "no jsonl output"),
    "other tokens": ("conll", "out", b"Ann\tO\n", True, "no conll output"),
    "other columns": ("csv", "out", b"line,label\n1,x\n", True, "other columns"),
    "no list": ("jsonl", "rejected", b"Dear diary\n", True, "no list of rejected lines"),
    "input ends": (
        "jsonl",
        "out",
        b'{"line":1}\n{"line":999}\n',
        True,
        "the input ends at line 61",
    ),
}


@pytest.mark.parametrize(
    ("format", "name", "raw", "resumes", "message"), REFUSED.values(), ids=REFUSED
)
def test_files_that_are_in_the_way(
    tmp_path: Path, format: OutputFormat, name: str, raw: bytes, resumes: bool, message: str
) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(DataError, match=message):
        run(tmp_path, format, resumes=resumes)
    assert (tmp_path / name).read_bytes() == raw or message.endswith("61")


def test_a_folder_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="out cannot be read: Is a directory"):
        run(tmp_path, resumes=True)


def test_no_folder_for_the_output(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be written: No such file"):
        run(tmp_path / "none")


def test_no_folder_for_what_is_rejected(tmp_path: Path) -> None:
    sink = Sink(io.BytesIO(), tmp_path / "none" / "x")
    with pytest.raises(DataError, match="none/x cannot be written: No such file"):
        sink.write([Rejected(1, Refusal("invalid_json", "No."))], [])


def test_a_folder_is_no_list_of_what_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "rejected").mkdir()
    with pytest.raises(DataError, match="rejected cannot be written: Is a directory"):
        run(tmp_path, resumes=True)


def test_a_full_disk(whole: Path, tmp_path: Path) -> None:
    """A full disk, simulated by a limit on the file size; without the limit the run can be resumed."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        with pytest.raises(DataError, match="the output cannot be written: File too large"):
            run(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (tmp_path / "out").stat().st_size == 2000
    run(tmp_path, resumes=True)
    assert (tmp_path / "out").read_bytes() == (whole / "jsonl" / "out").read_bytes()


def test_streams(whole: Path) -> None:
    output, rejected = io.BytesIO(), io.BytesIO()
    reader = Reader(io.BytesIO(INPUT), "text", Columns(), 1000)
    row = row_maker("ner", "jsonl", "en")
    Run(reader, at_once, row, Sink(output, rejected), SIZE, lambda _: None).finish()
    assert output.getvalue() == (whole / "jsonl" / "out").read_bytes()
    assert rejected.getvalue() == (whole / "jsonl" / "rejected").read_bytes()


def test_a_failure_of_the_engine_ends_the_run(tmp_path: Path) -> None:
    def submit(texts: Sequence[str]) -> Future[list[Outcome]]:
        future: Future[list[Outcome]] = Future()
        future.set_exception(DataError("it broke"))
        return future

    with pytest.raises(DataError, match="it broke"):
        run(tmp_path, submit=submit)
