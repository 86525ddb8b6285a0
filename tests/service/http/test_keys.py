"""Keys: the file, access, rate limits, and changes of the file."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import hmac
import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from seqserve.errors import ConfigError, MissingKey, RateLimited, UnknownKey
from service.http import keys
from service.http.key_forms import BEARER
from service.http.keys import Key, Keyring, new_key, parse_keys, read_keys
from service.telemetry.logs import configure_logging
from tests.service.api.test_errors import expect
from tests.service.conftest import serving
from tests.serving import FAKES, START_S, Serve

ANN, BOB = "key-of-ann", "key-of-bob"


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


ANNS_LINE = f"ann {digest(ANN)}"
BOBS_LINE = f"bob {digest(BOB)} 2"


def test_a_file_of_keys() -> None:
    text = f"# keys\n\n  {ANNS_LINE}  # of Ann\r\nbob\t{digest(BOB).upper()} 60\n"
    assert parse_keys(text, "keys.txt") == [
        Key("ann", bytes.fromhex(digest(ANN))),
        Key("bob", bytes.fromhex(digest(BOB)), 60),
    ]
    assert parse_keys("# nobody\n", "keys.txt") == []


DAMAGED = [
    pytest.param("ann", "line 2: must be", id="no-hash"),
    pytest.param(f"ann {'0' * 63}", "line 2: must be", id="short-hash"),
    pytest.param(f"ann {'g' * 64}", "line 2: must be", id="no-hex"),
    pytest.param(f"ann {ANN}", "line 2: must be", id="the-key-itself"),
    pytest.param(f"{'a' * 65} {'0' * 64}", "line 2: must be", id="long-name"),
    pytest.param(f"an/n {'0' * 64}", "line 2: must be", id="name"),
    pytest.param(f"ann {'0' * 64} 0", "line 2: must be", id="limit-0"),
    pytest.param(f"ann {'0' * 64} -1", "line 2: must be", id="limit-minus"),
    pytest.param(f"ann {'0' * 64} 1.5", "line 2: must be", id="limit-float"),
    pytest.param(f"ann {'0' * 64} 1000001", "line 2: must be", id="limit-over"),
    pytest.param(f"ann {'0' * 64} ٣", "line 2: must be", id="limit-no-ascii"),
    pytest.param(f"ann {'0' * 64} 1 2", "line 2: must be", id="more"),
    pytest.param(f"ann {'0' * 64}\nann {'1' * 64}", "line 3: has the name of line 2", id="name-2"),
    pytest.param(f"ann {'0' * 64}\nbob {'0' * 64}", "line 3: has the key of line 2", id="key-2"),
]


@pytest.mark.parametrize(("text", "message"), DAMAGED)
def test_a_damaged_line_is_named_and_not_quoted(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_keys(f"# keys\n{text}\n", "keys.txt")
    assert str(caught.value).startswith("keys.txt, line ")
    assert ANN not in str(caught.value) and "0" * 63 not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"keys\.txt: cannot be read: No such file"):
        read_keys(tmp_path / "keys.txt")
    (tmp_path / "keys.txt").write_bytes(b"ann \xff\n")
    with pytest.raises(ConfigError, match=r"keys\.txt: is not UTF-8"):
        read_keys(tmp_path / "keys.txt")


def test_a_new_key_opens() -> None:
    key, line = new_key("ann", 5)
    assert parse_keys(line, "new") == [Key("ann", bytes.fromhex(digest(key)), 5)]
    assert new_key("ann")[0] != key
    assert len(key) > 40 and key.isascii()


@pytest.mark.parametrize(("name", "limit"), [("a b", None), ("", None), ("#a", None), ("ann", 0)])
def test_a_new_key_that_could_not_be_read_again(name: str, limit: int | None) -> None:
    with pytest.raises(ConfigError, match="must be `name sha256hex"):
        new_key(name, limit)


class Clock:
    """A clock that a test advances."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.txt"
    path.write_text(f"{ANNS_LINE}\n{BOBS_LINE}\n")
    return path


def keyring_of(path: Path, **options: Any) -> Keyring:
    keyring = Keyring(path, **options)
    keyring.load()
    return keyring


