"""The demo page over HTTP: headers, caching, access, consistent files. tests/page covers its behavior."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
import yaml

from seqserve import errors
from seqserve.choices import Warning
from seqserve.errors import InputError, SeqserveError, UnavailableError
from service.api.demo import CONTENT_SECURITY_POLICY, DIRECTORY, page_routes, read_page
from service.http.keys import new_key
from tests.service.conftest import Server, serving

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
FILES = sorted(path.name for path in DIRECTORY.iterdir())
SCRIPTS = [name for name in FILES if name.endswith(".js")]
WORDS = json.loads((DIRECTORY / "words.json").read_text())
INDEX = (DIRECTORY / "index.html").read_text()
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
}


def route_of(name: str) -> str:
    return "/" if name == "index.html" else f"/page/{name}"


def script(name: str) -> str:
    return (DIRECTORY / name).read_text()


class Tags(HTMLParser):
    """Collect the elements of index.html: name, attributes, and the text directly inside."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str], str]] = []
        self.feed(INDEX)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}, ""))

    def handle_data(self, data: str) -> None:
        if self.found:
            tag, attributes, text = self.found[-1]
            self.found[-1] = (tag, attributes, text + data)


TAGS = Tags().found


@pytest.mark.parametrize("name", FILES)
async def test_every_file_as_it_is(server: Server, name: str) -> None:
    answer = await server.client.get(route_of(name))
    assert answer.status_code == 200
    assert answer.content == (DIRECTORY / name).read_bytes()
    assert answer.headers["content-type"] == TYPES[name.rpartition(".")[2]]
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-cache"


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    policy = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    fetched = {name: rule for name, rule in policy.items() if name.endswith("-src")}
    assert set(fetched.values()) <= {"'none'", "'self'"}


@pytest.mark.parametrize(
    ("if_none_match", "status"),
    [
        ("ETAG", 304),
        ("W/ETAG", 304),
        ('"other", ETAG', 304),
        ("*", 304),
        ('"other"', 200),
        ("", 200),
    ],
)
async def test_an_unchanged_file_is_not_sent_again(
    server: Server, if_none_match: str, status: int
) -> None:
    for path in ("/", "/page/app.js"):
        etag = (await server.client.get(path)).headers["etag"]
        headers = {"if-none-match": if_none_match.replace("ETAG", etag)}
        answer = await server.client.get(path, headers=headers)
        assert answer.status_code == status
        assert (answer.content == b"") == (status == 304)
        assert answer.headers["etag"] == etag
        assert answer.headers["cache-control"] == "no-cache"


async def test_tags_differ(server: Server) -> None:
    tags = [(await server.client.get(route_of(name))).headers["etag"] for name in FILES]
    assert len(set(tags)) == len(FILES)


def test_a_tag_follows_the_content(tmp_path: Path) -> None:
    page = tmp_path / "a.css"
    tags = []
    for content in ("a {}", "b {}", "a {}"):
        page.write_text(content)
        (file,) = read_page(tmp_path)
        tags.append(file.etag)
    assert tags[0] == tags[2] != tags[1]


@pytest.mark.parametrize(
    "path",
    [
        "/index.html",
        "/page",
        "/page/",
        "/page/index.html",
        "/page/none.js",
        "/page/../settings.py",
        "/page/%2e%2e/settings.py",
        "/page/app.js/",
        "/static_content/index.css",
    ],
)
async def test_nothing_else_is_there(server: Server, path: str) -> None:
    url = httpx.URL("http://seqserve").copy_with(raw_path=path.encode())
    answer = await server.client.send(server.client.build_request("GET", url))
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


