"""`seqserve vectors`: learn word vectors, query them, and change them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqserve.cli.app import App
from seqserve.cli.options import AsJson
from seqserve.cli.reporting import reported
from seqserve.cli.vectors_training import NewDir, Seed, train

if TYPE_CHECKING:
    from seqserve.embeddings.queries import Neighbour, Section
    from seqserve.embeddings.vectors import WordVectors

app = App(
    help="Word vectors: learn them from text, and query, group, draw and debias them.\n\n"
    "Exit codes: 0 success; 1 a word is unknown, or a file is damaged or missing; 2 wrong command line.",
)
app.command()(train)

VectorsDir = Annotated[
    Path, typer.Argument(metavar="DIR", help="vectors, as `train` has written them")
]
Count = Annotated[int, typer.Option("-n", min=1, help="words to list")]


@app.command()
def neighbours(
    directory: VectorsDir,
    words: Annotated[list[str], typer.Argument(metavar="WORD...")],
    n: Count = 10,
    as_json: AsJson = False,
) -> None:
    """List the nearest words by cosine."""
    from seqserve.embeddings import queries

    with reported():
        vectors = _load(directory)
        found = {word: queries.neighbours(vectors, word, n) for word in words}
    _show(
        as_json,
        {word: _as_objects(near) for word, near in found.items()},
        (f"{word}: {_as_line(near)}" for word, near in found.items()),
    )


@app.command()
def similarity(directory: VectorsDir, a: str, b: str, as_json: AsJson = False) -> None:
    """Show the cosine of two words."""
    from seqserve.embeddings import queries

    with reported():
        cosine = queries.similarity(_load(directory), a, b)
    _show(as_json, {"cosine": cosine}, [f"{cosine:.3f}"])


@app.command()
def analogy(
    directory: VectorsDir,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[A B C]", help="A is to B as C is to …")
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(help="file: four words a line, `: NAME` begins a section; shows the accuracy"),
    ] = None,
    n: Count = 5,
    as_json: AsJson = False,
) -> None:
    """Find the word that is to C as B is to A (3CosAdd), or measure how often that works."""
    from seqserve.embeddings import queries

    if bool(words) == bool(questions) or (words and len(words) != 3):
        raise typer.BadParameter("give three words, or --questions FILE")
    with reported():
        vectors = _load(directory)
        if words:
            a, b, c = words
            near = queries.analogy(vectors, a, b, c, n)
            _show(as_json, _as_objects(near), [_as_line(near)])
        elif questions:
            asked = _read_tuples(questions, 4)
            sections = queries.answer_questions(vectors, asked)
            _show_sections([*sections, queries.total(sections)], as_json)


@app.command()
def clusters(
    directory: VectorsDir,
    k: Annotated[int, typer.Option("-k", min=1, help="number of clusters")] = 20,
    n: Count = 10,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Group all words by k-means; list the words nearest to each centre, with --json all."""
    from seqserve.embeddings import maps

    with reported():
        found = maps.clusters(_load(directory), k, seed)
    _show(as_json, found, (f"{len(words):>6} words: {', '.join(words[:n])}" for words in found))


@app.command()
def bias(
    directory: VectorsDir,
    out: NewDir,
    pairs: Annotated[
        Path, typer.Option(help="file: two words a line that differ in the bias, such as `she he`")
    ],
    neutral: Annotated[
        Path | None,
        typer.Option(help="file: a word without the bias a line; default: all that are in no pair"),
    ] = None,
    n: Count = 10,
    as_json: AsJson = False,
) -> None:
    """Remove a bias: find its direction from pairs, neutralise words, equalise the pairs (hard debiasing).

    Shows the association of words with the direction (cosine) before and after: positive is towards the first
    words of the pairs.
    """
    from seqserve.embeddings.bias import debias
    from seqserve.embeddings.storage import load_vectors, refuse_existing, save_vectors

    with reported():
        refuse_existing(out)
        vectors, meta = load_vectors(directory)
        of_pairs = [(a, b) for rows in _read_tuples(pairs, 2).values() for a, b in rows]
        words = [
            row[0]
            for rows in (_read_tuples(neutral, 1) if neutral else {}).values()
            for row in rows
        ]
        done = debias(vectors, of_pairs, words)
        change = f"debiased with {len(of_pairs)} pairs, {len(done.neutral):,} words neutralised"
        save_vectors(out, done.vectors, replace(meta, changes=(*meta.changes, change)))
    rows = list(zip(done.neutral, done.before.tolist(), done.after.tolist(), strict=True))
    direct = [sum(map(abs, side)) / max(1, len(rows)) for side in (done.before, done.after)]
    found = {
        "share_of_variance": done.share,
        "direct_bias": dict(zip(("before", "after"), map(float, direct), strict=True)),
        "words": [{"word": word, "before": b, "after": a} for word, b, a in rows[:n]],
    }
    lines = [
        f"the direction explains {done.share:.0%} of the variance of {len(of_pairs)} pairs",
        f"mean association of {len(rows):,} words: {direct[0]:.3f} before, {direct[1]:.3f} after",
        *(f"{word:<20} {before:+.3f} {after:+.3f}" for word, before, after in rows[:n]),
    ]
    _show(as_json, found, lines)


@app.command("map")
def draw(
    directory: VectorsDir,
    out: Annotated[Path, typer.Option(help="SVG to write")],
    words: Annotated[
        str | None, typer.Option(help="words with commas between; default: the 100 most frequent")
    ] = None,
    projection: Annotated[Literal["pca", "t-sne"], typer.Option()] = "pca",
    seed: Seed = 1,
) -> None:
    """Draw words on a map, near ones close together."""
    import numpy as np

    from seqserve.embeddings import maps

    with reported():
        vectors = _load(directory)
        drawn = re.findall(r"[^,\s]+", words) if words is not None else vectors.words[:100]
        rows = np.array([vectors.vector(word) for word in drawn])
        places = maps.project(rows, projection, seed)
        maps.draw_map(drawn, places, f"{directory.resolve().name}, {projection}", out)
    typer.echo(f"{out}: {len(drawn)} words")


def _load(directory: Path) -> WordVectors:
    from seqserve.embeddings.storage import load_vectors

    return load_vectors(directory)[0]


def _read_tuples(path: Path, n_words: int) -> dict[str, list[tuple[str, ...]]]:
    """Read a file of words, see `word_tuples`."""
    from seqserve.embeddings.queries import word_tuples
    from seqserve.training.data import read_lines

    lines = read_lines(path.parent, "", path.name.removesuffix(".xz"))
    return word_tuples(lines, n_words, str(path))


def _show_sections(sections: list[Section], as_json: bool) -> None:
    objects = [
        {"section": one.name, "right": one.n_right, "asked": one.n_asked, "unknown": one.n_unknown}
        for one in sections
    ]
    lines = (
        f"{one.name}: {one.n_right} of {one.n_asked}"
        + ("" if one.accuracy is None else f", accuracy {one.accuracy:.3f}")
        + f"; {one.n_unknown} with an unknown word"
        for one in sections
    )
    _show(as_json, objects, lines)


def _as_objects(near: list[Neighbour]) -> list[dict[str, Any]]:
    return [one._asdict() for one in near]


def _as_line(near: list[Neighbour]) -> str:
    return ", ".join(f"{word} {cosine:.3f}" for word, cosine in near)


def _show(as_json: bool, found: Any, lines: Iterable[str]) -> None:
    """Write a result as JSON, or as lines."""
    typer.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(lines))