def admit(keyring: Keyring, authorization: bytes | None) -> str:
    headers = {} if authorization is None else {b"authorization": authorization}
    return keyring.check(BEARER.find(headers, b""))


def bearer(key: str) -> bytes:
    return f"Bearer {key}".encode()


def test_who_is_let_in(path: Path) -> None:
    keyring = keyring_of(path)
    assert admit(keyring, bearer(ANN)) == "ann"
    assert admit(keyring, f"bEARER   {BOB} ".encode()) == "bob"
    for missing in (None, b"", b"Bearer", b"Bearer ", b"Basic a2V5", ANN.encode()):
        with pytest.raises(MissingKey):
            admit(keyring, missing)
    for unknown in (digest(ANN), "ann", ANN[:-1], ANN + "x", "\xff"):
        with pytest.raises(UnknownKey):
            admit(keyring, b"Bearer " + unknown.encode("latin-1"))


def test_what_needs_a_key(path: Path) -> None:
    keyring = keyring_of(path)
    assert [keyring.requires_key(one) for one in ("/v1/ner", "/v1", "/metrics")] == [
        True,
        False,
        False,
    ]
    everything = keyring_of(path, scope="all")
    assert all(everything.requires_key(one) for one in ("/metrics", "/", "/v1/models"))


def test_nobody_is_let_in_before_the_file_was_read_or_when_it_is_empty(path: Path) -> None:
    for keyring in (Keyring(path), Keyring(path)):
        with pytest.raises(UnknownKey):
            admit(keyring, bearer(ANN))
        path.write_text("# nobody\n")
        keyring.load()
        with pytest.raises(UnknownKey):
            admit(keyring, bearer(ANN))


