"""`seqserve vectors train`: learn word vectors from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from seqserve.cli.progress import working
from seqserve.cli.reporting import reported

if TYPE_CHECKING:
    from seqserve.embeddings.storage import TextFile

NewDir = Annotated[Path, typer.Argument(metavar="OUT", help="directory to write; must not exist")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="of everything that is drawn")]


def train(  # noqa: PLR0913, PLR0917 - one parameter an option
    texts: Annotated[
        list[Path],
        typer.Argument(
            metavar="TEXT...",
            help="files, plain or .xz: a text a line, .jsonl with a `text`, .conll",
        ),
    ],
    out: NewDir,
    method: Annotated[
        Literal["skip-gram", "cbow", "fasttext", "glove"],
        typer.Option(help="fasttext is skip-gram with n-grams: it has vectors for unknown words"),
    ] = "skip-gram",
    softmax: Annotated[
        Literal["negative", "hierarchical"] | None,
        typer.Option(help="negative sampling (the default) or Huffman tree; not for glove"),
    ] = None,
    subsampling: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="leave out words that are more frequent than this share at random (default 0.001; "
            "0: none); not for glove",
        ),
    ] = None,
    dimensions: Annotated[int, typer.Option(min=1, max=10_000, help="numbers of a vector")] = 100,
    window: Annotated[int, typer.Option(min=1, help="words on each side that are context")] = 5,
    epochs: Annotated[int | None, typer.Option(min=1, help="passes (default 5; glove 25)")] = None,
    min_count: Annotated[int, typer.Option(min=1, help="leave out rarer words")] = 5,
    seed: Seed = 1,
    precision: Annotated[
        Literal["fp16", "int8"], typer.Option(help="of the stored numbers")
    ] = "fp16",
    licence: Annotated[
        str | None,
        typer.Option(help="licence of the vectors; default: those in META.json beside the texts"),
    ] = None,
) -> None:
    """Learn word vectors from texts; words are lower case with digits as 0, signs are left out."""
    from seqserve.embeddings.learning import EPOCHS, LearningConfig, learn
    from seqserve.embeddings.storage import VectorMeta, refuse_existing, save_vectors

    given: dict[str, Any] = {"softmax": softmax, "subsampling": subsampling}
    only = {name: value for name, value in given.items() if value is not None}
    if method == "glove" and only:
        raise typer.BadParameter(f"glove has no --{' and no --'.join(only)}; remove it")
    config = LearningConfig(
        method, dimensions, window, epochs or EPOCHS[method], min_count, seed, **only
    )
    with reported():
        refuse_existing(out)
        with working("read"):
            read = [_read_words(path) for path in texts]
        with working(f"train {out.name}"):
            vectors = learn([words for _, file_words in read for words in file_words], config)
        data = tuple(file for file, _ in read)
        terms = licence or "; ".join(dict.fromkeys(file.licence for file in data))
        meta = VectorMeta(method, config.settings(), precision, data, terms)
        save_vectors(out, vectors, meta)
    n_bytes = sum(path.stat().st_size for path in out.iterdir())
    typer.echo(
        f"{out}: {len(vectors.words):,} words, {dimensions} dimensions, {n_bytes / 1e6:.1f} MB"
    )


def _read_words(path: Path) -> tuple[TextFile, list[list[str]]]:
    """Return what is known of a file, and the words of its texts."""
    from seqserve.datasets.meta import licence_of, read_meta
    from seqserve.embeddings.storage import TextFile
    from seqserve.errors import DataError
    from seqserve.files import sha256_of
    from seqserve.text.classification import normalized_tokens
    from seqserve.training.data import read_unlabelled

    if not path.name:
        raise DataError(f"{str(path)!r} is no file: name one with texts")
    texts = read_unlabelled(path.parent, path.name)
    packed = path.with_name(f"{path.name.removesuffix('.xz')}.xz")
    file = packed if packed.exists() else path
    terms = licence_of(read_meta(path.parent)) or "not stated"
    words = [
        [word for word in normalized_tokens(text) if any(map(str.isalnum, word))] for text in texts
    ]
    name = f"{file.resolve().parent.name}/{file.name}"
    return TextFile(name, sha256_of(file), len(texts), terms), words
