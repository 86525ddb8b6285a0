"""Errors of a server for batches; and the whole command against a server with fake engines."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seqserve import errors
from seqserve.bulk.records import Refusal
from seqserve.bundle import load_bundle
from seqserve.cli.main import app
from seqserve.cli.predicting.remote import answer
from seqserve.client import Client
from seqserve.errors import SeqserveError
from service.http.keys import new_key
from tests.fakes import DESCRIPTIONS, replace_bundle, write_bundle_of, write_bundles
from tests.serving import FAKES, ROOT, Serve, running_server


class Server:
    """A transport that answers with the length of the text and records the requests."""

    def __init__(self, names_the_text: bool = True, max_texts: int = 99) -> None:
        self.asked: list[list[str]] = []
        self._names_the_text = names_the_text
        self._max_texts = max_texts

    def __call__(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        self.asked.append(list(texts))
        if len(texts) > self._max_texts:
            raise errors.TooManyTexts("text has too many texts.")
        for index, text in enumerate(texts):
            if text in FAILURES:
                error = FAILURES[text](f"text[{index}] is {text}.")
                if self._names_the_text:
                    error.text_index = index
                raise error
        return [{"n": len(text)} for text in texts]


FAILURES: dict[str, type[SeqserveError]] = {
    "blank": errors.InputError,
    "long": errors.TextTooLong,
    "large": errors.BodyTooLarge,
    "poison": SeqserveError,
    "key": errors.UnknownKey,
    "pair": errors.UnsupportedLanguagePair,
    "full": errors.Overloaded,
    "late": errors.DeadlineExceeded,
}
BATCHES = {
    "none": (["a", "bb"], {}),
    "first": (["blank", "a"], {0: "invalid_field"}),
    "last": (["a", "long"], {1: "text_too_long"}),
    "several": (
        ["a", "poison", "b", "blank", "large", "c"],
        {1: "internal", 3: "invalid_field", 4: "body_too_large"},
    ),
    "all": (["blank", "blank"], {0: "invalid_field", 1: "invalid_field"}),
}


@pytest.mark.parametrize("server", [Server(), Server(names_the_text=False), Server(max_texts=2)])
@pytest.mark.parametrize(("texts", "refused"), BATCHES.values(), ids=BATCHES)
def test_texts_that_are_refused_leave_the_others(
    server: Server, texts: list[str], refused: dict[int, str]
) -> None:
    outcomes = answer(server, texts)
    for index, (text, outcome) in enumerate(zip(texts, outcomes, strict=True)):
        if index in refused:
            is_internal = refused[index] == "internal"  # the details are in the server's log
            said = "The model failed at this text." if is_internal else f"text is {text}."
            assert outcome == Refusal(refused[index], said)
        else:
            assert outcome == {"n": len(text)}


def test_a_named_text_costs_two_more_requests() -> None:
    server = Server()
    answer(server, ["a"] * 20 + ["long"] + ["b"] * 20)
    assert [len(texts) for texts in server.asked] == [41, 20, 1, 20]


@pytest.mark.parametrize("text", ["key", "pair", "full", "late"])
def test_what_is_no_texts_fault_ends_the_run(text: str) -> None:
    with pytest.raises(FAILURES[text]):
        answer(Server(names_the_text=False), ["a", text])


def test_a_text_in_another_language_is_its_own_fault() -> None:
    outcomes = answer(Server(), ["a", "pair", "b"])
    assert outcomes == [{"n": 1}, Refusal("unsupported_language_pair", "text is pair."), {"n": 1}]


@dataclass(frozen=True)
class Served:
    server: Serve
    bundles: Path
    key_file: Path

    @property
    def url(self) -> str:
        return self.server.base


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run a server with fake engines that requires a key, in one process."""
    folder = tmp_path_factory.mktemp("served")
    key, line = new_key("tests")
    (folder / "keys.txt").write_text(f"{line}\n")
    (folder / "key.txt").write_text(f"{key}\n")
    settings = {
        **FAKES,
        "SEQSERVE_TOPOLOGY": "embedded",
        "SEQSERVE_API_KEYS_FILE": str(folder / "keys.txt"),
        "SEQSERVE_MAX_TEXT_CHARS": "500",
    }
    bundles = write_bundles(folder / "bundles")
    with running_server(folder, bundles, **settings) as serve:
        yield Served(serve, bundles, folder / "key.txt")


def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seqserve.cli", "predict", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "words",
    [
        ["ner", "--label", "LOC", "--offset-unit", "byte"],
        ["sentiment", "--sentences"],
        ["translate", "--alternatives", "1", "--source", "en", "--target", "zh"],
        ["translate", "--to", "csv"],
        ["ner", "--to", "conll"],
    ],
    ids=" ".join,
)
def test_a_server_gives_what_this_machine_gives(
    words: list[str], served: Served, tmp_path: Path
) -> None:
    source = tmp_path / "in.txt"
    texts = ["Ann left OSLO. A bad film.", "x" * 600, "", "REFUSED", "POISON", "é Bob", "one"] * 20
    source.write_text("\n".join(texts))
    to = [] if "--to" in words else ["--to", "jsonl"]
    places = {
        "there": ["--url", served.url, "--api-key-file", str(served.key_file)],
        "here": ["--bundles", str(served.bundles)],
    }
    files = {}
    for name, place in places.items():
        out, aside = tmp_path / f"{name}.out", tmp_path / f"{name}.rejected"
        line = [*words, *to, str(source), "--out", str(out), "--rejected", str(aside), *place]
        done = run(*line, SEQSERVE_MAX_TEXT_CHARS="500", **FAKES)
        assert done.returncode == 3, done.stderr
        rejected = [json.loads(row) for row in aside.read_text().splitlines()]
        files[name] = (out.read_bytes(), rejected)
    assert files["there"] == files["here"]
    assert len(files["there"][1]) == 60


