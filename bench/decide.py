"""What a decision on requests, distress and repeats alone costs, in searches of one regular expression over the same text, in the same run."""

import re
import statistics
import time
from contextlib import suppress
from datetime import UTC, datetime

from hookflash.app.adapters import judge_for
from hookflash.decide import decide
from hookflash.matrix import load_matrix, parse_matrix
from hookflash.model import Conversation, Turn
from hookflash.signals.distress import DistressDetector
from hookflash.signals.request import RequestDetector
from hookflash.signals.stuck import StuckDetector

SENTENCES = (
    "Hi, I would like to move my appointment from Tuesday to some time next week if that is possible",
    "my back tooth has been throbbing since the weekend and I can hardly sleep",
    "I have been waiting for an answer for three days now and nobody calls me back",
    "can I please talk to a real person about my bill",
    "what time do you open on Saturday and is there parking",
)
# What a team writes before it knows better: one expression for one trigger.
PEER = re.compile(
    r"\b(?:talk|speak|chat)\s+(?:to|with)\s+(?:an?|the)?\s*(?:real\s+)?(?:human|person|agent|representative|someone)\b", re.IGNORECASE
)
RULES = """
hookflash: 1
business: {name: Bench, timezone: UTC}
hours: {office: always}
desks: {tickets: {kind: builtin}}
responders: {team: {hours: office, desk: tickets, line: {chat: team}}}
routes: [{when: {}, ladder: [{to: team, warm: 60s}]}]
nobody: {desk: tickets, callback: {within: 1h, hours: office}}
"""
ROUNDS, TURNS = 5, 4_000

# The hour matters to no rule of the clinic; it only has to be one.
AT = datetime(2026, 11, 24, 16, tzinfo=UTC)


def seconds(work, inputs) -> float:
    begun = time.perf_counter()
    for one in inputs:
        work(one)
    return (time.perf_counter() - begun) / len(inputs)


def main() -> None:
    matrix = parse_matrix(RULES)
    rules = (RequestDetector(), DistressDetector(), StuckDetector())
    conversation = Conversation(id="bench")

    def without_topics(turn: Turn) -> None:
        signals = [signal for detector in rules for signal in detector.detect(turn, conversation)]
        decide(signals, turn, conversation, matrix, AT)

    clinic = judge_for(load_matrix("examples/clinic/matrix.yaml"))

    def everything(turn: Turn) -> None:
        with suppress(StopIteration):  # nothing in it waits, so it ends at once
            clinic.judge(turn, conversation, AT).send(None)

    ratios, full = [], []
    for number in range(ROUNDS):
        # Every text is new, so that nothing remembered from an earlier turn helps.
        texts = [f"{SENTENCES[place % len(SENTENCES)]} {number}x{place}" for place in range(TURNS)]
        turns = [Turn(speaker="customer", text=text) for text in texts]
        search = seconds(PEER.search, texts)
        ratios.append(seconds(without_topics, turns) / search)
        full.append(seconds(everything, [Turn(speaker="customer", text=text + " again") for text in texts]) / search)
    print(f"one turn, no intents or scope:       {statistics.median(ratios):6.1f} x one `re` search of the same text (median of {ROUNDS})")
    print(f"one turn, intents and scope as well: {statistics.median(full):6.1f} x one `re` search of the same text")


if __name__ == "__main__":
    main()
