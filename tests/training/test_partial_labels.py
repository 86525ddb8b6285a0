from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from seqserve.errors import DataError
from seqserve.training import ner
from seqserve.training.recipe_data import DataSet
from tests.tiny import TinyProject

CPU = torch.device("cpu")


def prepared(tiny: TinyProject, directory: Path, labels: tuple[str, ...]) -> ner.NerTask:
    """Train and dev: once with only these labels annotated, once with all."""
    recipe = tiny.recipes["ner"]
    (whole,) = recipe.data.train
    data = replace(
        recipe.data,
        train=(replace(whole, labels=labels), whole),
        dev=(DataSet("people", "", labels=labels),),
    )
    made = ner.prepare(replace(recipe, data=data), tiny.data, directory, CPU)
    made.model.eval()
    made._config = replace(made._config, word_dropout=0.0)
    return made


def test_outside_may_be_what_the_set_does_not_annotate(tiny: TinyProject, tmp_path: Path) -> None:
    made = prepared(tiny, tmp_path, ("PER",))
    scheme = made._text.scheme
    tags = torch.tensor([[scheme.id_of("B-PER"), scheme.id_of("O")]])
    allowed = made._allowed(made._examples[:1], tags)[0]
    assert [t for t, ok in zip(scheme.tags, allowed[0], strict=True) if ok] == ["B-PER"]
    expected = {"O", *(t for t in scheme.tags if t[2:] not in ("", "PER"))}
    assert {t for t, ok in zip(scheme.tags, allowed[1], strict=True) if ok} == expected
    assert "B-PER" not in expected and "B-LOC" in expected


@torch.no_grad()
def test_what_a_set_does_not_annotate_is_not_taught_as_absent(
    tiny: TinyProject, tmp_path: Path
) -> None:
    made = prepared(tiny, tmp_path, ("PER",))
    batches = made.epoch(np.random.default_rng(0))
    assert all(len({i < 160 for i in batch.tolist()}) == 1 for batch in batches)  # kinds apart
    place = made._text.scheme.id_of("B-LOC")
    assert place in made._examples[160].tags and place not in made._examples[0].tags
    outside = made._text.scheme.id_of("O")
    losses = {}
    for name, tag in (("place", place), ("person", made._text.scheme.id_of("B-PER"))):
        made.model.emission.bias[tag] += 20.0  # sees it everywhere
        made.model.emission.bias[outside] -= 20.0
        losses[name] = float(made.loss(np.array([0]))[0])
        made.model.emission.bias[tag] -= 20.0
        made.model.emission.bias[outside] += 20.0
    assert losses["place"] + 40 < losses["person"]


@torch.inference_mode()
def test_dev_counts_only_what_its_set_annotates(
    tiny: TinyProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = prepared(tiny, tmp_path, ("PER",))
    names = made._text.scheme.tags
    wide = np.array([range(len(names))])
    first = made._dev[0].examples[0]
    cut = made._tag_names([first], wide)[0]
    n = len(first.words)
    assert cut == [t if t.endswith("PER") else "O" for t in names[:n]]
    tag_of = {  # in these texts a word always has the same tag; the second 160 have all of them
        word: tag
        for e in made._examples[160:320]
        for word, tag in zip(e.words, e.tags, strict=True)
    }

    def sees_all(words: torch.Tensor, *_: object) -> torch.Tensor:
        tags = words.apply_(lambda word: tag_of.get(word, 0))
        return 100.0 * torch.nn.functional.one_hot(tags, len(names))

    monkeypatch.setattr(made.model, "emissions", sees_all)
    assert made.evaluate() == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    (dev,) = made._dev
    both = [replace(one, labels=("PER", "LOC")) for one in dev.examples]
    made._dev = [ner.ExampleSet(dev.dataset, both)]
    assert made.evaluate()["precision"] == 0.5  # now the places count, and gold has none


def test_what_a_set_annotates_must_be_labels_of_the_recipe(
    tiny: TinyProject, tmp_path: Path
) -> None:
    recipe = tiny.recipes["ner"]
    data = replace(recipe.data, train=(replace(recipe.data.train[0], labels=("PER", "TOWN")),))
    with pytest.raises(DataError, match=r"people has labels \['TOWN'\]"):
        ner.prepare(replace(recipe, data=data), tiny.data, tmp_path, CPU)
