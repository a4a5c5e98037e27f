"""`python -m bench.measures`: every table of docs/measured.md, in its order."""

import asyncio
import json
import os
from pathlib import Path

from bench.measures.common import AT, CORPORA, ROOT, decided, judge_of, rows, triggers
from bench.measures.manipulation import manipulations
from bench.measures.topics import businesses, clinc, few_examples
from hookflash.app.adapters import judge_for
from hookflash.lab.evaluate import Evaluation, LabelledConversation, LabelledTurn, evaluate
from hookflash.lab.figures import share
from hookflash.matrix import load_matrix
from hookflash.model import Kind

PUBLIC = ("clinc150.dev", "banking77.train", "multidogo.train")
HANDOFFS = ("nlupp.dev", "rasa_handoff.dev")


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


async def scoped_conversations() -> None:
    """Dialogues with the businesses of `corpora/scope`, each with its own topics."""
    labelled = rows(CORPORA / "scope" / "dialogues.jsonl")
    came = []
    for name in sorted({row["business"] for row in labelled}):
        business = json.loads((CORPORA / "scope" / f"{name}.json").read_text(encoding="utf-8"))
        judge = judge_of(business)
        mine = [LabelledConversation.model_validate(row) for row in labelled if row["business"] == name]
        came += (await evaluate(judge, mine, AT, 0.01)).conversations
    needing, happy = ([one for one in came if one.row.want.action == action] for action in ("escalate", "continue"))
    missed = share(sum(one.turn is None for one in needing), len(needing))
    needless = share(sum(one.turn is not None for one in happy), len(happy))
    print(f"Conversations of eight more businesses (these were looked at while choosing): missed {missed}; needless {needless}")


async def handoffs(judge, folder: Path) -> None:
    """Requests for a person in public sets that nothing was trained on."""
    print("\n| public requests for a person | requests | missed | others | taken for one |")
    print("|---|---|---|---|---|")
    for name in HANDOFFS:
        found = {True: [], False: []}
        for row in rows(folder / f"{name}.jsonl"):
            found[row["handoff"]].append(Kind.EXPLICIT_REQUEST in triggers(await decided(judge, row["text"])))
        asked, others = found[True], found[False]
        cells = (str(share(len(asked) - sum(asked), len(asked))), f"{len(others):,}", str(share(sum(others), len(others))))
        print(f"| {name} | {len(asked)} | {' | '.join(cells)} |")


async def ordinary(judge, folder: Path) -> None:
    learned = {row["text"].strip() for name in ("ordinary", "topics", "replies") for row in rows(CORPORA / f"{name}.jsonl")}
    print("\n| ordinary customer turns | turns | taken for a request | red flag or crisis | any other distress |")
    print("|---|---|---|---|---|")
    for name in PUBLIC:
        texts = [row["text"] for row in rows(folder / f"{name}.jsonl") if row["text"].strip() not in learned]
        fired = [triggers(await decided(judge, text)) for text in texts]
        request = sum(Kind.EXPLICIT_REQUEST in one for one in fired)
        safety = sum(bool(one & {Kind.RED_FLAG, Kind.CRISIS}) for one in fired)
        distress = sum(bool(one & {Kind.ANGER, Kind.PAIN, Kind.URGENCY, Kind.CONFUSION}) for one in fired)
        print(f"| {name} | {len(texts):,} | {share(request, len(texts))} | {share(safety, len(texts))} | {share(distress, len(texts))} |")


async def main() -> None:
    judge = judge_for(load_matrix(CORPORA / "matrix.yaml"))
    test = CORPORA / "test"
    await turns(judge, "English, the newer set", [test / "en20.jsonl"])
    await turns(judge, "English, the older set", [test / "en5.jsonl"])
    await turns(judge, "Spanish, the newer set", [test / "es21.jsonl"])
    await turns(judge, "Spanish, the older set", [test / "es9.jsonl"])
    await turns(judge, "Twelve other languages, the newer set", [test / "xx21.jsonl"])
    await turns(judge, "Twenty-two other languages, the older set", [file for file in sorted(test.glob("*9.jsonl")) if file.stem != "es9"])
    await turns(judge, "Drafts", [CORPORA / "drafts" / "test.jsonl"], draft=True)
    await languages(judge)
    print()
    await conversations("clinic", [CORPORA / "conversations.jsonl"], lambda row: bool(row["turns"]))
    await conversations("clinic", [CORPORA / "dialogues.jsonl"], lambda row: row["id"].startswith("d"))
    await conversations("shop", [CORPORA / "dialogues.jsonl"], lambda row: row["id"].startswith("s"))
    await scoped_conversations()
    await manipulations(judge, AT)
    await businesses()
    few_examples()
    if data := os.environ.get("HOOKFLASH_DATA"):
        await ordinary(judge, Path(data))
        await handoffs(judge, Path(data))
        clinc(Path(data))


if __name__ == "__main__":
    asyncio.run(main())
