from datetime import UTC, datetime

import pytest

from hookflash.brief import compose
from hookflash.brief.entities import entities
from hookflash.brief.feeling import sentiment
from hookflash.brief.summary import quote, summary, tried
from hookflash.model import (
    Action,
    Conversation,
    Customer,
    Decision,
    EntityKind,
    Evidence,
    HistoryTurn,
    Kind,
    Reason,
    ReportedSentiment,
    Signal,
    Speaker,
    ToolCall,
    Turn,
    TurnRecord,
    Urgency,
)

NOW = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)


def history(*lines):
    speakers = {"c": Speaker.CUSTOMER, "a": Speaker.ASSISTANT}
    return tuple(HistoryTurn(number=n, speaker=speakers[who], text=text, at=NOW) for n, (who, text) in enumerate(lines, start=1))


def facts(text, **rest):
    found = entities(history(("c", text)), now=NOW, zone="America/Chicago", country="US", complaint=rest.get("complaint", False))
    return {(one.kind, one.value, one.normalised) for one in found}


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("call me at (312) 555-0148", (EntityKind.PHONE, "(312) 555-0148", "+13125550148")),
        ("it's Ana.Ruiz@Example.com", (EntityKind.EMAIL, "Ana.Ruiz@Example.com", "ana.ruiz@example.com")),
        ("my account number is AB-12345", (EntityKind.ACCOUNT, "AB-12345", "AB12345")),
        ("order #88213 is late", (EntityKind.ORDER, "88213", "88213")),
        ("la factura número 4411 está mal", (EntityKind.ORDER, "4411", "4411")),
        ("the card ending in 4242", (EntityKind.CARD_LAST_FOUR, "4242", "4242")),
        ("you took $1,250.50 from me", (EntityKind.AMOUNT, "$1,250.50", "1250.50 USD")),
        ("son 140 euros", (EntityKind.AMOUNT, "140 euros", "140.00 EUR")),
        ("my name is ana ruiz and I have a question", (EntityKind.NAME, "ana ruiz", "Ana Ruiz")),
        ("I'm Marcus Bell, calling about my son", (EntityKind.NAME, "Marcus Bell", "Marcus Bell")),
        ("can we do December 3rd", (EntityKind.DATE, "December 3rd", "2026-12-03")),
        ("can we do January 7", (EntityKind.DATE, "January 7", "2027-01-07")),
        ("it has hurt since Monday", (EntityKind.DATE, "Monday", "2026-11-23")),
        ("next Friday works", (EntityKind.DATE, "next Friday", "2026-11-27")),
        ("mejor el 3 de diciembre", (EntityKind.DATE, "3 de diciembre", "2026-12-03")),
        ("I was charged yesterday", (EntityKind.DATE, "yesterday", "2026-11-23")),
    ],
)
def test_facts_are_found_and_normalised(text, fact):
    """Each as it was said and as a machine reads it, the year of a date resolved from when it was said."""
    assert fact in facts(text)


@pytest.mark.parametrize("text", ["I'm really upset about this", "I am the manager", "this is ridiculous", "may I come in"])
def test_what_is_no_name_is_not_one(text):
    """Feelings and roles after `I am` are no names."""
    assert not {one for one in facts(text) if one[0] is EntityKind.NAME}


def test_a_day_that_cannot_be_is_no_date():
    """What looks like a date and is none is left out."""
    assert not {one for one in facts("ref 45/99/2020 please") if one[0] is EntityKind.DATE}


def test_complaint_types_only_where_there_is_a_complaint():
    """A word like `fee` is a complaint only in a handoff about one."""
    assert (EntityKind.COMPLAINT, "charged", "billing") in facts("why was I charged", complaint=True)
    assert not facts("is there a fee")


def test_a_fact_is_kept_once_at_its_first_mention_and_only_from_the_customer():
    """Repeats and what the assistant said add nothing."""
    talk = history(("a", "Call 312-555-0100"), ("c", "312-555-0148"), ("c", "yes 312 555 0148"))
    (phone,) = entities(talk, now=NOW, zone="America/Chicago", country="US", complaint=False)
    assert (phone.turn, phone.confidence) == (2, 0.95)


def record(number, text, speaker="customer", signals=(), **rest):
    turn = Turn(speaker=speaker, text=text, at=NOW, **rest)
    decision = Decision(conversation="c", turn=number, action=Action.CONTINUE, matrix="m", signals=tuple(signals))
    return TurnRecord(number=number, turn=turn, decision=decision)


def angry(score):
    return Signal(kind=Kind.ANGER, score=score)


def test_unknown_is_not_zero():
    """Nothing measured, an empty turn and a failed detector are unknown; a calm turn is neutral."""
    assert sentiment([]).score is None
    assert sentiment([record(1, " ")]).label == "unknown"
    failed = Signal(kind=Kind.DETECTOR_FAILURE, score=1, detector="distress")
    assert sentiment([record(1, "hello", signals=[failed])]).label == "unknown"
    calm = sentiment([record(1, "hello")])
    assert (calm.score, calm.label, calm.trend) == (0.0, "neutral", "unknown")


