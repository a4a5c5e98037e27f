"""What the detectors catch and miss on data that nothing was tuned on. Prints what `docs/measured.md` shows.

`HOOKFLASH_DATA` may name a folder with public sets (clinc150, banking77, multidogo as JSON lines) for false alarms on
ordinary turns.
"""

import asyncio
import json
import math
import os
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

from hookflash.app.wiring import judge_for
from hookflash.changes import sets_off
from hookflash.judge import Judge, after
from hookflash.matrix import load_matrix
from hookflash.model import Action, Conversation, Decision, Kind, Turn

ROOT = Path(__file__).parents[1]
EVALS = ROOT / "tests" / "evals"
PUBLIC = ("clinc150.dev", "banking77.train", "multidogo.train")
CLASSES = ("explicit_request", "crisis", "red_flag", "pain", "anger", "urgency", "confusion")

# The hour matters to no rule of the clinic; it only has to be one.
AT = datetime(2026, 11, 24, 16, tzinfo=UTC)


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def interval(hits: int, total: int) -> str:
    """Return a share with its 95 % Wilson interval."""
    if not total:
        return "no data"
    z, share = 1.96, hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return f"{100 * share:.1f} % ({100 * max(0, middle - half):.1f} to {100 * min(1, middle + half):.1f})"


def kind_of(label: str) -> str:
    return label if label == Kind.EXPLICIT_REQUEST else f"distress.{label}"


async def decided(judge: Judge, row: dict) -> Decision:
    turn = Turn(speaker="customer", text=row["text"], channel=row.get("channel", "chat"))
    return (await judge.judge(turn, Conversation(id="measure"), AT)).decision


async def lines(judge: Judge) -> None:
    wanted, any_person, right = Counter(), Counter(), Counter()
    false, by_kind = 0, Counter()
    for row in rows(EVALS / "lines.jsonl"):
        decision = await decided(judge, row)
        fired = {reason.trigger for reason in decision.reasons if reason.trigger.startswith(("explicit", "distress"))}
        label = row["label"]
        wanted[label] += 1
        if label == "none":
            false += bool(fired)
            by_kind.update(fired)
        else:
            right[label] += kind_of(label) in fired
            any_person[label] += bool(fired)
    print("| class | turns | missed by its own trigger | caught by its own trigger | escalated as a request or distress of any kind |")
    print("|---|---|---|---|---|")
    for label in CLASSES:
        n = wanted[label]
        print(f"| {label} | {n} | {n - right[label]} | {interval(right[label], n)} | {interval(any_person[label], n)} |")
    print(f"\nOf {wanted['none']} turns without any, {false} fired: {interval(false, wanted['none'])}. By trigger: {dict(by_kind)}\n")


async def first_escalation(judge: Judge, turns: list[dict]) -> tuple[int, str] | None:
    conversation = Conversation(id="measure")
    for number, one in enumerate(turns, start=1):
        record = await judge.judge(Turn(speaker=one["speaker"], text=one["text"]), conversation, AT)
        if record.decision.action is Action.ESCALATE and sets_off(record.decision, conversation):
            return number, record.decision.trigger or ""
        conversation = after(conversation, record)
    return None


async def conversations(judge: Judge) -> None:
    missed, late, needless, counts = [], [], [], Counter()
    for row in rows(EVALS / "conversations.jsonl"):
        want, found = row["want"], await first_escalation(judge, row["turns"])
        counts[want["action"]] += 1
        if want["action"] == "continue":
            needless += [(row["id"], found)] if found else []
        elif found is None:
            missed.append(row["id"])
        elif found[0] > want["by_turn"]:
            late.append((row["id"], found))
    print(f"Conversations that need a person: {counts['escalate']}; missed {len(missed)} {missed}; too late {len(late)} {late}")
    print(f"Conversations that need none: {counts['continue']}; escalated all the same {len(needless)} {needless}\n")


async def ordinary(judge: Judge, folder: Path, learned: set[str]) -> None:
    print("| ordinary customer turns | turns | taken for a request | red flag or crisis | any other distress |")
    print("|---|---|---|---|---|")
    for name in PUBLIC:
        counts = Counter()
        for row in rows(folder / f"{name}.jsonl"):
            if row["text"].strip() in learned:
                continue  # the heads have seen it
            fired = {reason.trigger for reason in (await decided(judge, row)).reasons}
            counts["turns"] += 1
            counts["request"] += Kind.EXPLICIT_REQUEST in fired
            counts["safety"] += bool(fired & {Kind.RED_FLAG, Kind.CRISIS})
            counts["distress"] += bool(fired & {Kind.ANGER, Kind.PAIN, Kind.URGENCY, Kind.CONFUSION})
        n = counts["turns"]
        print(
            f"| {name} | {n:,} | {interval(counts['request'], n)} | {interval(counts['safety'], n)} | {interval(counts['distress'], n)} |"
        )


async def dialogues(judge: Judge, folder: Path, learned: set[str]) -> None:
    """Whole service conversations of other businesses: how often each is escalated at all, and by what first."""
    spoken = defaultdict(list)
    for row in rows(folder / "multidogo.train.jsonl"):
        spoken[row["conv"]].append((row["turn"], row["text"]))
    first = Counter()
    for turns in spoken.values():
        if sum(text.strip() in learned for _, text in turns) > len(turns) / 2:
            continue  # the heads have seen most of it
        found = await first_escalation(judge, [{"speaker": "customer", "text": text} for _, text in sorted(turns)])
        first[found[1] if found else "never"] += 1
    total = sum(first.values())
    print(f"\nMultiDoGO, {total:,} whole conversations, customer turns only, first escalation by:")
    for trigger, count in first.most_common():
        print(f"  {trigger:20} {count:6,}  {100 * count / total:.1f} %")


async def main() -> None:
    judge = judge_for(load_matrix(ROOT / "examples" / "clinic" / "matrix.yaml"))
    await lines(judge)
    await conversations(judge)
    data = os.environ.get("HOOKFLASH_DATA")
    if data:
        no_scope = load_matrix(ROOT / "examples" / "clinic" / "matrix.yaml").model_copy(update={"scope": type(judge.matrix.scope)()})
        elsewhere = judge_for(no_scope)  # a clinic's scope says nothing of a bank's customers
        learned = {row["text"] for row in rows(ROOT / "src" / "hookflash" / "signals" / "data" / "ordinary.jsonl")}
        await ordinary(elsewhere, Path(data), learned)
        await dialogues(elsewhere, Path(data), learned)


if __name__ == "__main__":
    asyncio.run(main())
