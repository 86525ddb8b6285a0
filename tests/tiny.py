"""Tiny data sets, recipes, runs and bundles, made by the real pipeline in seconds."""

from __future__ import annotations

import json
import random
from pathlib import Path

from model_export.pipeline import export
from model_export.sources.run import RunSource
from seqserve.bundle import Bundle
from seqserve.training.recipe import Recipe, read_recipe
from seqserve.training.run import run_recipe

PEOPLE = ["Anna", "Boris", "Carla Mendez", "Dmitri Ivanov", "Eva", "Hermione Granger"]
PLACES = ["Berlin", "New York", "Oslo", "Zürich", "São Paulo"]
GOOD = ["great", "lovely", "brilliant", "moving", "funny"]
BAD = ["dull", "awful", "boring", "weak", "silly"]
TOPICS = {
    "sport": ["goal", "team", "match", "striker"],
    "science": ["atom", "cell", "theory", "telescope"],
    "politics": ["vote", "party", "law", "minister"],
}
FILE_WORDS = {"file": "文件", "name": "名称", "number": "数字", "list": "列表", "value": "值"}
VERBS = {"Return the": "返回", "Delete the": "删除", "Read the": "读取", "Close the": "关闭"}


def write_data(root: Path) -> None:
    """Write one data set per task with train, dev and test splits."""
    rng = random.Random(4)
    for folder in ("people", "films", "topics", "files"):
        (root / folder).mkdir(parents=True)
    for split, n in (("train", 160), ("dev", 24), ("test", 24)):
        sentences = "\n\n".join(_tagged(rng) for _ in range(n))
        (root / "people" / f"{split}.conll").write_text(sentences + "\n", encoding="utf-8")
        films = "\n".join(json.dumps(_film(rng, i % 2)) for i in range(n))
        (root / "films" / f"{split}.jsonl").write_text(films + "\n", encoding="utf-8")
        topics = "\n".join(json.dumps(_topic(rng, i)) for i in range(n))
        (root / "topics" / f"{split}.jsonl").write_text(topics + "\n", encoding="utf-8")
        pairs = [_pair(rng) for _ in range(n)]
        for side, language in enumerate(("en", "zh")):
            lines = "\n".join(pair[side] for pair in pairs)
            (root / "files" / f"{split}.{language}").write_text(lines + "\n", encoding="utf-8")


def _tagged(rng: random.Random) -> str:
    person, place = rng.choice(PEOPLE).split(), rng.choice(PLACES).split()
    rows = [f"{word}\t{'I' if i else 'B'}-PER" for i, word in enumerate(person)]
    rows += [f"{word}\tO" for word in rng.choice(["lives in", "left", "went to"]).split()]
    rows += [f"{word}\t{'I' if i else 'B'}-LOC" for i, word in enumerate(place)]
    return "\n".join([*rows, ".\tO"])


def _film(rng: random.Random, label: int) -> dict[str, object]:
    words = rng.choices(GOOD if label else BAD, k=3)
    n_lines = rng.randint(1, 3)
    text = f"A {words[0]} film. " + f"It was {words[1]} and {words[2]}.<br />" * n_lines
    return {"text": text, "label": label}


def _topic(rng: random.Random, i: int) -> dict[str, object]:
    label = list(TOPICS)[i % len(TOPICS)]
    words = rng.choices(TOPICS[label], k=2)
    return {"text": f"The {words[0]} and the {words[1]} were in the news.", "label": label}


def _pair(rng: random.Random) -> tuple[str, str]:
    verb, noun, number = rng.choice(list(VERBS)), rng.choice(list(FILE_WORDS)), rng.randint(0, 9)
    return f"{verb} {noun} {number}.", f"{VERBS[verb]}{FILE_WORDS[noun]} {number}。"


_LOOP = "max_steps = 20\nbatch_tokens = 200\nevaluate_every = 10\nlearning_rate = 0.02\n"
_DATA = "".join(
    f'[[data.{split}]]\npath = "{{folder}}"\nlicence = "CC0-1.0"\n'
    for split in ("train", "dev", "test")
)
RECIPES = {
    "ner": (
        'name = "ner-tiny"\nversion = "0.0.1"\ntask = "ner"\nlanguages = ["en"]\nlicence = "CC0-1.0"\n'
        '[text]\nlabels = ["PER", "LOC"]\n'
        "[model]\nword_dim = 16\nchar_dim = 8\nchar_filters = 8\nhidden = 16\ndropout = 0.1\n"
        "[loop]\n" + _LOOP + _DATA.format(folder="people")
    ),
    "sentiment": (
        'name = "sentiment-tiny"\nversion = "0.0.1"\ntask = "sentiment"\nlanguages = ["en"]\n'
        'licence = "CC0-1.0"\n[text]\nlabels = ["negative", "positive"]\n'
        "[model]\nword_dim = 16\nhidden = 16\n[loop]\n" + _LOOP + _DATA.format(folder="films")
    ),
    "classification": (
        'name = "topics-tiny"\nversion = "0.0.1"\ntask = "classification"\nlanguages = ["en"]\n'
        'licence = "CC0-1.0"\n[model]\nword_dim = 16\nhidden = 16\n[loop]\n'
        + _LOOP
        + _DATA.format(folder="topics")
    ),
    "translation": (
        'name = "translate-tiny"\nversion = "0.0.1"\ntask = "translation"\nlanguages = ["en", "zh"]\n'
        'licence = "CC0-1.0"\n[text]\nvocab_size = 400\n'
        "[model]\nd_model = 32\nheads = 4\nencoder_layers = 2\ndecoder_layers = 1\nffn_dim = 64\n"
        "[loop]\n" + _LOOP + _DATA.format(folder="files")
    ),
}


def write_recipes(folder: Path) -> dict[str, Path]:
    """Write one recipe per task."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {task: folder / f"{task}.toml" for task in RECIPES}
    for task, path in paths.items():
        path.write_text(RECIPES[task], encoding="utf-8")
    return paths


class TinyProject:
    """Data, recipes, runs and bundles of a tiny model per task in one folder."""

    def __init__(self, folder: Path) -> None:
        self.data, self.runs, self.bundles = folder / "data", folder / "runs", folder / "bundles"
        write_data(self.data)
        self.recipe_files = write_recipes(folder / "recipes")
        self.recipes: dict[str, Recipe] = {
            task: read_recipe(path) for task, path in self.recipe_files.items()
        }
        self.made: dict[str, Bundle] = {}
        for task, recipe in self.recipes.items():
            run_recipe(recipe, self.data, self.run(task))
            source = RunSource(recipe, self.run(task), self.data)
            self.made[task] = export(source, self.bundle(task))

    def run(self, task: str) -> Path:
        """Return the directory of the task's run."""
        return self.runs / self.recipes[task].name

    def bundle(self, task: str) -> Path:
        """Return the directory of the task's bundle."""
        return self.bundles / self.recipes[task].name
