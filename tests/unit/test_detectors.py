import asyncio
import threading
import time

import pytest

from hookflash.model import Action, Conversation, Decision, Intent, Kind, Owner, ReportedSentiment, ToolCall, Turn, TurnRecord
from hookflash.signals.confidence import ConfidenceDetector
from hookflash.signals.distress import DistressDetector
from hookflash.signals.draft import DraftDetector
from hookflash.signals.panel import Panel
from hookflash.signals.request import RequestDetector
from hookflash.signals.scope import ScopeDetector
from hookflash.signals.stuck import StuckDetector

NEW = Conversation(id="c")


def customer(text, **rest):
    return Turn(speaker="customer", text=text, **rest)


def assistant(text, **rest):
    return Turn(speaker="assistant", text=text, **rest)


def after(*turns):
    conversation = NEW
    for turn in turns:
        number = conversation.spoken + 1
        decision = Decision(conversation="c", turn=number, action=Action.CONTINUE, matrix="m")
        conversation = conversation.with_turn(TurnRecord(number=number, turn=turn, decision=decision))
    return conversation


def requested(turn, conversation=NEW):
    return bool(RequestDetector().detect(turn, conversation))


@pytest.mark.parametrize(
    "text",
    [
        "agent",
        "I'd like to speak to someone at the front desk.",
        "can i talk to an actual person pls",
        "No more bot. Person.",
        "I don't want to talk to a robot",
        "um could you uh just put me through to somebody",
        "If you can't do that, get me a manager",
        "transfer me",
        "TALK TO A HUM4N",
        "quiero hablar con una persona",
        "pásame con un agente por favor",
        "je voudrais parler à un conseiller",
        "Ich möchte mit einem Mitarbeiter sprechen",
        "quero falar com um atendente",
        "vorrei parlare con un operatore",
    ],
)
def test_a_request_for_a_person_is_heard(text):
    """Direct, polite, refusing, garbled, disguised, in several languages."""
    assert requested(customer(text))


@pytest.mark.parametrize(
    "text",
    [
        "My real estate agent said the house has a new roof",
        "I spoke to a representative yesterday and she was great",
        "I don't need to talk to anyone, just tell me the hours",
        "What time does the manager come in?",
        "are you a human?",
        "no necesito hablar con nadie, gracias",
    ],
)
def test_other_talk_of_people_is_not(text):
    """Other agents, the past, the negated and the merely curious."""
    assert not requested(customer(text))


def test_evidence_points_at_the_words():
    """The span in the evidence is the span in the turn."""
    text = "Hello there. Can I please talk to a real person about my bill?"
    (signal,) = RequestDetector().detect(customer(text), NEW)
    (evidence,) = signal.evidence
    assert text[evidence.start : evidence.end] == evidence.text
    assert "real person" in evidence.text


@pytest.mark.parametrize(
    ("turn", "heard"),
    [
        (customer("", channel="voice", dtmf="0"), True),
        (customer("", channel="voice", dtmf="0#"), True),
        (customer("0", channel="voice"), True),
        (customer("0"), False),
        (customer("", channel="voice", dtmf="5550100"), False),
        (assistant("I want a human", channel="voice"), False),
    ],
)
def test_the_zero_key_asks_for_a_person(turn, heard):
    """Zero on the telephone, and only there, and only from the customer."""
    assert requested(turn) is heard


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("This is outrageous, I'm furious", Kind.ANGER),
        ("I have no idea what you mean by that, I'm so confused", Kind.CONFUSION),
        ("????", Kind.CONFUSION),
        ("It's urgent, I need this fixed right now please", Kind.URGENCY),
        ("my tooth is throbbing so badly I can't sleep", Kind.PAIN),
        ("my throat is closing up and I can't breathe", Kind.RED_FLAG),
        ("I don't want to live anymore", Kind.CRISIS),
        ("me duele muchísimo la muela", Kind.PAIN),
        ("no puedo respirar", Kind.RED_FLAG),
        ("me quiero morir", Kind.CRISIS),
    ],
)
def test_distress_is_scored_by_class(text, kind):
    """Each class shows in its own signal, with its words."""
    signals = {signal.kind: signal for signal in DistressDetector().detect(customer(text), NEW)}
    assert signals[kind].score >= 0.6
    assert signals[kind].evidence


@pytest.mark.parametrize(
    "text", ["no pain at all, just a check-up", "I'm dying to know the price", "does a root canal hurt?", "my phone battery is dead"]
)
def test_idiom_and_negation_are_no_distress(text):
    """What looks like distress and is none stays below every default threshold."""
    assert all(signal.score < 0.5 for signal in DistressDetector().detect(customer(text), NEW))


def test_shouting_makes_anger_louder_and_is_none_by_itself():
    """Capitals and exclamation marks only add to words of anger."""

    def anger(text):
        return max((one.score for one in DistressDetector().detect(customer(text), NEW) if one.kind == Kind.ANGER), default=0)

    assert anger("THIS IS SO ANNOYING!!") > anger("this is so annoying")
    assert anger("SEE YOU ON TUESDAY!!") < 0.1