async def test_the_page_is_only_read(server: Server) -> None:
    for path in ("/", "/page/app.js"):
        answer = await server.client.post(path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD"


async def test_it_can_be_switched_off(bundles_dir: Path) -> None:
    async with serving(bundles_dir, demo=False) as server:
        for path in ("/", "/page/app.js", "/page/style.css"):
            assert (await server.client.get(path)).json()["code"] == "not_found"
        assert (await server.client.get("/docs")).status_code == 200


@pytest.mark.parametrize(("scope", "models", "docs"), [("v1", 401, 200), ("all", 401, 401)])
async def test_the_page_itself_needs_no_key(
    bundles_dir: Path, tmp_path: Path, scope: Any, models: int, docs: int
) -> None:
    key, line = new_key("ann")
    keys = tmp_path / "keys.txt"
    keys.write_text(line)
    async with serving(bundles_dir, api_keys_file=keys, api_keys_scope=scope) as server:
        for route in page_routes():
            assert (await server.client.get(route.path)).status_code == 200
        for path, status in {"/v1/models": models, "/docs": docs, "/docs.json": docs}.items():
            assert (await server.client.get(path)).status_code == status
            with_key = {"authorization": f"Bearer {key}"}
            assert (await server.client.get(path, headers=with_key)).status_code == 200
        assert (await server.client.get("/page/none.js")).status_code == (
            401 if docs == 401 else 404
        )


async def test_page_files_are_routes_of_their_own_in_the_metrics(server: Server) -> None:
    for path in ("/", "/page/app.js", "/page/none.js"):
        await server.client.get(path)
    page = (await server.client.get("/metrics")).text
    assert 'route="/page/app.js"' in page
    assert 'route="/"' in page
    assert "none.js" not in page


def test_nothing_inline() -> None:
    assert len(TAGS) > 100
    for tag, attributes, text in TAGS:
        assert tag != "style"
        assert not (tag == "script" and text.strip()), text
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_nothing_from_elsewhere() -> None:
    for name in FILES:
        text = script(name).replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|[\"'(]//|@import|\burl\(", text), name


def test_every_file_is_used_and_there() -> None:
    named = {
        attributes.get("src") or attributes.get("href", "")
        for tag, attributes, _ in TAGS
        if tag in ("script", "link")
    }
    used = {"index.html", *(name.removeprefix("page/") for name in named)}
    for name in SCRIPTS:
        used |= set(re.findall(r'"\./([\w.]+)"', script(name)))
        used |= set(re.findall(r'URL\("([\w.]+)"', script(name)))
    assert used == set(FILES)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_way_from_a_string_to_html_or_code(name: str) -> None:
    ways = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|eval\(|Function\("
    )
    assert not re.search(ways, script(name))
    assert "createElement" not in script(name) or name == "dom.js"


@pytest.mark.parametrize("name", [name for name in FILES if name != "words.json"])
def test_no_file_is_long(name: str) -> None:
    lines = script(name).splitlines()
    assert len(lines) <= 300
    if name.endswith(".js"):
        assert max(map(len, lines)) <= 120


def test_both_languages_have_all_words() -> None:
    assert list(WORDS) == ["en", "zh"]
    assert list(WORDS["en"]) == list(WORDS["zh"])
    for name, both in ((name, [words[name] for words in WORDS.values()]) for name in WORDS["en"]):
        assert len({type(one) for one in both}) == 1, name
        english, chinese = (one["other"] if isinstance(one, dict) else one for one in both)
        assert english and chinese
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", chinese)), name


def answered_codes() -> set[str]:
    """Return the error codes that an answer can have."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    public = [kind for kind in kinds if issubclass(kind, InputError | UnavailableError)]
    return {kind.code for kind in public} | {SeqserveError.code}


@pytest.mark.parametrize("code", sorted(answered_codes()))
def test_every_error_has_a_description_and_advice(code: str) -> None:
    for words in WORDS.values():
        assert words[f"error.{code}"] and words[f"error.{code}.do"]


def test_every_warning_has_words_and_a_row_in_the_docs() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    section = page.partition("\n### Warnings")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", section, re.MULTILINE)
    assert {*rows} == {*get_args(Warning)}
    for words in WORDS.values():
        assert all(words[f"warning.{code}"] for code in get_args(Warning))


def test_the_file_contains_the_english_words() -> None:
    """Check that the script writes what the file already contains, so that the layout does not move."""
    n_checked = 0
    for _, attributes, text in TAGS:
        if "data-word" in attributes:
            assert text.strip() == WORDS["en"][attributes["data-word"]]
            n_checked += 1
        if "data-word-label" in attributes:
            assert attributes["aria-label"] == WORDS["en"][attributes["data-word-label"]]
            n_checked += 1
    assert n_checked > 30


def test_no_word_is_missing_or_unused() -> None:
    texts = INDEX + "".join(map(script, SCRIPTS))
    literal = set(re.findall(r'word\("([\w.]+)"', texts))
    literal |= set(re.findall(r'data-word(?:-label)?="([\w.]+)"', texts))
    families = {"state.", "traffic.", "stage.", "label.", "warning.", "error."}
    assert literal <= set(WORDS["en"])
    for name in set(WORDS["en"]) - literal:
        family = name.partition(".")[0] + "."
        assert family in families or f'"{name}"' in texts, name
    for family in families:
        assert f"`{family}${{" in texts, family


def test_the_files_are_in_the_images() -> None:
    bento = yaml.safe_load((ROOT / "bentofile.yaml").read_text())["include"]
    for name in ("api/examples.json", *(f"api/page/{name}" for name in FILES)):
        assert any(fnmatch(f"service/{name}", glob) for glob in bento), name
    assert "COPY service service\n" in (ROOT / "Dockerfile").read_text()
    assert "!service/**\n" in (ROOT / ".dockerignore").read_text()
