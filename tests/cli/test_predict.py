"""`seqserve predict` on the shipped bundles, and on rule-based engines where only the files matter."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seqserve.cli.main import app
from tests.fakes import write_bundles

ROOT = Path(__file__).parents[2]
RUNNER = CliRunner()
SHIPPED = str(ROOT / "bundles")
TEXTS = [
    "Harry Potter and Hermione Granger met in London.",
    "A quiet, funny\nand deeply moving film.",
    "Return the number of days, as an integer.",
]
TASKS = {
    "ner": ("predict", "ner"),
    "sentiment": ("predict", "sentiment"),
    "translate": ("predict", "translate", "--source", "en", "--target", "zh"),
}


def predict(*words: object, cwd: Path = ROOT, **more: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "seqserve.cli", "predict", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more.pop("env", {})}
    return subprocess.run(
        command, cwd=cwd, capture_output=True, timeout=120, env=environment, check=False, **more
    )


@pytest.fixture(scope="module")
def fakes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment with rule-based engines."""
    bundles = write_bundles(tmp_path_factory.mktemp("fakes") / "bundles")
    return {
        "SEQSERVE_BUNDLES_DIR": str(bundles),
        "SEQSERVE_ENGINE_FACTORY": "tests.fakes:open_engine",
    }


def write_inputs(folder: Path) -> dict[str, Path]:
    """Return the same texts in every format; plain text cannot contain line breaks."""
    paths = {name: folder / f"in.{name}" for name in ("txt", "jsonl", "csv")}
    paths["txt"].write_text("".join(text.replace("\n", " ") + "\n" for text in TEXTS))
    records = [{"id": f"r{i}", "text": text} for i, text in enumerate(TEXTS)]
    paths["jsonl"].write_text("".join(json.dumps(record) + "\n" for record in records))
    with paths["csv"].open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "text"])
        writer.writeheader()
        writer.writerows(records)
    return paths


LINES = {"txt": [1, 2, 3], "jsonl": [1, 2, 3], "csv": [2, 3, 5]}


def lines_of(path: Path) -> list[int]:
    """Return the input lines that an output has results for."""
    if path.suffix == ".csv":
        rows = csv.DictReader(io.StringIO(path.read_text()))
        return list(dict.fromkeys(int(row["line"]) for row in rows))
    if path.suffix == ".conll":
        said = [line for line in path.read_text().splitlines() if line.startswith("# line = ")]
        return [int(line.removeprefix("# line = ")) for line in said]
    return [json.loads(line)["line"] for line in path.read_text().splitlines()]


@pytest.mark.parametrize("target", ["jsonl", "csv", "conll"])
@pytest.mark.parametrize("source", ["txt", "jsonl", "csv"])
def test_every_format_to_every_format(
    source: str, target: str, tmp_path: Path, fakes: dict[str, str]
) -> None:
    out = tmp_path / f"out.{target}"
    done = predict("ner", write_inputs(tmp_path)[source], "--out", out, "--workers", 1, env=fakes)
    assert done.returncode == 0, done.stderr
    assert lines_of(out) == LINES[source]
    assert done.stdout == b"" and b"3 answered, 0 rejected" in done.stderr
    assert not Path(f"{out}.rejected.jsonl").exists()


def test_a_detected_source_language(tmp_path: Path, fakes: dict[str, str]) -> None:
    texts = tmp_path / "in.txt"
    texts.write_text(
        "The server keeps a log of every request.\nLe serveur tient un journal de chaque requête.\nOK\n"
    )
    out = tmp_path / "out.jsonl"
    done = predict("translate", texts, "--source", "auto", "--out", out, env=fakes)
    assert done.returncode == 3, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["line"] for row in rows] == [1, 3]
    assert [row["detected_language"]["language"] for row in rows] == ["en", "en"]
    assert [row["warnings"] for row in rows] == [[], ["uncertain_language"]]
    (rejected,) = map(json.loads, Path(f"{out}.rejected.jsonl").read_text().splitlines())
    assert (rejected["line"], rejected["code"]) == (2, "unsupported_language_pair")
    assert "detected fr" in rejected["message"]


