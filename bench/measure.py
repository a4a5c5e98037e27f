"""What the detectors miss on labelled data that nothing was tuned on: `make measure` prints what docs/measured.md shows.

`HOOKFLASH_DATA` may name a folder with public sets (CLINC150, Banking77, MultiDoGO as JSON lines) for false alarms on
ordinary turns; the turns that the heads learned from are left out.
"""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from hookflash.app.wiring import judge_for
from hookflash.lab.evaluate import Evaluation, LabelledConversation, LabelledTurn, evaluate
from hookflash.lab.figures import share
from hookflash.matrix import load_matrix
from hookflash.model import Conversation, Kind, Turn

ROOT = Path(__file__).parents[1]
CORPORA = ROOT / "corpora"
PUBLIC = ("clinc150.dev", "banking77.train", "multidogo.train")
# The hour matters to no rule here; it only has to be one.
AT = datetime(2026, 11, 24, 16, tzinfo=UTC)


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def show(title: str, evaluation: Evaluation) -> None:
    print(f"\n{title}\n")
    print("| class | positives | missed | false alarms | on hard negatives | AUROC | ECE |")
    print("|---|---|---|---|---|---|---|")
    for one in evaluation.classes:
        ranking = "" if one.ranking is None or one.name == Kind.EXPLICIT_REQUEST else f"{one.ranking:.3f}"
        print(
            f"| {one.name} | {one.missed.total} | {one.missed} | {one.false_alarms} | {one.near_alarms} | {ranking} | {one.calibration:.3f} |"
        )
    print(f"\nMissed by every trigger: {evaluation.any_missed}. Turns without a label that set one off: {evaluation.needless}.")


async def turns(judge, title: str, files: list[Path], **rest) -> None:
    labelled = [LabelledTurn.model_validate(row | rest) for file in files for row in rows(file)]
    show(title, await evaluate(judge, labelled, AT, 0.01))


async def languages(judge) -> None:
    print("\n| language | requests missed | crises missed | red flags missed | turns without a label that fired |")
    print("|---|---|---|---|---|")
    everything = [LabelledTurn.model_validate(row) for file in sorted((CORPORA / "test").glob("*.jsonl")) for row in rows(file)]
    for language in sorted({row.language for row in everything}):
        found = await evaluate(judge, [row for row in everything if row.language == language], AT, 0.01)
        by = {one.name: one.missed for one in found.classes}
        cells = [by.get(kind) for kind in (Kind.EXPLICIT_REQUEST, Kind.CRISIS, Kind.RED_FLAG)]
        print(
            f"| {language} | {' | '.join(f'{one.hits} of {one.total}' if one else '' for one in cells)} | {found.needless.hits} of {found.needless.total} |"
        )


async def conversations(name: str, files: list[Path], keep) -> None:
    judge = judge_for(load_matrix(ROOT / "examples" / name / "matrix.yaml"))
    labelled = [LabelledConversation.model_validate(row) for file in files for row in rows(file) if keep(row)]
    found = await evaluate(judge, labelled, AT, 0.01)
    print(f"Conversations of the {name}: missed {found.never_came}; late {found.came_late}; needless {found.came_needlessly}")


async def ordinary(judge, folder: Path) -> None:
    learned = {row["text"].strip() for row in rows(CORPORA / "ordinary.jsonl")}
    print("\n| ordinary customer turns | turns | taken for a request | red flag or crisis | any other distress |")
    print("|---|---|---|---|---|")
    for name in PUBLIC:
        texts = [row["text"] for row in rows(folder / f"{name}.jsonl") if row["text"].strip() not in learned]
        fired = [{reason.trigger for reason in (await decided(judge, text)).reasons} for text in texts]
        request = sum(Kind.EXPLICIT_REQUEST in one for one in fired)
        safety = sum(bool(one & {Kind.RED_FLAG, Kind.CRISIS}) for one in fired)
        distress = sum(bool(one & {Kind.ANGER, Kind.PAIN, Kind.URGENCY, Kind.CONFUSION}) for one in fired)
        print(f"| {name} | {len(texts):,} | {share(request, len(texts))} | {share(safety, len(texts))} | {share(distress, len(texts))} |")


async def decided(judge, text: str):
    return (await judge.judge(Turn(speaker="customer", text=text), Conversation(id="measure"), AT)).decision


async def main() -> None:
    judge = judge_for(load_matrix(CORPORA / "matrix.yaml"))
    test = CORPORA / "test"
    await turns(judge, "English", [test / "en5.jsonl"])
    await turns(judge, "Spanish", [test / "es9.jsonl"])
    await turns(judge, "Twenty-two other languages", [file for file in sorted(test.glob("*9.jsonl")) if file.stem != "es9"])
    await turns(judge, "Drafts", [CORPORA / "drafts" / "test.jsonl"], draft=True)
    await languages(judge)
    print()
    await conversations("clinic", [CORPORA / "conversations.jsonl"], lambda row: bool(row["turns"]))
    await conversations("clinic", [CORPORA / "dialogues.jsonl"], lambda row: row["id"].startswith("d"))
    await conversations("shop", [CORPORA / "dialogues.jsonl"], lambda row: row["id"].startswith("s"))
    if data := os.environ.get("HOOKFLASH_DATA"):
        await ordinary(judge, Path(data))


if __name__ == "__main__":
    asyncio.run(main())
