"""What the measures share: where the data lies, and one decision."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from hookflash.app.adapters import judge_for
from hookflash.judge import Judge
from hookflash.matrix import Matrix, load_matrix
from hookflash.model import Conversation, Decision, Turn

ROOT = Path(__file__).parents[2]
CORPORA = ROOT / "corpora"
# The hour matters to no rule here; it only has to be one.
AT = datetime(2026, 11, 24, 16, tzinfo=UTC)


def rows(path: Path) -> list[dict]:
    """Return the rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def judge_of(business: Mapping) -> Judge:
    """Return a judge with the topics of a business of `corpora/scope` and every trigger at its default."""
    plain = load_matrix(CORPORA / "matrix.yaml")
    scope = {part: {topic: {"examples": texts} for topic, texts in business[part].items()} for part in ("intents", "fenced")}
    return judge_for(Matrix.model_validate(plain.model_dump(by_alias=True) | {"scope": scope}))


async def decided(judge: Judge, text: str, conversation: Conversation | None = None, **rest) -> Decision:
    """Return the decision on a customer's turn."""
    turn = Turn(speaker="customer", text=text, **rest)
    return (await judge.judge(turn, conversation or Conversation(id="measure"), AT)).decision


def triggers(decision: Decision) -> set[str]:
    """Return the triggers that fired."""
    return {reason.trigger for reason in decision.reasons}