def test_any_labels(tmp_path: Path, fakes: dict[str, str]) -> None:
    texts = tmp_path / "in.txt"
    texts.write_text("The vote is today.\nA goal!\n")
    out = tmp_path / "out.csv"
    done = predict("classify", texts, "--out", out, "--min-score", "0.8", env=fakes)
    assert done.returncode == 0, done.stderr
    rows = list(csv.reader(io.StringIO(out.read_text())))
    assert rows == [
        ["line", "label", "score", "labels", "warnings"],
        ["1", "", "0.0", "", ""],
        ["2", "sport", "0.875", "sport", ""],
    ]
    done = predict("classify", texts, "--label", "politics", "--top", "1", env=fakes)
    assert [json.loads(line)["scores"] for line in done.stdout.splitlines()] == [
        {"politics": 0.75},
        {"politics": 0.125},
    ]
    done = predict("classify", texts, "--label", "art", env=fakes)
    assert done.returncode == 2 and b"Available labels: sport, politics" in done.stderr


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Return the results of the shipped bundles for the texts, by task."""
    folder = tmp_path_factory.mktemp("answered")
    source = write_inputs(folder)["jsonl"]
    found = {}
    for name, (_, *words) in TASKS.items():
        out = folder / f"{name}.jsonl"
        more = ["--bundles", SHIPPED, "--keep", "id", "--json", "--workers", "2"]
        done = predict(*words, source, "--out", out, *more)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert (said["answered"], said["rejected"], said["out"]) == (3, 0, str(out))
        assert said["model"] in {"ner-en", "sentiment-en", "translate-en-zh"}
        found[name] = [json.loads(line) for line in out.read_text().splitlines()]
    return found


def test_shipped_bundles_answer(answered: dict[str, list[dict[str, Any]]]) -> None:
    for rows in answered.values():
        assert [(row["line"], row["id"]) for row in rows] == [(1, "r0"), (2, "r1"), (3, "r2")]
    entities = [(one["text"], one["label"]) for one in answered["ner"][0]["entities"]]
    assert entities == [("Harry Potter", "PER"), ("Hermione Granger", "PER"), ("London", "LOC")]
    assert answered["sentiment"][1]["label"] == "positive"
    assert answered["translate"][2]["text"] == "以整数形式返回天数。"


def test_the_answers_are_those_of_the_engine(answered: dict[str, list[dict[str, Any]]]) -> None:
    from seqserve.records import NerItem, SentimentItem
    from seqserve.runtime import open_engine

    (entities,) = open_engine(ROOT / "bundles/ner-en").predict([NerItem(TEXTS[0])])
    scores = [one["score"] for one in answered["ner"][0]["entities"]]
    assert scores == pytest.approx([one.score for one in entities.entities], abs=1e-4)
    (tone,) = open_engine(ROOT / "bundles/sentiment-en").predict([SentimentItem(TEXTS[1])])
    assert answered["sentiment"][1]["score"] == pytest.approx(tone.score, abs=1e-4)


def test_options_of_the_tasks(tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text(TEXTS[0] + " I hated it.\n")
    options = {
        "ner": ["--label", "LOC", "--min-score", "0.1", "--offset-unit", "byte"],
        "sentiment": ["--sentences"],
        "translate": [
            *("--beam-size", "2", "--alternatives", "1", "--max-tokens", "20"),
            *("--segments", "--offset-unit", "byte", "--min-score", "0"),
        ],
    }
    rows = {}
    for name, words in options.items():
        done = predict(name, source, *words, "--bundles", SHIPPED)
        assert done.returncode == 0, done.stderr
        (rows[name],) = [json.loads(line) for line in done.stdout.splitlines()]
    assert {one["label"] for one in rows["ner"]["entities"]} == {"LOC"}
    assert [one["label"] for one in rows["sentiment"]["sentences"]] == ["positive", "negative"]
    assert len(rows["translate"]["alternatives"]) == 1
    segments = rows["translate"]["segments"]
    target = rows["translate"]["text"].encode()
    assert [one["source"]["end"] for one in segments][-1] == len(f"{TEXTS[0]} I hated it.")
    assert b"".join(target[s["target"]["start"] : s["target"]["end"]] for s in segments) == target
    assert all("low_confidence" in one["warnings"] for one in segments)


def test_bad_lines_are_put_aside(tmp_path: Path, fakes: dict[str, str]) -> None:
    source = tmp_path / "in.jsonl"
    long = json.dumps({"text": "x" * 101})
    lines = [
        *('{"text": "Ann"}', "no JSON", '{"text": " "}', '{"txt": 1}', long),
        *('{"text": "REFUSED"}', '{"text": "POISON"}', "", '{"text": "Bob"}'),
    ]
    source.write_text("\n".join(lines))
    out, aside = tmp_path / "out.jsonl", tmp_path / "aside.jsonl"
    limits = {**fakes, "SEQSERVE_MAX_TEXT_CHARS": "100"}
    done = predict("ner", source, "-o", out, "--rejected", aside, "--workers", 1, env=limits)
    assert done.returncode == 3, done.stderr
    assert lines_of(out) == [1, 9]
    rejected = [json.loads(line) for line in aside.read_text().splitlines()]
    assert [(one["line"], one["code"]) for one in rejected] == [
        (2, "invalid_json"),
        (3, "invalid_field"),
        (4, "invalid_field"),
        (5, "text_too_long"),
        (6, "invalid_field"),
        (7, "internal"),
    ]
    assert rejected[1]["message"] == "text: is blank: it has no visible character."
    assert rejected[3]["message"].startswith("text: has 101 characters; the limit is 100.")
    assert rejected[5]["message"] == "The model failed at this text."
    assert b"2 answered, 6 rejected" in done.stderr and str(aside).encode() in done.stderr


def test_a_pipe(fakes: dict[str, str]) -> None:
    done = predict("sentiment", "--to", "csv", input=b"fine\n\n \nbad\n\xff\n", env=fakes)
    assert done.returncode == 3
    assert done.stdout == b"line,label,score,warnings\n1,positive,0.875,\n4,negative,0.75,\n"
    assert b'{"line":5,"code":"invalid_field"' in done.stderr


PROMPTS = {
    "texts": (["ner"], "one text a line"),
    "dash": (["ner", "-"], "one text a line"),
    "objects": (["ner", "--from", "jsonl"], "one JSON object a line"),
    "table": (["ner", "--from", "csv"], "the header, then one row a line"),
}


@pytest.mark.parametrize(("words", "prompt"), PROMPTS.values(), ids=PROMPTS)
def test_a_terminal(words: list[str], prompt: str, fakes: dict[str, str], tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    os.write(ours, b"\x04")  # the end of the input
    try:
        done = predict(*words, "--workers", 1, env=fakes, stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert f"reading from the terminal, {prompt}; Ctrl-D ends".encode() in done.stderr


def test_what_is_no_terminal_is_not_prompted(fakes: dict[str, str], tmp_path: Path) -> None:
    done = predict("ner", "--workers", 1, input=b"Ann\n", env=fakes)
    assert done.returncode == 0 and b"terminal" not in done.stderr


BLANK_ROWS = {
    "rejected": ([], 3, [2, 6]),
    "empty": (["--on-blank", "empty"], 0, [2, 3, 4, 5, 6]),
}


@pytest.mark.parametrize(("words", "status", "lines"), BLANK_ROWS.values(), ids=BLANK_ROWS)
@pytest.mark.parametrize("task", ["ner", "sentiment", "translate"])
def test_blank_records(
    task: str,
    words: list[str],
    status: int,
    lines: list[int],
    tmp_path: Path,
    fakes: dict[str, str],
) -> None:
    """A cell that is empty, invisible or white space; blank lines are no records."""
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text('id,text\n1,Ann\n2,\n3,"\u200b"\n4,"\x1a "\n5,Bob\n')
    done = predict(task, source, "-o", out, *words, "--workers", 1, env=fakes)
    assert done.returncode == status, done.stderr
    assert lines_of(out) == lines
    aside = Path(f"{out}.rejected.jsonl")
    rejected = [json.loads(line) for line in aside.read_text().splitlines()] if status else []
    assert [one["line"] for one in rejected] == [line for line in range(2, 7) if line not in lines]
    assert {one["message"] for one in rejected} <= {"text: is blank: it has no visible character."}


def test_nobody_reads(tmp_path: Path, fakes: dict[str, str]) -> None:
    source = tmp_path / "in.txt"
    source.write_text("fine\n" * 20_000)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "seqserve.cli",
            "predict",
            "sentiment",
            str(source),
            "--workers",
            "1",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **fakes},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout and process.stderr
    assert process.stdout.readline().startswith(b'{"line":1,')
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


def big_input(folder: Path, n_lines: int) -> Path:
    path = folder / "in.txt"
    words = ["Ann", "left", "OSLO", "bad", "film", "x" * 200]
    lines = [" ".join(words[i % 6 : i % 6 + 1 + i % 5]) or "Bob" for i in range(n_lines)]
    lines[10] = lines[n_lines // 2] = " REFUSED"
    path.write_text("\n".join(lines) + "\n")
    return path


STOPS: dict[str, tuple[str, signal.Signals, int]] = {
    "killed, jsonl": ("jsonl", signal.SIGKILL, -9),
    "killed, csv": ("csv", signal.SIGKILL, -9),
    "killed, conll": ("conll", signal.SIGKILL, -9),
    "Ctrl-C": ("jsonl", signal.SIGINT, 130),
    "SIGTERM": ("jsonl", signal.SIGTERM, 143),
}


@pytest.mark.parametrize(("target", "number", "status"), STOPS.values(), ids=STOPS)
def test_stopped_and_resumed(
    target: str, number: signal.Signals, status: int, tmp_path: Path, fakes: dict[str, str]
) -> None:
    """The output has the same bytes as without an interruption, and no process is left."""
    source = big_input(tmp_path, 12_000)
    words = ["ner", source, "--window", "50", "--workers", "2"]
    whole = tmp_path / f"whole.{target}"
    assert predict(*words, "--out", whole, env=fakes).returncode == 3
    out = tmp_path / f"out.{target}"
    command = [sys.executable, "-m", "seqserve.cli", "predict", *map(str, words), "--out", str(out)]
    said = tmp_path / "stderr"  # no pipe, because a remaining process would keep it open
    with said.open("wb") as stderr:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **fakes}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=stderr)
    wait_for(lambda: out.exists() and out.stat().st_size > 20_000)
    workers = children_of(process.pid)
    process.send_signal(number)
    assert process.wait(30) == status
    assert b"Traceback" not in said.read_bytes()
    assert 0 < out.stat().st_size < whole.stat().st_size
    assert workers
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    resumed = predict(*words, "--out", out, "--resume", env=fakes)
    assert resumed.returncode in (0, 3), resumed.stderr
    assert out.read_bytes() == whole.read_bytes()
    sides = [Path(f"{path}.rejected.jsonl").read_bytes() for path in (out, whole)]
    assert sides[0] == sides[1]


def wait_for(is_so: Any, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def children_of(pid: int) -> Sequence[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_real_model_killed_and_resumed(tmp_path: Path) -> None:
    """With the shipped bundles, repeated records have the same results in other batches."""
    source = tmp_path / "in.txt"
    source.write_text("".join(f"{TEXTS[0][: 20 + i % 28]} {i}\n" for i in range(300)))
    words = ["ner", source, "--bundles", SHIPPED, "--window", "64", "--workers", "1"]
    whole, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    assert predict(*words, "--out", whole).returncode == 0
    raw = whole.read_bytes()
    shutil.copy(f"{whole}.run.json", f"{out}.run.json")
    for cut in (len(raw) // 3, len(raw) - 7):
        out.write_bytes(raw[:cut])
        assert predict(*words, "--out", out, "--resume").returncode == 0
        assert out.read_bytes() == raw


def test_a_worker_that_dies(tmp_path: Path, fakes: dict[str, str]) -> None:
    source = tmp_path / "in.txt"
    source.write_text("Ann\n" * 20 + "LETHAL\n")
    out = tmp_path / "out.jsonl"
    done = predict("ner", source, "-o", out, "--window", "5", "--workers", 2, env=fakes)
    assert done.returncode == 1
    assert b"a worker process died" in done.stderr and b"Traceback" not in done.stderr


WRONG = {
    "resume a pipe": (["ner", "--resume"], 2, "--resume needs --out"),
    "json of a pipe": (["ner", "--json"], 2, "--json needs --out"),
    "unknown suffix": (
        ["ner", "in.xml"],
        2,
        ".jsonl, .ndjson, .csv, .tsv. Set the format with --from",
    ),
    "unknown suffix of out": (["ner", "-o", "out.xml"], 2, "Set the format with --to"),
    "no suffix": (["ner", "README"], 2, "the name has no suffix"),
    "JSON": (["ner", "in.json"], 2, "jq -c '.[]'"),
    "Markdown": (["ner", "in.MD"], 2, "add --from text"),
    "nothing but gzip": (["ner", "in.gz"], 2, "Name it FILE.jsonl.gz"),
    "JSON in gzip": (["ner", "in.json.gz"], 2, "in.json: no format has the suffix '.json'"),
    "other compression": (["ner", "in.txt.xz"], 2, "xzcat FILE |"),
    "spreadsheet": (["ner", "in.XLSX"], 2, "Save it as CSV"),
    "document": (["ner", "in.docx"], 2, "Save it as plain text"),
    "JSON out": (["ner", "-o", "out.json"], 2, "add --to jsonl"),
    "tabs out": (["ner", "-o", "out.tsv"], 2, "Write CSV"),
    "gzip out": (["ner", "-o", "out.jsonl.gz"], 2, "| gzip > FILE"),
    "two fields of a name": (
        ["translate", "--keep", "text"],
        2,
        "rename it, as in --keep text:my_text",
    ),
    "no place": (["sentiment", "--to", "csv", "--sentences"], 2, "csv has no place for sentences"),
    "score": (["ner", "--min-score", "2"], 2, "min_score: should be less than or equal to 1"),
    "label": (
        ["ner", "--label", "CAR", "--bundles", SHIPPED],
        2,
        "labels: not a label of this model",
    ),
    "pair": (
        ["translate", "--target", "fr", "--bundles", SHIPPED],
        2,
        "No model translates any→fr",
    ),
    "alternatives": (
        ["translate", "--alternatives", "4", "--bundles", SHIPPED],
        2,
        "at most beam_size",
    ),
    "score above 0": (
        ["translate", "--min-score", "0.5", "--bundles", SHIPPED],
        2,
        "min_score",
    ),
    "no input": (["ner", "none.txt"], 1, "none.txt cannot be read: No such file"),
    "no bundle": (["ner", "--bundles", "seqserve/cli"], 1, "there is no bundle of task ner in"),
    "no folder of bundles": (["ner", "--bundles", "seqserve/none"], 1, "none, does not exist. Set"),
    "a file as folder": (["ner", "--bundles", "README.md"], 1, "README.md, is not a directory"),
    "both": (["ner", "--url", "http://x", "--engine", "ray"], 2, "choose one"),
    "same files": (["ner", "-o", "a.jsonl", "--rejected", "a.jsonl"], 2, "are the same file"),
    "no key file": (
        ["ner", "--url", "http://localhost:9", "--api-key-file", "none"],
        2,
        "cannot be read",
    ),
    "nobody there": (
        ["ner", "--url", "http://localhost:9", "--timeout-s", "0.5"],
        1,
        "localhost:9",
    ),
    "workers": (["ner", "--workers", "0"], 2, "workers"),
    "no name of a model": (
        ["ner", "--model", ""],
        2,
        "--model is empty: give it a value, or leave it out",
    ),
    "no server": (["ner", "--url", ""], 2, "--url is empty: give it a value, or leave it out"),
    "encoding": (["ner", "--encoding", "klingon"], 2, "there is no encoding 'klingon'"),
    "delimiter": (["ner", "--from", "csv", "--delimiter", ";;"], 2, "one ASCII character"),
    "delimiter of text": (["ner", "--delimiter", ";"], 2, "--delimiter is for csv and tsv"),
    "stdin twice": (["ner", "-", "-"], 2, "only once"),
    "limit": (["ner", "--limit", "0"], 2, "limit"),
}


@pytest.mark.parametrize(("words", "status", "message"), WRONG.values(), ids=WRONG)
def test_wrong_command_lines(words: list[str], status: int, message: str) -> None:
    done = RUNNER.invoke(app, ["predict", *words], input="text\n")
    assert (done.exit_code, done.stdout) == (status, "")
    assert message in done.stderr and "Traceback" not in done.stderr


def test_tables_of_other_programs(tmp_path: Path, fakes: dict[str, str]) -> None:
    rows = [["id", "body"], ["1", "Zoë left OSLO"], ["2", "Ann, Bob"], ["3", "none"]]
    tabs, marks = tmp_path / "in.tsv.gz", tmp_path / "in.csv"
    raw = "".join("\t".join(row) + "\r\n" for row in rows)
    tabs.write_bytes(gzip.compress(raw.encode("utf-16")))
    marks.write_text("".join(";".join(row) + "\n" for row in rows), encoding="cp1252")
    common = ["--field", "body", "--keep", "id", "--limit", "2", "--workers", "1"]
    one = predict("ner", tabs, *common, "--encoding", "UTF-16", env=fakes)
    two = predict("ner", marks, *common, "--encoding", "cp1252", "--delimiter", ";", env=fakes)
    assert one.returncode == two.returncode == 0, one.stderr + two.stderr
    assert one.stdout == two.stdout
    found = [json.loads(line) for line in one.stdout.splitlines()]
    assert [(row["line"], row["id"]) for row in found] == [(2, "1"), (3, "2")]


def test_several_files_are_resumed_as_one(tmp_path: Path, fakes: dict[str, str]) -> None:
    paths = write_inputs(tmp_path)
    out = tmp_path / "out.csv"
    words = ["ner", paths["txt"], paths["jsonl"], paths["csv"], "--out", out, "--workers", "1"]
    assert predict(*words, env=fakes).returncode == 0
    whole = out.read_bytes()
    rows = list(csv.DictReader(io.StringIO(whole.decode())))
    firsts = {row["file"]: row["line"] for row in reversed(rows)}
    assert firsts == {str(paths["txt"]): "1", str(paths["jsonl"]): "4", str(paths["csv"]): "8"}
    for n_bytes in (len(whole) // 3, len(whole) // 2, len(whole) - 1):
        out.write_bytes(whole[:n_bytes])
        assert predict(*words, "--resume", env=fakes).returncode == 0
        assert out.read_bytes() == whole


@pytest.mark.parametrize("name", ["in.CSV", "in.Csv", "in.csv.GZ", "IN.TXT", "in.JsonL", "in.TSV"])
def test_suffixes_in_any_case(name: str, tmp_path: Path, fakes: dict[str, str]) -> None:
    content = {"txt": "Ann\n", "jsonl": '{"text": "Ann"}\n'}
    kind = name.lower().removesuffix(".gz").rsplit(".", maxsplit=1)[1]
    raw = content.get(kind, "text\nAnn\n").encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("GZ") else raw)
    done = predict("ner", tmp_path / name, "-o", tmp_path / "out.JSONL", env=fakes)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "out.JSONL").read_text().splitlines()) == 1


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    source = write_inputs(tmp_path)["txt"]
    out = tmp_path / "out.jsonl"
    out.write_text("mine")
    done = RUNNER.invoke(
        app, ["predict", "ner", str(source), "--out", str(out), "--bundles", SHIPPED]
    )
    assert done.exit_code == 1 and "exists: resume it with --resume" in done.stderr
    assert out.read_text() == "mine"
