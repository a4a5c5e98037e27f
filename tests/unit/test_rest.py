"""Route, promise, redaction, retry, language and the judge."""

from datetime import UTC, datetime, timedelta

import pytest

from hookflash.cards import mask_cards
from hookflash.judge import Judge, after
from hookflash.matrix import parse_matrix
from hookflash.model import Channel, Conversation, Customer, Decision, Entity, EntityKind, Kind, Receipt, Speaker, Turn, Urgency
from hookflash.promise import due_time, reminder_time, spoken_time
from hookflash.redact import WHISPER_CHARACTERS, whisper
from hookflash.retry import FIRST_DELAY, LONGEST_DELAY, MAX_ATTEMPTS, delay
from hookflash.route import responders_of, route
from hookflash.signals.language import spoken_language
from hookflash.signals.panel import Panel, builtin_detectors
from hookflash.testing.samples import AT, a_brief, a_handoff
from tests.conftest import SHOP

TERMS = a_handoff().plan.promise


def decided(route_name):
    return Decision(
        conversation="c", turn=1, action="escalate", trigger=Kind.EXPLICIT_REQUEST, urgency=Urgency.NORMAL, route=route_name, matrix="m"
    )


def test_the_ladder_is_the_routes_in_order(shop):
    """Each rung with its line, hours and time; the last is the promise."""
    plan = route(decided("general"), Channel.CHAT, shop, {"team", "lead"})
    assert [(rung.responder, rung.line, rung.transfer, rung.ring_for) for rung in plan.ladder] == [
        ("team", "chat", "warm", timedelta(seconds=60)),
        ("lead", "chat", "cold", timedelta(seconds=45)),
    ]
    assert [rung.desk for rung in plan.ladder] == ["crm", "tickets"]
    assert (plan.promise.desk, plan.promise.within) == ("tickets", timedelta(hours=2))
    assert responders_of(decided("general"), shop) == ("team", "lead")


def test_a_call_rings_by_voice_where_it_can(shop):
    """The conversation's own channel is taken where the responder has it, else the one they have."""
    plan = route(decided("general"), Channel.VOICE, shop, {"team", "lead"})
    assert [(rung.line, rung.address) for rung in plan.ladder] == [("chat", "team"), ("voice", "+34911234567")]


def test_whom_the_roster_cannot_reach_is_left_out(shop):
    """An empty ladder is still a plan: its promise."""
    assert [rung.responder for rung in route(decided("general"), Channel.CHAT, shop, {"lead"}).ladder] == ["lead"]
    assert route(decided("general"), Channel.CHAT, shop, set()).ladder == ()


def test_a_route_may_have_its_own_promise():
    """`nobody` of a route replaces that of the matrix."""
    own = "when: {}, nobody: {desk: crm, callback: {within: 15m, hours: always_on}}, ladder"
    plan = route(decided("general"), Channel.CHAT, parse_matrix(SHOP.replace("when: {}, ladder", own)), {"team"})
    assert (plan.promise.desk, plan.promise.within) == ("crm", timedelta(minutes=15))


def test_a_promise_is_due_in_open_time_and_never_early(clinic):
    """21:40 in Chicago: an hour of office time later is nine in the morning; seconds are rounded up."""
    evening = datetime(2026, 11, 25, 3, 40, 12, tzinfo=UTC)
    assert due_time(TERMS, clinic, evening) == datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
    midday = datetime(2026, 11, 24, 16, 0, 12, tzinfo=UTC)
    assert due_time(TERMS, clinic, midday) == datetime(2026, 11, 24, 17, 1, tzinfo=UTC)


def test_a_calendar_that_never_opens_still_gives_a_time():
    """Where no opening is found the time is counted on the clock, so that somebody is called to account."""
    rare = parse_matrix(SHOP)
    centuries = TERMS.model_copy(update={"within": timedelta(days=36_500)})
    assert due_time(centuries, rare, AT) == AT + TERMS.cap


def test_a_reminder_comes_before_the_time():
    """A quarter of an hour ahead, or half way where less is left."""
    assert reminder_time(AT + timedelta(hours=5), AT) == AT + timedelta(hours=4, minutes=45)
    assert reminder_time(AT + timedelta(minutes=10), AT) == AT + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Wednesday, November 25, 9:00 AM"), ("es", "miércoles 25 noviembre, 09:00"), ("xx", "Wednesday 25 November, 09:00")],
)
def test_times_are_said_in_the_customers_language(language, said, clinic):
    """In the business' zone; a language without a calendar of its own falls back to English."""
    assert spoken_time(datetime(2026, 11, 25, 15, 0, tzinfo=UTC), clinic, language).replace("\u202f", " ") == said


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("my card is 4242 4242 4242 4242 thanks", "my card is **** **** **** 4242 thanks"),
        ("4242424242424242", "************4242"),
        ("378282246310005", "***********0005"),
        ("order 1234567890123", "order 1234567890123"),
        ("call 312-555-0148", "call 312-555-0148"),
        ("card 4111 1111 1111 1111 12/27 123", "card **** **** **** 1111 **/** ***"),
        ("4111.1111.1111.1111", "****.****.****.1111"),
        ("1234 4111111111111111", "1234 ************1111"),
    ],
)
def test_card_numbers_are_masked_in_place(text, masked):
    """Only numbers that pass the card check; the last four stay."""
    assert mask_cards(text) == masked