def test_every_key_is_compared(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = keyring_of(path)
    compared: list[bytes] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append(left)
        return hmac.compare_digest(left, right)

    monkeypatch.setattr(keys, "hmac", type("Hmac", (), {"compare_digest": staticmethod(compare)}))
    admit(keyring, bearer(ANN))
    assert len(compared) == 2


def test_the_limit_of_a_key(path: Path) -> None:
    clock = Clock()
    keyring = keyring_of(path, clock=clock)

    def ask() -> int:
        """Return the seconds to wait; 0 if the request is accepted."""
        try:
            admit(keyring, bearer(BOB))
        except RateLimited as error:
            return error.retry_after_s
        return 0

    assert [ask() for _ in range(3)] == [0, 0, 30]  # 2 a minute, one every 30 s
    clock.now += 20
    assert ask() == 10
    clock.now += 10.001
    assert [ask(), ask()] == [0, 30]
    clock.now += 3600
    assert [ask() for _ in range(3)] == [0, 0, 30]  # the bucket holds the requests of one minute
    for _ in range(100):
        assert admit(keyring, bearer(ANN)) == "ann"


def test_a_changed_file_is_read_again(path: Path) -> None:
    keyring = keyring_of(path)
    admit(keyring, bearer(BOB))
    admit(keyring, bearer(BOB))
    path.write_text(f"{BOBS_LINE}\nnew {digest('new')}\n")
    keyring.refresh()
    assert admit(keyring, bearer("new")) == "new"
    with pytest.raises(UnknownKey):
        admit(keyring, bearer(ANN))
    with pytest.raises(RateLimited):  # the bucket stays empty
        admit(keyring, bearer(BOB))
    path.write_text(f"bob {digest(BOB)} 3\n")
    keyring.refresh()
    assert admit(keyring, bearer(BOB)) == "bob"  # another limit starts with a full bucket


def test_a_file_put_in_its_place_is_read(path: Path) -> None:
    keyring = keyring_of(path)
    stat = path.stat()
    other = path.with_name("other")
    other.write_text(f"{ANNS_LINE}\n{BOBS_LINE}\n".replace("ann", "eve"))
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.rename(path)
    keyring.refresh()
    assert admit(keyring, bearer(ANN)) == "eve"


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.mark.usefixtures("logging_as_before")
def test_a_file_that_is_damaged_later_changes_nothing(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("info")
    keyring = keyring_of(path)
    path.write_text(f"{ANNS_LINE}\n{BOB}\n")
    for _ in range(3):
        keyring.refresh()
    assert admit(keyring, bearer(BOB)) == "bob"
    path.unlink()
    keyring.refresh()
    assert admit(keyring, bearer(ANN)) == "ann"
    path.write_text(f"{ANNS_LINE}\n")
    keyring.refresh()
    with pytest.raises(UnknownKey):
        admit(keyring, bearer(BOB))
    text = capsys.readouterr().out
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["event"] for line in lines] == ["keys not reloaded"] * 2 + ["keys reloaded"]
    assert "keys.txt, line 2: must be" in lines[0]["reason"]
    assert BOB not in text and digest(ANN) not in text


UNREADABLE: dict[str, OSError] = {
    "too many open files": OSError(errno.EMFILE, "Too many open files"),
    "no permission": PermissionError(errno.EACCES, "Permission denied"),
    "a fault of the disk": OSError(errno.EIO, "Input/output error"),
    "a stale mount": OSError(errno.ESTALE, "Stale file handle"),
    "no memory": OSError(errno.ENOMEM, "Cannot allocate memory"),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.usefixtures("logging_as_before")
def test_a_file_that_cannot_be_read_for_a_while_is_read_later(
    path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    configure_logging("info")
    keyring = keyring_of(path)
    path.write_text(f"{ANNS_LINE}\n")

    def fail(*_: object) -> int:
        raise UNREADABLE[name]

    with monkeypatch.context() as patch:
        patch.setattr(keys.os, "open", fail)
        for _ in range(3):
            keyring.refresh()
    assert admit(keyring, bearer(BOB)) == "bob"  # not revoked yet
    for _ in range(2):
        keyring.refresh()  # the file has not changed since
    with pytest.raises(UnknownKey):
        admit(keyring, bearer(BOB))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["keys not reloaded", "keys reloaded"]
    assert UNREADABLE[name].strerror in lines[0]["reason"]


@pytest.mark.usefixtures("logging_as_before")
def test_a_fault_that_returns_is_logged_again(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("info")
    keyring = keyring_of(path)
    for _ in range(2):
        path.unlink()
        keyring.refresh()
        keyring.refresh()
        path.write_text(f"{ANNS_LINE}\n")
        keyring.refresh()
    lines = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["keys not reloaded", "keys reloaded"] * 2


SIZES: dict[str, tuple[bytes, int, bool]] = {
    "at the bound": (b"#", 0, True),
    "a byte more": (b"#", 1, False),
    "no text": (b"\x00", 1, False),
    "a sparse file of a terabyte": (b"", 2**40, False),
}


@pytest.mark.parametrize("name", SIZES)
def test_the_size_of_a_file_is_bounded(tmp_path: Path, name: str) -> None:
    unit, n_more, is_allowed = SIZES[name]
    path = tmp_path / "keys.txt"
    path.write_bytes(unit * keys.MAX_FILE_BYTES)
    os.truncate(path, keys.MAX_FILE_BYTES + n_more)
    if is_allowed:
        assert read_keys(path) == []
    else:
        with pytest.raises(ConfigError, match=f"keys.txt: has more than {keys.MAX_FILE_BYTES:,}"):
            read_keys(path)


def test_the_disk_is_only_looked_at_when_refreshed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = keyring_of(path)
    monkeypatch.setattr(keys.os, "stat", None)
    monkeypatch.setattr(Path, "read_text", None)
    assert admit(keyring, bearer(ANN)) == "ann"


@pytest.mark.anyio
async def test_keys_over_http(bundles_dir: Path, path: Path) -> None:
    async with serving(bundles_dir, api_keys_file=path) as server:
        server.engine("ner").batches.clear()
        missing = await server.post("/v1/ner", {"text": "a"})
        expect(missing, 401, "missing_key", "Authorization: Bearer KEY")
        assert missing.headers["www-authenticate"] == "Bearer"
        unknown = await server.post("/v1/ner", {"text": "a"}, authorization="Bearer nope")
        expect(unknown, 403, "unknown_key")
        for route in ("/v1/models", "/v1/nope", "/v1/"):
            expect(await server.client.get(route), 401, "missing_key")
        assert server.engine("ner").batches == []
        for route in ("/livez", "/readyz", "/metrics", "/docs", "/docs.json"):
            assert (await server.client.get(route)).status_code == 200
        statuses = [
            (await server.post("/v1/ner", {"text": "a"}, authorization=f"Bearer {BOB}")).status_code
            for _ in range(2)
        ]
        assert statuses == [200, 200]
        server.engine("ner").batches.clear()
        limited = await server.post("/v1/ner", {"text": "a"}, authorization=f"Bearer {BOB}")
        expect(limited, 429, "rate_limited", "2 requests a minute")
        assert 1 <= int(limited.headers["retry-after"]) <= 30
        assert server.engine("ner").batches == []


@pytest.mark.anyio
async def test_everything_may_need_a_key(bundles_dir: Path, path: Path) -> None:
    async with serving(bundles_dir, api_keys_file=path, api_keys_scope="all") as server:
        for route in ("/livez", "/readyz", "/metrics", "/docs", "/docs/assets/x", "/nope"):
            expect(await server.client.get(route), 401, "missing_key")
            headers = {"Authorization": f"Bearer {ANN}"}
            response = await server.client.get(route, headers=headers)
            assert response.status_code in (200, 404)


@pytest.mark.anyio
async def test_a_key_is_reloaded_while_serving(
    bundles_dir: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_LOOK_EVERY_S", 0.01)
    async with serving(bundles_dir, api_keys_file=path) as server:
        headers = {"Authorization": "Bearer new"}
        expect(await server.client.get("/v1/models", headers=headers), 403, "unknown_key")
        path.write_text(f"new {digest('new')}\n")
        async with asyncio.timeout(5):
            while (await server.client.get("/v1/models", headers=headers)).status_code != 200:
                await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_a_damaged_file_stops_the_start(bundles_dir: Path, path: Path) -> None:
    path.write_text("ann\n")
    with pytest.raises(ConfigError, match=r"keys\.txt, line 1"):
        async with serving(bundles_dir, api_keys_file=path):
            pass


@pytest.mark.anyio
@pytest.mark.usefixtures("logging_as_before")
async def test_the_log_has_the_name_and_nothing_has_the_key(
    bundles_dir: Path, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("debug")
    async with serving(bundles_dir, api_keys_file=path) as server:
        capsys.readouterr()
        answers = [
            await server.post(path, {"text": text}, authorization=f"Bearer {key}")
            for path in ("/v1/ner", "/v1/translate")
            for text in ("a", "POISON", "")
            for key in (ANN, BOB, "nope-nope")
        ]
        page = await server.client.get("/metrics")
    said = capsys.readouterr().out + page.text
    said += "".join(answer.text + str(answer.headers) for answer in answers)
    for secret in (ANN, BOB, "nope-nope", digest(ANN), digest(BOB)):
        assert secret not in said
    lines = [json.loads(line) for line in said.splitlines() if line.startswith('{"request_id"')]
    assert {line.get("key") for line in lines} == {"ann", "bob", None}
    assert not [line for line in lines if line.get("key") and line["code"] == "unknown_key"]


def test_a_damaged_file_ends_the_server_and_is_named(tmp_path: Path, bundles_dir: Path) -> None:
    (tmp_path / "keys.txt").write_text(f"{ANNS_LINE}\nbob\n")
    serve = Serve(tmp_path, bundles_dir, SEQSERVE_API_KEYS_FILE=str(tmp_path / "keys.txt"), **FAKES)
    try:
        assert serve.process.wait(START_S) == 1
    finally:
        serve.kill()
    last = serve.log.read_text().splitlines()[-1]
    assert f"{tmp_path / 'keys.txt'}, line 2: must be" in last
    assert digest(ANN) not in serve.log.read_text()


def _fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [_fifo, Path.mkdir], ids=["FIFO", "directory"])
def test_only_a_regular_file_has_keys(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(path := tmp_path / "keys")
    with pytest.raises(
        ConfigError, match=r"keys: (is not a regular file|cannot be read: Is a dir)"
    ):
        read_keys(path)