KEYS: dict[str, tuple[dict[str, str], str]] = {
    "none": ({}, "Authorization: Bearer"),
    "wrong": ({"CLIENT_API_KEY": "seqserve_wrong"}, "not known"),
}


@pytest.mark.parametrize(("env", "message"), KEYS.values(), ids=KEYS)
def test_keys(env: dict[str, str], message: str, served: Served, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("Ann\n")
    done = run("ner", str(source), "--url", served.url, **env)
    assert done.returncode == 1 and message in done.stderr
    assert "Name a key with --api-key-file or CLIENT_API_KEY." in done.stderr
    key = served.key_file.read_text().strip()
    assert run("ner", str(source), "--url", served.url, CLIENT_API_KEY=key).returncode == 0


def test_options_that_the_server_refuses(served: Served, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("Ann\n")
    place = ["--url", served.url, "--api-key-file", str(served.key_file)]
    done = run("ner", str(source), "--label", "CAR", *place)
    assert done.returncode == 2 and "Available labels: LOC, PER." in done.stderr


def test_ctrl_c_does_not_wait_for_a_server_that_hangs(served: Served, tmp_path: Path) -> None:
    source, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("Ann left OSLO\n" * 200_000)
    place = ["--url", served.url, "--api-key-file", str(served.key_file)]
    command = [sys.executable, "-m", "seqserve.cli", "predict", "ner"]
    command += [str(source), "--out", str(out)]
    asking = subprocess.Popen([*command, *place], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 30
        while not (out.exists() and out.stat().st_size):
            assert time.monotonic() < end
            time.sleep(0.01)
        with hanging(served.server):
            asking.send_signal(signal.SIGINT)
            _, said = asking.communicate(timeout=10)
    finally:
        asking.kill()
        asking.wait()
    assert asking.returncode == 130 and "--resume continues" in said and "Traceback" not in said


@contextmanager
def hanging(server: Serve) -> Iterator[None]:
    """Suspend all processes of a server while requests are in flight."""
    processes = server.processes()
    for process in processes:
        process.suspend()
    time.sleep(0.2)  # earlier results are written
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def test_a_server_gets_each_batch_once(served: Served, tmp_path: Path) -> None:
    """Texts that fail do not cost further requests."""
    source = tmp_path / "in.txt"
    source.write_text("Ann\nPOISON\nREFUSED\nBob\n" * 16)
    key = served.key_file.read_text().strip()
    with Client(served.url, api_key=key) as client:
        before = requests_of(client)
        done = run("ner", str(source), "--url", served.url, CLIENT_API_KEY=key)
        assert done.returncode == 3 and "32 answered, 32 rejected" in done.stderr
        assert requests_of(client) - before == 3  # one before the run, and 64 texts, 32 at a time


def requests_of(client: Client) -> float:
    pattern = r'^seqserve_requests_total\{.*route="/v1/ner".*\} (\S+)$'
    return sum(map(float, re.findall(pattern, client.metrics(), re.MULTILINE)))


def test_an_output_is_resumed_with_the_same_model_wherever_it_runs(
    served: Served, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("Ann left OSLO\n" * 9)
    place = ["--url", served.url, "--api-key-file", str(served.key_file)]
    words = ["ner", str(source), "-o", str(out), "--resume"]
    assert run(*words, *place).returncode == 0
    whole = out.read_bytes()
    here = ["--bundles", str(served.bundles)]
    for more in (place, here):
        out.write_bytes(whole[: len(whole) // 2])
        done = run(*words, *more, **FAKES)
        assert done.returncode == 0 and out.read_bytes() == whole, done.stderr
    for more in (place, here):
        done = run(*words, "--min-score", "0.9", *more, **FAKES)
        assert done.returncode == 1 and "option min_score (null before, 0.9 now)" in done.stderr
    write_bundles(tmp_path / "others")
    replace_bundle(
        tmp_path / "others" / "ner-en",
        write_bundle_of(tmp_path / "other", "ner-en", config=b'{"seed": 2}').path,
    )
    done = run(*words, "--bundles", str(tmp_path / "others"), **FAKES)
    assert done.returncode == 1 and "model sha256 (" in done.stderr
    assert out.read_bytes() == whole


def test_models_of_a_server(served: Served) -> None:
    words = ["models", "--url", served.url, "--api-key-file", str(served.key_file), "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["models"]
    assert [one["name"] for one in found] == list(DESCRIPTIONS)
    assert found[0]["sha256"] == load_bundle(served.bundles / "ner-en").sha256