def test_a_whisper_is_short_and_in_order():
    """Reason, name, need, ticket; cut in the middle, never at the ticket."""
    receipt = Receipt(desk="crm", ticket="T7", key="k", at=AT)
    said = whisper(a_brief(), receipt, inside=True)
    assert said == "explicit request: Ana Ruiz. Asked for a person: “Can I talk to someone?” Ticket T7."
    wordy = a_brief().model_copy(update={"summary": (a_brief().summary[0].model_copy(update={"text": "word " * 100}),)})
    assert len(whisper(wordy, receipt, inside=True)) <= WHISPER_CHARACTERS
    assert whisper(wordy, receipt, inside=True).endswith("… Ticket T7.")


def test_a_whisper_names_whom_it_can():
    """The name said in the conversation where the caller knew none; nobody's where there is none."""
    nameless = a_brief().model_copy(update={"customer": Customer(), "summary": ()})
    named = nameless.model_copy(
        update={"entities": (Entity(kind=EntityKind.NAME, value="Bo Li", normalised="Bo Li", turn=1, confidence=0.8),)}
    )
    assert "Bo Li" in whisper(named, None, inside=True)
    assert "A customer" in whisper(nameless, None, inside=True)
    assert "handoff ho-1" in whisper(nameless, None, inside=True)


def test_a_whisper_outside_the_boundary_says_nothing_protected():
    """Neither name nor words nor the nature of the need."""
    said = whisper(a_brief(), None, inside=False)
    assert not any(word in said for word in ("Ana", "talk", "explicit"))


def test_retries_back_off_are_spread_and_end():
    """Half a second, doubling to five minutes, a quarter either way, and at last given up."""
    assert delay(1, chance=0.5) == FIRST_DELAY
    assert delay(3, chance=0.5) == FIRST_DELAY * 4
    assert delay(2, chance=0.0) == FIRST_DELAY * 2 * 0.75
    assert delay(200, chance=1.0) == LONGEST_DELAY * 1.25
    assert delay(MAX_ATTEMPTS, chance=0.5) is None


def test_what_the_other_side_asks_for_is_honoured_within_reason():
    """Retry-After lengthens the wait up to the longest, and never shortens it."""
    assert delay(1, chance=0.5, retry_after=30) == timedelta(seconds=30)
    assert delay(1, chance=0.5, retry_after=1e9) == LONGEST_DELAY
    assert delay(9, chance=0.5, retry_after=-5) == delay(9, chance=0.5)


def test_the_language_is_recognised_among_those_of_the_business():
    """Short turns and one-language businesses are not guessed at."""
    assert spoken_language("Quisiera cambiar mi cita del jueves", ("en", "es")) == "es"
    assert spoken_language("I would like to change my appointment", ("en", "es-MX")) == "en"
    assert spoken_language("sí", ("en", "es")) is None
    assert spoken_language("Quisiera cambiar mi cita", ("en",)) is None


@pytest.fixture(scope="module")
def judge(request):
    matrix = parse_matrix(SHOP)
    return Judge(matrix, Panel(builtin_detectors(matrix)))


async def test_interim_speech_sets_off_only_what_cannot_wait(judge):
    """A request fires as soon as the words are there; anger waits for the end of the sentence."""

    def interim(text):
        return judge.judge(Turn(speaker="customer", text=text, final=False), Conversation(id="c"), AT)

    assert (await interim("can i speak to a human")).decision.trigger == Kind.EXPLICIT_REQUEST
    assert (await interim("i am furious you bunch of thieves")).decision.trigger is None


async def test_the_turn_is_kept_as_it_may_be(judge):
    """Card numbers masked, language named, conversation named; the conversation then speaks that language."""
    record = await judge.judge(Turn(speaker="customer", text="mi tarjeta es 4242424242424242 por favor"), Conversation(id="c"), AT)
    assert record.turn.text == "mi tarjeta es ************4242 por favor"
    assert (record.turn.language, record.turn.conversation) == ("es", "c")
    spoken = after(Conversation(id="c"), record)
    assert spoken.language == "es"
    answer = await judge.judge(Turn(speaker="assistant", text="Of course"), spoken, AT)
    assert after(spoken, answer).language == "es"


def test_a_window_slides():
    """Old turns leave the window; drafts are not counted as said."""
    conversation = Conversation(id="c")
    from tests.unit.test_brief import record as a_record

    for number in range(1, 31):
        conversation = conversation.with_turn(a_record(number, "x"))
    assert (len(conversation.turns), conversation.spoken) == (24, 30)
    drafted = conversation.with_turn(a_record(31, "draft", speaker="assistant", draft=True))
    assert drafted.said_by(Speaker.ASSISTANT) == ()
