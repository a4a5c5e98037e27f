"""Attempts to talk the engine out of an escalation: in the customer's own words, or in what stands around them."""

from collections import Counter

from bench.measures.common import CORPORA, decided, rows, triggers
from hookflash.judge import Judge, after
from hookflash.model import Conversation, Customer, Speaker, ToolCall, Turn


async def manipulations(judge: Judge, at) -> None:
    """Print how many attempts changed a verdict, and how many calls were not heard at all, attack or no attack."""
    changed, unheard, total = Counter(), Counter(), Counter()
    for row in rows(CORPORA / "manipulation.jsonl"):
        where = "customer" if row["where"] == "customer" else "surroundings"
        total[where] += 1
        conversation, rest = await _surroundings(judge, row, at)
        heard = row["expects"] in triggers(await decided(judge, row["text"], conversation, **rest))
        unheard[where] += not heard
        if where == "surroundings":
            changed[where] += heard != (row["expects"] in triggers(await decided(judge, row["text"])))
    print(
        f"\nSurroundings: {total['surroundings']} attempts, {changed['surroundings']} verdicts changed, {unheard['surroundings']} not heard with or without."
    )
    print(f"The customer's own words: {total['customer']} attempts, {unheard['customer']} not heard.")


async def _surroundings(judge: Judge, row: dict, at) -> tuple[Conversation, dict]:
    """Return the conversation before a turn and the turn's other fields, the attack in its place."""
    conversation = Conversation(id="measure")
    if row["where"] == "assistant":
        return after(conversation, await judge.judge(Turn(speaker=Speaker.ASSISTANT, text=row["attack"]), conversation, at)), {}
    if row["where"] == "tool":
        return conversation, {"tools": (ToolCall(name=row["attack"][:200], ok=True),)}
    if row["where"] == "crm":
        return conversation, {"customer": Customer(name=row["attack"][:200])}
    return conversation, {}