def test_the_trend_is_told():
    """From calm to angry is worsening, the other way improving, no change steady."""
    worse = sentiment([record(1, "hello"), record(2, "no", signals=[angry(0.8)])])
    assert (worse.score, worse.label, worse.trend) == (-0.8, "negative", "worsening")
    assert sentiment([record(1, "no", signals=[angry(0.8)]), record(2, "fine")]).trend == "improving"
    assert sentiment([record(1, "a b"), record(2, "c d")]).trend == "steady"


def test_a_reported_sentiment_counts():
    """A good one from outside is taken; a worse one than ours too."""
    good = record(1, "lovely", sentiment=ReportedSentiment(score=0.8))
    assert sentiment([good]).label == "positive"
    bad = record(1, "no", signals=[angry(0.5)], sentiment=ReportedSentiment(score=-0.9))
    assert sentiment([bad]).score == -0.9


def reason(trigger, turn=None, topic=None):
    evidence = (Evidence(text="x", turn=turn),) if turn else ()
    return Reason(trigger=trigger, rule="r", score=1, evidence=evidence, topic=topic, route="r", urgency=Urgency.NORMAL)


def test_every_sentence_rests_on_a_turn_and_none_is_quoted_twice():
    """Why, what for, and the last words, each with its turn."""
    talk = history(
        ("c", "I need to book a cleaning"), ("a", "When?"), ("c", "my tooth hurts, get me a nurse"), ("c", "the left molar please")
    )
    sentences = summary(talk, [reason(Kind.PAIN, 3), reason(Kind.EXPLICIT_REQUEST, 3)], 3)
    assert [one.turn for one in sentences] == [3, 1, 4]
    assert sentences[0].text.startswith("In pain; asked for a person: “my tooth hurts")
    assert sentences[1].text == "Came with: “I need to book a cleaning”"
    assert sentences[2].text.startswith("Said last")


def test_a_reason_without_words_is_a_plain_sentence():
    """A failed detector quotes nobody; a fenced topic is named."""
    assert summary((), [reason(Kind.DETECTOR_FAILURE)], 7)[0].model_dump() == {
        "text": "A detector failed, so a person was asked to look.",
        "turn": 7,
    }
    assert "(medical advice)" in summary((), [reason(Kind.FENCED, topic="medical_advice")], 1)[0].text


def test_long_quotes_end_at_a_word():
    """A quotation is cut, visibly, between words."""
    quoted = quote("word " * 60)
    assert quoted.endswith("word…”")
    assert len(quoted) < 170


def test_what_was_tried_is_told():
    """Answers and tool calls with their outcome; questions are no attempts."""
    talk = history(("c", "is it covered"), ("a", "Which plan do you have?"), ("a", "Your plan covers two cleanings a year."))
    calls = (ToolCall(name="lookup", ok=False, error="timed out"), ToolCall(name="search", ok=True), ToolCall(name="book", ok=False))
    attempts = tried(talk, [record(3, "x", speaker="assistant", tools=calls)])
    assert [(one.what, one.outcome) for one in attempts] == [
        ("“Your plan covers two cleanings a year.”", "said to the customer"),
        ("lookup", "failed: timed out"),
        ("search", "worked"),
        ("book", "failed: no reason given"),
    ]


def composed(matrix, customer=None):
    last = record(1, "My name is Ana Ruiz, call 312-555-0148, I want a person")
    conversation = Conversation(id="c", customer=customer or Customer()).with_turn(last)
    decision = Decision(
        conversation="c",
        turn=1,
        action=Action.ESCALATE,
        trigger=Kind.EXPLICIT_REQUEST,
        urgency=Urgency.NORMAL,
        matrix="m",
        reasons=(reason(Kind.EXPLICIT_REQUEST, 1),),
    )
    return compose("ho-1", decision, conversation, history(("c", last.turn.text)), matrix, NOW)


def test_the_brief_holds_everything(clinic):
    """Ids, reason, severity, customer, facts, history, sentiment, labels."""
    brief = composed(clinic)
    assert (brief.schema_version, brief.handoff, brief.matrix) == ("1.0", "ho-1", clinic.revision)
    assert (brief.reason_code, brief.severity) == (Kind.EXPLICIT_REQUEST, Urgency.NORMAL)
    assert (brief.customer.name, brief.customer.phone) == ("Ana Ruiz", "+13125550148")
    assert brief.verified is None
    assert brief.labels == ("phi",)
    assert brief.history
    assert brief.sentiment.score == 0.0


def test_what_the_caller_knows_of_the_customer_stands(clinic):
    """Words in a chat do not overrule a verified profile."""
    brief = composed(clinic, Customer(name="Ana María Ruiz", verified=True, timezone="America/Denver"))
    assert (brief.customer.name, brief.customer.phone, brief.verified, brief.timezone) == (
        "Ana María Ruiz",
        "+13125550148",
        True,
        "America/Denver",
    )


def test_the_matrix_says_what_travels(clinic):
    """Context that a matrix leaves out stays behind; the reason always travels."""
    bare = composed(clinic.model_copy(update={"context": ("reason",)}))
    assert (bare.summary, bare.history, bare.entities, bare.sentiment, bare.tried) == ((), (), (), None, ())
    assert bare.reasons
