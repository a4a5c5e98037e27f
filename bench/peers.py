"""What a team would put together instead, in the same run: semantic-router on the same encoder, VADER and Presidio.

`make peers` installs them in a place of their own. Their routes are the classes, each with examples from the training
lines; thresholds are fitted on those lines as semantic-router's own `fit` does. VADER's compound score stands for
distress. Presidio finds facts with its pattern recognisers (its models are downloaded at run time and are left out).
"""

import asyncio
import json
import random
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from semantic_router import Route
from semantic_router.encoders import DenseEncoder
from semantic_router.routers import IndexedRouter
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from hookflash.app.adapters import judge_for
from hookflash.app.logs import set_up_logs
from hookflash.brief.entities import entities
from hookflash.lab.figures import ranking
from hookflash.matrix import load_matrix
from hookflash.model import Conversation, HistoryTurn, Speaker, Turn
from hookflash.signals.encoder import LAYER_DIMS, encoder
from hookflash.signals.meaning import TURNS

CORPORA = Path(__file__).parents[1] / "corpora"
AT = datetime(2026, 11, 24, 16, tzinfo=UTC)
EXAMPLES, ORDINARY = 60, 400
TURNS_TIMED = 300


def rows(*names: str) -> list[dict]:
    return [json.loads(line) for name in names for line in (CORPORA / name).read_text(encoding="utf-8").splitlines()]


class SameEncoder(DenseEncoder):
    """Our encoder's last layer, as semantic-router takes it."""

    def __call__(self, docs: list[str]) -> list[list[float]]:
        return encoder().many(docs)[:, -LAYER_DIMS:].tolist()


class NoModel(NlpEngine):
    """Presidio without a language model: its patterns and checks alone."""

    def load(self) -> None: ...

    def is_loaded(self) -> bool:
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        return NlpArtifacts(entities=[], tokens=[], tokens_indices=[], lemmas=[], nlp_engine=self, language=language)

    def process_batch(self, texts, language, **rest):
        return ((text, self.process_text(text, language)) for text in texts)

    def is_stopword(self, word: str, language: str) -> bool:
        return False

    def is_punct(self, word: str, language: str) -> bool:
        return False

    def get_supported_entities(self) -> list[str]:
        return []

    def get_supported_languages(self) -> list[str]:
        return ["en"]


class Peers:
    """The three together, one turn at a time."""

    def __init__(self) -> None:
        chance = random.Random(1)
        lines = rows(*(f"train/en{number}.jsonl" for number in (1, 2, 4, 6, 8, 10)))
        routes = [
            Route(name=name, utterances=chance.sample([line["text"] for line in lines if name in line["labels"]], EXAMPLES))
            for name in TURNS
        ]
        plain = [line["text"] for line in lines if not line["labels"]]
        routes.append(Route(name="none", utterances=chance.sample(plain, ORDINARY)))
        self.router = IndexedRouter(encoder=SameEncoder(name="same"), routes=routes, top_k=5)
        self.mood = SentimentIntensityAnalyzer()
        registry = RecognizerRegistry()
        registry.load_predefined_recognizers(nlp_engine=NoModel())
        self.facts = AnalyzerEngine(registry=registry, nlp_engine=NoModel())

    def turn(self, text: str) -> tuple[str | None, float]:
        choice = self.router(text)
        mood = self.mood.polarity_scores(text)["compound"]
        self.facts.analyze(text, language="en")
        return choice.name, mood


def main() -> None:
    set_up_logs(level=50)
    judge = judge_for(load_matrix(CORPORA / "matrix.yaml"))
    peers = Peers()
    conversation = Conversation(id="bench")
    loop = asyncio.new_event_loop()

    def ours(text: str):
        record = loop.run_until_complete(judge.judge(Turn(speaker="customer", text=text), conversation, AT))
        history = (HistoryTurn(number=1, speaker=Speaker.CUSTOMER, text=text, at=AT),)
        entities(history, now=AT, zone="UTC", country="US", complaint=False)
        return record.decision

    exam = rows("test/en20.jsonl")
    for line in exam[-100:]:
        ours(line["text"]), peers.turn(line["text"])
    times, found = [], []
    for line in exam:
        begun = time.perf_counter()
        decision = ours(line["text"])
        between = time.perf_counter()
        name, mood = peers.turn(line["text"])
        times.append((time.perf_counter() - between) / (between - begun))
        found.append((decision, name, mood))
    print(
        f"semantic-router + VADER + Presidio take {statistics.median(times[:TURNS_TIMED]):.1f} x the time of one decision with its facts\n"
    )
    print("| class | ours: missed | false alarms | semantic-router: missed | false alarms | AUROC ours | AUROC of VADER |")
    print("|---|---|---|---|---|---|---|")
    for kind in TURNS:
        positive = np.array([kind in line["labels"] for line in exam])
        fired = np.array([any(reason.trigger == kind for reason in decision.reasons) for decision, _, _ in found])
        routed = np.array([name == kind for _, name, _ in found])
        scores = np.array([max((one.score for one in decision.signals if one.kind == kind), default=0.0) for decision, _, _ in found])
        moods = np.array([-mood for _, _, mood in found])
        shares = ((~fired)[positive].mean(), fired[~positive].mean(), (~routed)[positive].mean(), routed[~positive].mean())
        ranks = (ranking(side[positive].tolist(), side[~positive].tolist()) for side in (scores, moods))
        cells = [*(f"{100 * share:.1f} %" for share in shares), *(f"{rank:.3f}" for rank in ranks)]
        print(f"| {kind} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
