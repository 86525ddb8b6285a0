"""Bundles to predictors, by task and architecture.

An architecture with graphs of its own has a row in `OPENERS`. All others have the graphs that the default
exporter writes, which the row of `ANY_ARCHITECTURE` opens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, get_args

from seqserve.bundle import Bundle
from seqserve.choices import Activation
from seqserve.config import from_mapping
from seqserve.cpus import available_cpus
from seqserve.decode.crf import Transitions
from seqserve.decode.search import SearchVocabulary
from seqserve.errors import BundleError
from seqserve.manifest import LOW_CONFIDENCE, MIN_SCORE, NEUTRAL_HIGH, NEUTRAL_LOW
from seqserve.runtime.aggregation import AggregatingPredictor, EncoderNerPredictor
from seqserve.runtime.calibration import NeutralBand, ScoreCalibration
from seqserve.runtime.classification import ClassificationPredictor, LabelHead
from seqserve.runtime.documents import DocumentTranslator
from seqserve.runtime.encoder_ner import onnx_piece_model, transitions_of, word_potentials
from seqserve.runtime.labelings import Lattice
from seqserve.runtime.ner import (
    EMISSIONS,
    EMISSIONS_BY_TOKEN,
    NerPredictor,
    TaggerModel,
    emission_tagger,
    onnx_emissions,
    onnx_emissions_by_token,
    onnx_tagger,
)
from seqserve.runtime.search_request import Search
from seqserve.runtime.sentences import Direction
from seqserve.runtime.sentiment import SentimentPredictor
from seqserve.runtime.session import check_width, open_graph, open_graphs
from seqserve.runtime.step_search import StepSearch
from seqserve.runtime.text_logits import LOGITS, ClassifierModel, onnx_classifier
from seqserve.runtime.transformer_search import GRAPHS, TransformerSearch
from seqserve.runtime.translation import DEFAULT_MIN_SCORE, TranslationPredictor
from seqserve.tasks import ANY_ARCHITECTURE, TASKS, Task
from seqserve.text.classification import WordTextEncoder
from seqserve.text.joint_pieces import JointPieceTokenizer
from seqserve.text.piece_texts import PieceTextEncoder
from seqserve.text.piece_words import PieceTokenEncoder
from seqserve.text.pieces import PieceTokenizer
from seqserve.text.protocols import TextEncoder, TokenEncoder
from seqserve.text.subwords import SubwordTokenizer
from seqserve.text.tag_schemes import read_tags
from seqserve.text.tagging import WordTokenEncoder

TAGGER_GRAPH, EMISSION_GRAPH = "tagger.onnx", "emissions.onnx"
CLASSIFIER_GRAPH = "classifier.onnx"
ENCODER_GRAPH, STEP_GRAPH = "encoder.onnx", "step.onnx"


class Predictor(Protocol):
    """Items of one task in, results in the same order out; a batch returns what single items return."""

    def predict(self, items: Sequence[Any]) -> list[Any]:
        """Answer every item."""


Opener = Callable[[Bundle, int | None], Predictor]
"""A bundle and the threads of a translator (None: as many as there are CPUs) -> a predictor."""


def open_predictor(bundle: Bundle, n_threads: int | None) -> Predictor:
    """Load the graphs of a bundle.

    Raises:
        KeyError: config.json or manifest.json lacks a key.
        BundleError: A file is missing.
    """
    task = bundle.manifest.task
    architecture = bundle.config.get("architecture", TASKS[task].default_architecture)
    opener = OPENERS.get((task, architecture), OPENERS[task, ANY_ARCHITECTURE])
    return opener(bundle, n_threads)


def _open_bilstm_crf(bundle: Bundle, n_threads: int | None) -> Predictor:
    text, session = _token_encoder(bundle), open_graph(bundle, TAGGER_GRAPH)
    check_width(bundle, session, EMISSIONS_BY_TOKEN, len(text.scheme), "tags")
    emissions = onnx_emissions_by_token(session)
    lattice = (
        Lattice(emissions, Transitions.from_mapping(bundle.config["transitions"]))
        if emissions
        else None
    )
    return ner_predictor(bundle, text, onnx_tagger(session), lattice)


def _open_tagger(bundle: Bundle, n_threads: int | None) -> Predictor:
    text, session = _token_encoder(bundle), open_graph(bundle, EMISSION_GRAPH)
    check_width(bundle, session, EMISSIONS, len(text.scheme), "tags")
    lattice = Lattice(
        onnx_emissions(session), Transitions.from_mapping(bundle.config["transitions"])
    )
    return ner_predictor(bundle, text, emission_tagger(lattice, text.scheme), lattice)


def _open_encoder_tagger(bundle: Bundle, n_threads: int | None) -> Predictor:
    tags, pieces = bundle.config["tags"], _pieces(bundle)
    scheme = read_tags(tags)
    text = PieceTokenEncoder(pieces, scheme)
    session = open_graph(bundle, EMISSION_GRAPH)
    check_width(bundle, session, EMISSIONS, len(tags), "tags")
    model = onnx_piece_model(session, bundle.config["temperature"])
    lattice = Lattice(word_potentials(model, scheme), transitions_of(scheme))
    viterbi = ner_predictor(bundle, text, emission_tagger(lattice, scheme), lattice)
    min_score = bundle.manifest.thresholds.get(MIN_SCORE, 0.0)
    return EncoderNerPredictor(viterbi, AggregatingPredictor(pieces, model, tags, min_score))


def ner_predictor(
    bundle: Bundle, text: TokenEncoder, model: TaggerModel, lattice: Lattice | None
) -> NerPredictor:
    """Return a predictor with what was fitted on held-out sets, if anything was."""
    calibration = _score_calibration(bundle, "calibration")
    min_score = bundle.manifest.thresholds.get(MIN_SCORE, 0.0)
    return NerPredictor(text, model, calibration, min_score, lattice)


def _score_calibration(bundle: Bundle, key: str) -> ScoreCalibration:
    """Return a calibration of config.json; that of a bundle without it changes nothing."""
    return from_mapping(ScoreCalibration, bundle.config.get(key, {}), f"{bundle.path} {key}")


def _open_sentiment(bundle: Bundle, n_threads: int | None) -> Predictor:
    return _sentiment(bundle, _text_encoder(bundle))


def _open_encoder_sentiment(bundle: Bundle, n_threads: int | None) -> Predictor:
    return _sentiment(bundle, PieceTextEncoder(_pieces(bundle), bundle.manifest.labels))


def _sentiment(bundle: Bundle, text: TextEncoder) -> SentimentPredictor:
    model = _open_logits(bundle, text)
    temperature = float(bundle.config["temperature"])
    neutral = _score_calibration(bundle, "neutral_calibration")
    return SentimentPredictor(text, temperature, model, _neutral_band(bundle), neutral)


def _open_classifier(bundle: Bundle, n_threads: int | None) -> Predictor:
    return _classifier(bundle, _text_encoder(bundle))


def _open_encoder_classifier(bundle: Bundle, n_threads: int | None) -> Predictor:
    return _classifier(bundle, PieceTextEncoder(_pieces(bundle), bundle.manifest.labels))


def _classifier(bundle: Bundle, text: TextEncoder) -> ClassificationPredictor:
    head = label_head(bundle, text.labels)
    return ClassificationPredictor(text, head, _open_logits(bundle, text))


def _open_logits(bundle: Bundle, text: TextEncoder) -> ClassifierModel:
    """Load the graph of a classifier, which has a logit per label."""
    session = open_graph(bundle, CLASSIFIER_GRAPH)
    check_width(bundle, session, LOGITS, len(text.labels), "labels")
    return onnx_classifier(session)


def label_head(bundle: Bundle, labels: Sequence[str]) -> LabelHead:
    """Return how the logits of a classifier's bundle become labels.

    Raises:
        BundleError: The activation is unknown.
    """
    activation = bundle.config.get("activation", "softmax")
    if activation not in get_args(Activation):
        raise BundleError(
            f"{bundle.path}: config.json has activation {activation!r}; known are "
            f"{', '.join(get_args(Activation))}"
        )
    return LabelHead(
        tuple(labels),
        activation,
        float(bundle.config["temperature"]),
        bundle.manifest.thresholds.get(MIN_SCORE),
    )


def _neutral_band(bundle: Bundle) -> NeutralBand | None:
    """Return the neutral class that was fitted on held-out sets, if it was."""
    thresholds = bundle.manifest.thresholds
    if NEUTRAL_LOW not in thresholds:
        return None
    slope = float(bundle.config["neutral_slope"])
    return NeutralBand(thresholds[NEUTRAL_LOW], thresholds[NEUTRAL_HIGH], slope)


def _open_transformer(bundle: Bundle, n_threads: int | None) -> Predictor:
    search = open_translator(bundle, n_threads or available_cpus()).search
    return translation_predictor(bundle, search)


def _open_seq2seq(bundle: Bundle, n_threads: int | None) -> Predictor:
    encoder, step = open_graphs(bundle, (ENCODER_GRAPH, STEP_GRAPH))
    return translation_predictor(
        bundle,
        StepSearch(encoder, step, open_tokenizer(bundle.config, bundle.read).specials).search,
    )


def open_translator(bundle: Bundle, n_workers: int) -> TransformerSearch:
    """Load the graphs of a Transformer."""
    opened = open_graphs(bundle, [f"{name}.onnx" for name in GRAPHS])
    sessions = dict(zip(GRAPHS, opened, strict=True))
    specials = open_tokenizer(bundle.config, bundle.read).specials
    vocabulary = SearchVocabulary(specials.pad, specials.end, specials.banned)
    return TransformerSearch(sessions, vocabulary, specials.pad, n_workers)


def translation_predictor(bundle: Bundle, search: Search) -> DocumentTranslator:
    """Return a predictor of all language pairs of a bundle, by any search."""
    tokenizer = open_tokenizer(bundle.config, bundle.read)
    directions = [
        Direction(source, target, tokenizer.towards(target))
        for source, target in bundle.manifest.language_pairs
    ]
    limit = bundle.manifest.limits["max_source_tokens"]
    min_score = bundle.manifest.thresholds.get(LOW_CONFIDENCE, DEFAULT_MIN_SCORE)
    predictor = TranslationPredictor(directions, limit, search, min_score)
    return DocumentTranslator(predictor.predict, directions[0].source)


def _token_encoder(bundle: Bundle) -> WordTokenEncoder:
    return WordTokenEncoder.from_mapping(bundle.config["text"], str(bundle.path))


def _text_encoder(bundle: Bundle) -> WordTextEncoder:
    return WordTextEncoder.from_mapping(bundle.config["text"], str(bundle.path))


def _pieces(bundle: Bundle) -> PieceTokenizer:
    tokenizer = bundle.read("tokenizer.json")
    return PieceTokenizer.from_bundle(tokenizer, bundle.config["text"], str(bundle.path))


def open_tokenizer(
    config: Mapping[str, Any], read: Callable[[str], bytes]
) -> SubwordTokenizer | JointPieceTokenizer:
    """Load the tokenizer of a translator: pieces if config.json describes them, else subwords.

    Args:
        config: The contents of config.json.
        read: Name of a file of the bundle -> its contents.
    """
    if "tokenizer" in config:
        return JointPieceTokenizer.restore(config["tokenizer"], read)
    return SubwordTokenizer.from_json(read("tokenizer.json").decode())


OPENERS: Mapping[tuple[Task, str], Opener] = {
    ("ner", "bilstm-crf"): _open_bilstm_crf,
    ("ner", "encoder"): _open_encoder_tagger,
    ("sentiment", "encoder"): _open_encoder_sentiment,
    ("classification", "encoder"): _open_encoder_classifier,
    ("translation", "transformer"): _open_transformer,
    ("ner", ANY_ARCHITECTURE): _open_tagger,
    ("sentiment", ANY_ARCHITECTURE): _open_sentiment,
    ("classification", ANY_ARCHITECTURE): _open_classifier,
    ("translation", ANY_ARCHITECTURE): _open_seq2seq,
}
