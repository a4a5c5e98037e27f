import pytest

from hookflash.decide import decide as decide_at
from hookflash.matrix import parse_matrix
from hookflash.model import Action, Conversation, Evidence, Kind, Owner, Reason, Signal, Turn, TurnRecord, Urgency
from hookflash.testing.samples import AT
from tests.conftest import SHOP


def decide(*about):
    """Decide on a Tuesday morning."""
    return decide_at(*about, AT)


NEW = Conversation(id="c")
TURN = Turn(speaker="customer", text="x")
DRAFT = Turn(speaker="assistant", text="x", draft=True)


def signal(kind, score=0.9, **rest):
    return Signal(kind=kind, score=score, evidence=(Evidence(text="x", turn=1),), **rest)


def with_triggers(text):
    return parse_matrix(SHOP.replace("routes:", f"triggers: {text}\nroutes:"))


def test_nothing_measured_continues(shop):
    """Without a reason the assistant goes on."""
    decision = decide([], TURN, NEW, shop)
    assert (decision.action, decision.trigger, decision.say) == (Action.CONTINUE, None, None)


def test_an_explicit_request_escalates_with_its_words(shop):
    """The decision carries trigger, route, evidence, words and the matrix revision."""
    decision = decide([signal(Kind.EXPLICIT_REQUEST, 0.1)], TURN, NEW, shop)
    assert decision.action is Action.ESCALATE
    assert decision.trigger == Kind.EXPLICIT_REQUEST
    assert decision.route == "general"
    assert decision.matrix == shop.revision
    assert decision.reasons[0].evidence[0].turn == 1
    assert "person" in decision.say


def test_all_reasons_are_kept_and_the_most_urgent_leads(shop):
    """Every trigger that fired is on record; the crisis leads."""
    decision = decide([signal(Kind.EXPLICIT_REQUEST), signal(Kind.CRISIS), signal(Kind.PAIN)], TURN, NEW, shop)
    assert [reason.trigger for reason in decision.reasons] == [Kind.CRISIS, Kind.PAIN, Kind.EXPLICIT_REQUEST]
    assert (decision.trigger, decision.urgency, decision.route) == (Kind.CRISIS, Urgency.IMMEDIATE, "emergency")
    assert "emergency number" in decision.say


def test_a_route_may_raise_but_not_lower_an_emergency():
    """A matrix that calls a crisis normal is overruled; one that calls a request immediate is obeyed."""
    calm = parse_matrix(SHOP.replace("distress.red_flag]}, ladder", "distress.red_flag]}, urgency: normal, ladder"))
    assert decide([signal(Kind.CRISIS)], TURN, NEW, calm).urgency is Urgency.IMMEDIATE
    eager = parse_matrix(SHOP.replace("when: {}, ladder", "when: {}, urgency: immediate, ladder"))
    assert decide([signal(Kind.EXPLICIT_REQUEST)], TURN, NEW, eager).urgency is Urgency.IMMEDIATE


@pytest.mark.parametrize(
    ("one", "fires"),
    [
        (signal(Kind.PAIN, 0.5), True),
        (signal(Kind.PAIN, 0.49), False),
        (signal(Kind.URGENCY, 0.7), True),
        (signal(Kind.URGENCY, 0.69), False),
        (signal(Kind.CONFIDENCE, 0.54, topic="hours"), True),
        (signal(Kind.CONFIDENCE, 0.55, topic="hours"), False),
        (signal(Kind.SCOPE, 0.6), True),
        (signal(Kind.SCOPE, 0.59), False),
        (signal(Kind.FENCED, 0.5, topic="money"), True),
        (signal(Kind.FENCED, 0.49, topic="money"), False),
        (signal(Kind.STUCK, 0.75), True),
        (signal(Kind.STUCK, 0.5), False),
        (signal(Kind.DETECTOR_FAILURE, 1.0), True),
        (signal("vip", 1.0), False),
        (signal("distress.boredom", 1.0), False),
    ],
)
def test_thresholds_are_those_of_the_matrix(one, fires, shop):
    """Each trigger fires exactly from its threshold on; unknown kinds fire nothing."""
    assert bool(decide([one], TURN, NEW, shop).reasons) is fires


def test_what_is_off_is_off_and_some_things_are_never_off():
    """Off switches a trigger off; a fenced topic still fires with scope off, as does a request."""
    matrix = with_triggers("{distress: {anger: off, pain: off, urgency: off, confusion: off}, confidence: off, scope: off, stuck: off}")
    silent = [Kind.ANGER, Kind.PAIN, Kind.URGENCY, Kind.CONFUSION, Kind.SCOPE, Kind.STUCK]
    assert not decide([signal(kind, 1.0) for kind in silent] + [signal(Kind.CONFIDENCE, 0.0)], TURN, NEW, matrix).reasons
    loud = [Kind.EXPLICIT_REQUEST, Kind.CRISIS, Kind.RED_FLAG, Kind.FENCED, Kind.DETECTOR_FAILURE]
    assert len(decide([signal(kind, 1.0) for kind in loud], TURN, NEW, matrix).reasons) == len(loud)


def test_anger_adds_up_over_turns(shop):
    """Two turns of annoyance reach what neither reaches alone; further back does not count."""

    def past(*scores):
        conversation = NEW
        for number, score in enumerate(scores, start=1):
            decision = decide([signal(Kind.ANGER, score)], TURN, NEW, shop).model_copy(update={"action": Action.CONTINUE})
            conversation = conversation.with_turn(TurnRecord(number=number, turn=TURN, decision=decision))
        return conversation

    now = [signal(Kind.ANGER, 0.6)]
    assert not decide(now, TURN, NEW, shop).reasons
    (reason,) = decide(now, TURN, past(0.6), shop).reasons
    assert reason.score == 0.84
    assert reason.rule == "distress.anger at 0.8 over 2 turns"
    assert not decide(now, TURN, past(0.6, 0.0), shop).reasons