def test_a_reported_sentiment_can_only_raise():
    """A bad score from outside counts as anger; a good one changes nothing."""
    calm = customer("ok", sentiment=ReportedSentiment(score=0.9, source="twilio"))
    angry = customer("ok", sentiment=ReportedSentiment(score=-0.9, source="twilio"))
    assert all(signal.detector == "distress" and signal.score < 0.1 for signal in DistressDetector().detect(calm, NEW))
    (signal,) = [one for one in DistressDetector().detect(angry, NEW) if one.detector == "twilio"]
    assert (signal.kind, signal.score) == (Kind.ANGER, 0.9)


def test_scope_knows_topics_and_strangers(clinic_panel, clinic):
    """Fenced topics and other businesses' affairs are found; the clinic's own are not."""

    def kinds(text):
        return {signal.kind: signal for signal in clinic_panel.measure(customer(text), NEW)}

    assert kinds("why was i charged twice for the crown")[Kind.FENCED].topic == "billing"
    assert kinds("what is the weather in Lisbon tomorrow")[Kind.SCOPE].score > clinic.triggers.scope.at
    assert Kind.SCOPE not in kinds("what are your opening hours")
    assert kinds("what are your opening hours")[Kind.CONFIDENCE].topic == "opening_hours"


def test_a_fenced_sentence_is_found_in_a_long_turn(clinic_panel):
    """A step into a fenced topic is not hidden by the sentences around it."""
    text = "Thanks for moving my appointment to Friday. Can I take ibuprofen with my antibiotics? See you then."
    fenced = [signal for signal in clinic_panel.measure(customer(text), NEW) if signal.kind == Kind.FENCED]
    assert fenced[0].topic == "medical_advice"


def test_the_assistants_own_intent_is_honoured_and_may_raise(clinic_panel):
    """Its confidence counts; a fenced or unknown intent of its raises."""

    def kinds(**intent):
        turn = customer("hmm well about that thing", intent=Intent(**intent))
        return {signal.kind: signal for signal in clinic_panel.measure(turn, NEW)}

    assert kinds(name="book_appointment", confidence=0.2)[Kind.CONFIDENCE].score == 0.2
    assert kinds(name="billing", confidence=0.9)[Kind.FENCED].score == 0.9
    assert kinds(name="order_pizza", confidence=0.9)[Kind.SCOPE].score == 0.9


def test_examples_that_say_otherwise_put_the_assistants_intent_in_doubt(clinic_panel):
    """Where the matrix' examples are sure of another intent, one of the two is mistaken: confidence falls."""

    def confidence(name):
        turn = customer("I would like to book an appointment for a cleaning", intent=Intent(name=name, confidence=0.97))
        return [signal.score for signal in clinic_panel.measure(turn, NEW) if signal.kind == Kind.CONFIDENCE]

    assert confidence("book_appointment") == [0.97]
    agreed, doubted = confidence("opening_hours")
    assert agreed == 0.97
    assert doubted < 0.2


def test_a_pleased_customer_is_heard_and_brings_nobody(clinic_panel):
    """Gladness is measured for the brief; politeness is not gladness."""

    def pleased(text):
        return next(signal.score for signal in clinic_panel.measure(customer(text), NEW) if signal.kind == Kind.PLEASED)

    assert pleased("Oh that's wonderful, thank you so much, you have made my day!") > 0.7
    assert pleased("Please tell me when you are open, thanks.") < 0.4
    assert pleased("This is the third time I call and nobody has fixed it.") < 0.4


def test_answers_and_remarks_are_not_classified(clinic_panel):
    """The answer to a question and a remark in passing are no wishes, however odd they look to a classifier."""
    asked = after(customer("I'd like to book a cleaning"), assistant("Gladly. What is your name?"))
    answer = clinic_panel.measure(customer("Oluwaseun Adeyemi-Brandt with a hyphen"), asked)
    assert not {Kind.SCOPE, Kind.CONFIDENCE} & {signal.kind for signal in answer}


def test_without_examples_nothing_is_classified():
    """A matrix that declares no scope has nothing to be outside of."""
    turn = customer("what is the weather in Lisbon tomorrow")
    assert not ScopeDetector(None, "en").detect(turn, NEW)
    assert not ConfidenceDetector(None, "en").detect(turn, NEW)


def test_repeats_of_the_customer_count():
    """Said a third time, almost the same words are two repeats."""
    twice = after(
        customer("where is my parcel number 12"),
        assistant("One moment."),
        customer("where is my parcel, number 12?"),
        assistant("Still looking."),
    )
    (signal,) = StuckDetector().detect(customer("Where is my parcel number 12!"), twice)
    assert signal.score == 0.75
    assert len(signal.evidence) == 2


