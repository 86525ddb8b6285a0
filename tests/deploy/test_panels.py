"""The command that runs the queries of the dashboard, against a fake Prometheus."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.deploy.panels import main, read_queries

PANEL = {"title": "Texts", "type": "timeseries", "targets": [{"expr": "up{a=~'$instance'}"}]}


def write_dashboard(path: Path, *panels: object, variables: object = ()) -> Path:
    path.write_text(json.dumps({"panels": panels, "templating": {"list": variables}}))
    return path


@contextmanager
def prometheus(*answers: bytes) -> Iterator[tuple[str, list[str]]]:
    """Serve the answers in order, repeating the last one, and record the queries."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked.append(urllib.parse.parse_qs(body)["query"][0])
            answer = answers[min(len(asked), len(answers)) - 1]
            self.send_response(200 if answer.startswith(b"{") else 400)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()
        thread.join()


SERIES = b'{"data": {"result": [{"metric": {}, "value": [0, "NaN"]}]}}'
NOTHING = b'{"data": {"result": []}}'


def test_all_answered(capsys: pytest.CaptureFixture[str]) -> None:
    with prometheus(SERIES) as (url, asked):
        assert main([url]) == 0
    assert asked == [query.expr for query in read_queries()]
    assert "all with series" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "said"),
    [(NOTHING, "Texts: no series: up{a=~'.*'}"), (b"parse error", "Texts: 400 parse error")],
    ids=["nothing", "refused"],
)
def test_one_not_answered(
    answer: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_dashboard(tmp_path / "d.json", PANEL)
    with prometheus(answer) as (url, _):
        assert main([url, "--dashboard", str(path)]) == 1
    assert said in capsys.readouterr().out


def test_nobody_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_dashboard(tmp_path / "d.json", PANEL)
    with prometheus(SERIES) as (url, _):
        pass
    assert main([url, "--dashboard", str(path)]) == 1
    assert "refused" in capsys.readouterr().out


def test_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.deploy.panels._PAUSE_S", 0.01)
    path = write_dashboard(tmp_path / "d.json", PANEL)
    with prometheus(NOTHING, NOTHING, SERIES) as (url, asked):
        assert main([url, "--dashboard", str(path), "--wait", "20"]) == 0
    assert len(asked) == 3


def test_panels_in_rows_and_variables_are_asked_too(tmp_path: Path) -> None:
    row = {"type": "row", "panels": [PANEL]}
    variable = {"type": "query", "name": "x", "query": {"query": "label_values(up, x)"}}
    path = write_dashboard(tmp_path / "d.json", row, variables=[variable])
    assert [query.expr for query in read_queries(path)] == ["up{a=~'.*'}", "up"]


@pytest.mark.parametrize(
    ("panel", "variables", "said"),
    [
        ({**PANEL, "targets": [{"expr": "up{a='$b'}"}]}, [], "unknown variable"),
        (
            PANEL,
            [{"type": "query", "name": "x", "query": {"query": "metrics(up)"}}],
            "label_values",
        ),
    ],
    ids=["variable", "function"],
)
def test_what_cannot_be_asked(panel: object, variables: object, said: str, tmp_path: Path) -> None:
    path = write_dashboard(tmp_path / "d.json", panel, variables=variables)
    with pytest.raises(ValueError, match=said):
        read_queries(path)
