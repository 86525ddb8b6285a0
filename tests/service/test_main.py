"""The address of `python -m service`: options, then environment variables, then defaults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer

from service.__main__ import run
from service.settings import load_settings


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int]]]:
    found: list[tuple[str, int]] = []
    monkeypatch.setattr(
        "service.processes.supervisor.supervise",
        lambda settings, host, port: found.append((host, port)),
    )
    monkeypatch.setattr("service.telemetry.logs.configure_logging", lambda level, form: None)
    for name in ("SEQSERVE_HOST", "SEQSERVE_PORT", "PORT"):
        monkeypatch.delenv(name, raising=False)
    load_settings.cache_clear()
    yield found
    load_settings.cache_clear()


@pytest.mark.parametrize(
    ("variables", "options", "expected"),
    [
        ({}, (None, None), ("127.0.0.1", 3000)),
        ({"SEQSERVE_PORT": "8080", "PORT": "1"}, (None, None), ("127.0.0.1", 8080)),
        ({"PORT": "8080"}, (None, None), ("127.0.0.1", 8080)),
        ({"SEQSERVE_PORT": "tcp://10.0.0.1:80"}, (None, None), ("127.0.0.1", 3000)),
        ({"SEQSERVE_HOST": "0.0.0.0", "SEQSERVE_PORT": "0"}, (None, None), ("0.0.0.0", 0)),
        ({"SEQSERVE_HOST": "0.0.0.0", "SEQSERVE_PORT": "1"}, ("::1", 2), ("::1", 2)),
    ],
    ids=["defaults", "our port", "port", "kubernetes", "host", "options"],
)
def test_address(
    monkeypatch: pytest.MonkeyPatch,
    addresses: list[tuple[str, int]],
    variables: dict[str, str],
    options: tuple[str | None, int | None],
    expected: tuple[str, int],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    run(*options)
    assert addresses == [expected]


@pytest.mark.parametrize("value", ["many", "70000", "-1"])
def test_a_port_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    addresses: list[tuple[str, int]],
    value: str,
) -> None:
    monkeypatch.setenv("SEQSERVE_PORT", value)
    with pytest.raises(typer.Exit):
        run()
    assert f"SEQSERVE_PORT is {value!r}; it must be a TCP port" in capsys.readouterr().err
    assert addresses == []


def test_a_port_and_a_setting_are_refused_together(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    addresses: list[tuple[str, int]],
) -> None:
    monkeypatch.setenv("PORT", "many")
    monkeypatch.setenv("SEQSERVE_MAX_TEXTS", "0")
    with pytest.raises(typer.Exit):
        run()
    said = capsys.readouterr().err
    assert "PORT is 'many'" in said and "SEQSERVE_MAX_TEXTS: " in said and addresses == []