def test_repeats_of_the_assistant_and_i_told_you_add_up():
    """The same answer twice, and a customer who says that they said it, is going in circles."""
    loop = after(customer("my plan is gold"), assistant("Which plan do you have?"), customer("gold"), assistant("Which plan do you have?"))
    (signal,) = StuckDetector().detect(customer("I already told you, gold"), loop)
    assert signal.score == 0.75


def test_failing_tools_count_until_one_works():
    """A tool that works wipes the slate."""
    failed, worked = ToolCall(name="lookup", ok=False), ToolCall(name="lookup", ok=True)
    failing = after(customer("hi"), assistant("Let me see.", tools=(failed,)))
    (signal,) = StuckDetector().detect(assistant("Let me look elsewhere.", tools=(failed,)), failing)
    assert signal.score == 0.75
    assert not StuckDetector().detect(assistant("Here it is.", tools=(worked,)), failing)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I'll transfer you to our billing team now.", Kind.DRAFT_PROMISE),
        ("Someone will call you back within the hour.", Kind.DRAFT_PROMISE),
        ("Yes, I am a real person, my name is Amy.", Kind.DRAFT_HUMAN),
        ("There is no need to speak to a person.", Kind.DRAFT_DISCOURAGES),
        ("You can take ibuprofen with your antibiotics.", Kind.DRAFT_FENCED),
        ("Le paso con recepción ahora.", Kind.DRAFT_PROMISE),
    ],
)
def test_drafts_that_must_not_go_out(text, kind, clinic_panel):
    """Promises that nothing backs, false identity, talking out of a person, fenced advice."""
    kinds = {signal.kind: signal.score for signal in clinic_panel.measure(assistant(text, draft=True), NEW)}
    assert kinds[kind] >= 0.5


@pytest.mark.parametrize(
    "text",
    ["Your cleaning is booked for Friday at 9:30.", "Would you like me to connect you with someone?", "I am an AI assistant, not a human."],
)
def test_honest_drafts_pass(text, clinic_panel):
    """An offer is no promise, and the truth about oneself is welcome."""
    assert all(signal.score < 0.5 for signal in clinic_panel.measure(assistant(text, draft=True), NEW))


def test_a_draft_in_a_conversation_that_a_person_owns_is_marked():
    """Whatever it says, it is not the assistant's turn."""
    owned = NEW.model_copy(update={"owner": Owner.RESPONDER})
    assert Kind.DRAFT_OWNED in {signal.kind for signal in DraftDetector(None).detect(assistant("Hello", draft=True), owned)}


class Broken:
    name, deadline = "broken", 0.05

    def detect(self, turn, conversation):
        raise RuntimeError(turn.text)


class Hanging:
    name, deadline = "hanging", 0.05

    def __init__(self):
        self.release = threading.Event()

    def detect(self, turn, conversation):
        self.release.wait(5)
        return ()


async def test_a_detector_that_raises_is_a_signal_without_the_customers_words():
    """The failure names the detector and the kind of error, never the text."""
    panel = Panel([], [Broken()], ())
    failures = [one for one in await panel.signals(customer("my secret"), NEW) if one.detector == "broken"]
    assert failures[0].kind == Kind.DETECTOR_FAILURE
    assert "secret" not in failures[0].model_dump_json()
    assert "RuntimeError" in failures[0].evidence[0].note


async def test_a_detector_that_hangs_is_given_up_at_its_deadline():
    """The turn is decided in time, and the failure is on record; too many hanging threads close the door."""
    hanging = Hanging()
    panel = Panel([], [hanging])
    begun = time.monotonic()
    signals = await panel.signals(customer("hi"), NEW)
    assert time.monotonic() - begun < 2
    assert "was not done within 0.05 s" in [one.evidence[0].note for one in signals if one.detector == "hanging"][0]
    await asyncio.gather(*(panel.signals(customer("hi"), NEW) for _ in range(10)))
    last = [one.evidence[0].note for one in await panel.signals(customer("hi"), NEW) if one.detector == "hanging"][0]
    assert "no longer asked" in last
    hanging.release.set()
    await asyncio.sleep(0.05)


async def test_a_guarded_detector_that_works_is_heard():
    """What a plug-in measures joins the rest."""

    class Extra:
        name, deadline = "extra", 1.0

        def detect(self, turn, conversation):
            return RequestDetector().detect(customer("agent"), conversation)

    assert Kind.EXPLICIT_REQUEST in {one.kind for one in await Panel([], [Extra()]).signals(customer("hi"), NEW)}


def test_a_missing_detector_is_a_signal():
    """Whoever builds a panel without a required detector hears of it on every turn."""
    names = {one.detector for one in Panel([RequestDetector()], missing=["tone"]).measure(customer("hi"), NEW)}
    assert names == {"tone", "distress", "confidence", "scope", "stuck", "draft"}
