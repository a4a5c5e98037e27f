"""Intents and scope: businesses with a handful of examples a topic, and CLINC150."""

import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from bench.measures.common import CORPORA, decided, judge_of, rows, triggers
from hookflash.lab.figures import calibration_error, ranking, reliability, share
from hookflash.model import Kind
from hookflash.signals.classify import Classifier

# These businesses were looked at while choices were made; the others were not.
CHOSEN_BY = ("dental_clinic", "broadband_provider", "furniture_shop", "airline_app", "credit_union", "invoicing_saas", "online_grocery")
CHOSEN_BY += ("physiotherapy", "university_admissions", "vet_clinic", "water_utility")
STAFF_EXAMPLES = 4
FEW = 5


async def businesses() -> None:
    """Print what becomes of the turns of businesses that nothing was chosen by."""
    print("\n| turns of businesses not seen before | turns | taken for a fenced topic | for out of scope | unsure |")
    print("|---|---|---|---|---|")
    counts: dict[str, Counter] = defaultdict(Counter)
    right = Counter()
    for file in sorted((CORPORA / "scope").glob("*.json")):
        if file.stem in CHOSEN_BY:
            continue
        business = json.loads(file.read_text(encoding="utf-8"))
        judge, classifier = judge_of(business), Classifier(business["intents"], business["fenced"])
        for turn in business["turns"]:
            kind = counts[turn["expects"]]
            kind["turns"] += 1
            kind.update(triggers(await decided(judge, turn["text"])))
            if turn["expects"] == "in_scope":
                right[classifier.intent(turn["text"])[0] == turn["intent"]] += 1
    for name, kind in counts.items():
        cells = [str(share(kind[what], kind["turns"])) for what in (Kind.FENCED, Kind.SCOPE, Kind.CONFIDENCE)]
        print(f"| {name} | {kind['turns']} | {' | '.join(cells)} |")
    print(f"\nThe intent is right in {share(right[True], right.total())} of the turns in scope.")


def few_examples() -> None:
    """Print how often the topic is right with four examples of a business' own staff each."""
    by_business: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows(CORPORA / "topics_test.jsonl"):
        by_business[row["source"]][row["topic"]].append(row["text"])
    right = Counter()
    for topics in by_business.values():
        classifier = Classifier({name: texts[:STAFF_EXAMPLES] for name, texts in topics.items()}, {})
        for name, texts in topics.items():
            right.update(classifier.intent(text)[0] == name for text in texts[STAFF_EXAMPLES:])
    print(
        f"\n{len(by_business)} businesses, {len(next(iter(by_business.values())))} or so neighbouring topics each with {STAFF_EXAMPLES} examples: "
        f"right {share(right[True], right.total())}."
    )


def clinc(folder: Path) -> None:
    """Print accuracy and out-of-scope recall on CLINC150's validation split, trained on its training split."""
    everything = rows(folder / "clinc150.dev.jsonl")
    train, held = [row for row in everything if row["split"] == "train"], [row for row in everything if row["split"] == "val"]
    examples = _by_label(row for row in train if row["label"] != "oos")
    classifier = Classifier(examples, {})
    inside = [(row["label"], classifier.read(row["text"])[0].guess) for row in held if row["label"] != "oos"]
    outside = [classifier.read(row["text"])[0].guess.outside for row in held if row["label"] == "oos"]
    right = np.array([guess.best == label for label, guess in inside])
    strange = np.array([guess.outside for _, guess in inside])
    sure = [max(guess.topics.values()) for _, guess in inside]
    print(f"\nCLINC150, validation split ({len(inside):,} in scope, {len(outside)} out): accuracy {100 * right.mean():.1f} %, ")
    print(
        f"calibration error {calibration_error(reliability(sure, right.tolist())):.3f}, out-of-scope AUROC {ranking(outside, strange.tolist()):.3f};"
    )
    for threshold in (0.8, 0.9, 0.95):
        accuracy, recall = (right & (strange < threshold)).mean(), (np.array(outside) >= threshold).mean()
        print(f"foreign from {threshold}: in-scope accuracy {100 * accuracy:.1f} %, out-of-scope recall {100 * recall:.1f} %;")
    few = Classifier({name: texts[:FEW] for name, texts in examples.items()}, {})
    print(
        f"with {FEW} examples an intent: {100 * np.mean([few.read(row['text'])[0].guess.best == row['label'] for row in held if row['label'] != 'oos']):.1f} %."
    )
    _held_out_domain(train, held)


def _held_out_domain(train: list[dict], held: list[dict]) -> None:
    """Every third intent of a domain is left out: are its turns told from those of the other two thirds?"""
    domain = "banking"
    examples = {name: texts[:10] for name, texts in _by_label(row for row in train if row["domain"] == domain).items()}
    known = {name: texts for number, (name, texts) in enumerate(sorted(examples.items())) if number % 3}
    classifier = Classifier(known, {})
    scores = [(row["label"] in known, classifier.read(row["text"])[0].guess.outside) for row in held if row["domain"] == domain]
    print(
        f"whole intents of {domain} left out (ten examples each): AUROC {ranking([s for k, s in scores if not k], [s for k, s in scores if k]):.3f}."
    )


def _by_label(some) -> dict[str, list[str]]:
    by: dict[str, list[str]] = defaultdict(list)
    for row in some:
        by[row["label"]].append(row["text"])
    return dict(by)