def test_topic_channel_and_language_choose_the_route(clinic):
    """The first route that matches is taken."""

    def routed(one, **turn):
        return decide([one], Turn(speaker="customer", text="x", **turn), NEW, clinic).route

    assert routed(signal(Kind.FENCED, topic="medical_advice")) == "advice"
    assert routed(signal(Kind.FENCED, topic="billing")) == "money"
    assert routed(signal(Kind.PAIN)) == "clinical"
    by_channel = parse_matrix(
        SHOP.replace("- {name: general", "- {name: phone, when: {channel: voice}, ladder: [{to: lead, warm: 9s}]}\n  - {name: general")
    )
    assert decide([signal(Kind.EXPLICIT_REQUEST)], Turn(speaker="customer", text="x", channel="voice"), NEW, by_channel).route == "phone"
    by_language = parse_matrix(
        SHOP.replace("- {name: general", "- {name: spanish, when: {language: es}, ladder: [{to: lead, warm: 9s}]}\n  - {name: general")
    )
    assert decide([signal(Kind.EXPLICIT_REQUEST)], Turn(speaker="customer", text="x", language="es"), NEW, by_language).route == "spanish"


def test_a_family_name_covers_its_members():
    """`distress` in a route means every distress class."""
    matrix = parse_matrix(SHOP.replace("trigger: [distress.crisis, distress.red_flag]", "trigger: distress"))
    assert decide([signal(Kind.PAIN)], TURN, NEW, matrix).route == "emergency"


def test_words_are_in_the_customers_language(shop):
    """Of the languages that the business answers in, the turn's, else the conversation's, else the main one."""

    def said(turn=TURN, conversation=NEW):
        return decide([signal(Kind.EXPLICIT_REQUEST)], turn, conversation, shop).say

    english, spanish = said(), said(Turn(speaker="customer", text="x", language="es-MX"))
    assert english != spanish
    assert said(conversation=NEW.model_copy(update={"language": "es"})) == spanish
    assert said(Turn(speaker="customer", text="x", language="fi")) == english


ASKED = Reason(trigger=Kind.EXPLICIT_REQUEST, rule="r", score=1, route="general", urgency=Urgency.NORMAL)
WAITING = NEW.model_copy(update={"owner": Owner.WAITING, "escalated": ASKED, "handoff": "ho-1"})


def test_after_an_escalation_the_assistant_stays_silent(shop):
    """While a person is awaited every customer turn is theirs, and the customer is told what is so."""
    decision = decide([], TURN, WAITING, shop)
    assert (decision.action, decision.trigger, decision.handoff) == (Action.ESCALATE, Kind.EXPLICIT_REQUEST, "ho-1")
    assert "asked to take over" in decision.say
    there = WAITING.model_copy(update={"owner": Owner.RESPONDER})
    assert decide([], TURN, there, shop).say is None
    assert decide([signal(Kind.CRISIS)], TURN, there, shop).say is None


def test_more_urgency_brings_new_words(shop):
    """A crisis while waiting is answered as a crisis, the same request again as waiting."""
    assert "emergency number" in decide([signal(Kind.CRISIS)], TURN, WAITING, shop).say
    assert "asked to take over" in decide([signal(Kind.EXPLICIT_REQUEST)], TURN, WAITING, shop).say


def test_a_draft_is_replaced_or_brings_a_person(shop):
    """Claiming to be human is replaced by the truth; a promise of a person becomes true."""
    claims = decide([signal(Kind.DRAFT_HUMAN)], DRAFT, NEW, shop)
    assert (claims.action, claims.trigger) == (Action.REPLACE, Kind.DRAFT_HUMAN)
    assert "AI assistant" in claims.say
    promises = decide([signal(Kind.DRAFT_HUMAN), signal(Kind.DRAFT_PROMISE)], DRAFT, NEW, shop)
    assert (promises.action, promises.trigger) == (Action.ESCALATE, Kind.DRAFT_PROMISE)
    assert decide([signal(Kind.DRAFT_FENCED, 0.4)], DRAFT, NEW, shop).action is Action.CONTINUE
    assert decide([], DRAFT, NEW, shop).action is Action.CONTINUE


def test_a_draft_in_a_handed_over_conversation_is_dropped(shop):
    """Nothing of the assistant is sent while a person owns the conversation, and nothing instead of it."""
    decision = decide([signal(Kind.DRAFT_OWNED, 1.0)], DRAFT, WAITING, shop)
    assert (decision.action, decision.trigger, decision.say) == (Action.REPLACE, Kind.DRAFT_OWNED, None)


def test_the_intent_is_named(shop):
    """The decision carries the intent it went by."""
    assert decide([signal(Kind.CONFIDENCE, 0.9, topic="hours", detector="matrix")], TURN, NEW, shop).intent.name == "hours"


def test_an_assistants_turn_fails_nothing(shop):
    """A failed detector counts on what customers say and on drafts, not on what was said already."""
    said = Turn(speaker="assistant", text="x")
    assert not decide([signal(Kind.DETECTOR_FAILURE)], said, NEW, shop).reasons
    assert decide([signal(Kind.DETECTOR_FAILURE)], DRAFT, NEW, shop).reasons
