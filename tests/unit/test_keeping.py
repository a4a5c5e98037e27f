"""What becomes of promises: how the time is found, who is told what, and what people do about them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hookflash.errors import ForbiddenMove
from hookflash.lifecycle import begin
from hookflash.matrix import words_about
from hookflash.model import (
    Alert,
    Channel,
    Customer,
    CustomerLeft,
    DeliverBrief,
    Entity,
    EntityKind,
    PromiseAssigned,
    PromiseAttempted,
    PromiseBroken,
    PromiseDue,
    PromiseKept,
    PromiseRescheduled,
    Say,
    SetTimer,
    State,
    StopRinging,
    Superseded,
    Urgency,
)
from hookflash.promise import contact_of, due_time, spoken_time
from hookflash.testing.samples import a_handoff
from tests.unit.test_lifecycle import (
    EVENING,
    LEAD,
    MATRIX,
    NIGHT,
    NOON,
    TEAM,
    TERMS,
    a_plan,
    failed,
    fresh,
    of,
    receipt,
    spoke,
    started,
)

ANA = Customer(name="Ana", phone="+13125550148")


def of_customer(customer, channel=Channel.CHAT, *, urgency=Urgency.NORMAL, now=EVENING, ladder=()):
    """A handoff just requested for a customer."""
    sample = a_handoff()
    brief = sample.brief.model_copy(update={"customer": customer, "channel": channel})
    plan = a_plan(*ladder, urgency=urgency)
    return begin(sample.model_copy(update={"plan": plan, "brief": brief, "channel": channel}), MATRIX, now).handoff


@pytest.mark.parametrize(
    ("customer", "channel", "contact"),
    [
        (ANA, Channel.CHAT, "phone"),
        (Customer(email="ana@example.com"), Channel.CHAT, "email"),
        (Customer(phone="+13125550148", verified=False), Channel.CHAT, "here"),
        (Customer(phone="+13125550148", verified=False), Channel.VOICE, "phone"),
        (Customer(email="ana@example.com", verified=False), Channel.VOICE, None),
        (Customer(), Channel.CHAT, "here"),
        (Customer(), Channel.VOICE, None),
    ],
)
def test_how_a_customer_is_reached(customer, channel, contact):
    """Details count only if they are the customer's own; a chat can be answered where it is."""
    assert contact_of(customer, channel) == contact


def test_nothing_is_promised_that_cannot_be_done(go):
    """With a number a person gets back to them; in a chat they answer there; a caller without a number is asked for one."""
    said = {}
    for name, customer, channel in (
        ("known", ANA, Channel.VOICE),
        ("chat", Customer(), Channel.CHAT),
        ("unknown", Customer(), Channel.VOICE),
    ):
        promised, commands = go(of_customer(customer, channel), receipt("tickets"), now=EVENING)
        assert promised.state is State.PROMISED
        said[name] = of(Say, commands)[0].text
    assert "get back to you" in said["known"]
    assert "answer you here" in said["chat"]
    assert "tell me your phone number" in said["unknown"]


def test_who_says_their_number_later_is_told_again(go):
    """The time stays; the words now promise a call."""
    promised, _ = go(of_customer(Customer(), Channel.VOICE), receipt("tickets"), now=EVENING)
    told = spoke().model_copy(update={"brief": promised.brief.model_copy(update={"customer": ANA})})
    later = EVENING + timedelta(minutes=1)
    again, commands = go(promised, told, now=later)
    assert (again.promise.due, again.promise.contact) == (promised.promise.due, "phone")
    assert "get back to you" in of(Say, commands)[0].text
    quiet, commands = go(again, told, now=later)
    assert not of(Say, commands)


def heard(number, *, verified=None):
    """What is known of Ana after she said a number."""
    said = Entity(kind=EntityKind.PHONE, value="as said", normalised=number, turn=1, confidence=0.9)
    return {"customer": Customer(name="Ana", phone=number, verified=verified), "entities": (said,)}


def test_a_number_known_from_words_alone_is_read_back(go):
    """Whoever is verified, or whose number is on file, has nothing to put right."""
    asked = of_customer(ANA, Channel.VOICE)
    for known, read in ((heard("+13125550148"), True), (heard("+13125550148", verified=True), False), ({"customer": ANA}, False)):
        handoff = asked.model_copy(update={"brief": asked.brief.model_copy(update=known)})
        _, commands = go(handoff, receipt("tickets"), now=EVENING)
        assert ("on +1 312-555-0148 by" in of(Say, commands)[0].text) is read


def test_words_of_the_business_are_not_replaced_by_a_number_read_back():
    """They were signed; whoever wants the number read back writes `nobody_read_back` as well."""
    own = {"nobody": "By {callback_by}.", "nobody_read_back": "On {number} by {callback_by}."}
    matrix = MATRIX.model_copy(update={"wording": {"en": {"nobody": own["nobody"]}}})
    said = {"callback_by": "nine", "ticket": "T"}
    assert words_about(matrix, "en", "nobody", "phone", "+1 2", **said) == "By nine."
    matrix = MATRIX.model_copy(update={"wording": {"en": own}})
    assert words_about(matrix, "en", "nobody", "phone", "+1 2", **said) == "On +1 2 by nine."
    assert words_about(matrix, "en", "nobody", "phone", None, **said) == "By nine."


def test_a_number_that_is_put_right_is_read_back_again(go):
    """The time stays, and the ticket has the new number."""
    asked = of_customer(ANA, Channel.VOICE)
    first = asked.model_copy(update={"brief": asked.brief.model_copy(update=heard("+13125550148"))})
    promised, _ = go(first, receipt("tickets"), now=EVENING)
    put_right = spoke().model_copy(update={"brief": promised.brief.model_copy(update=heard("+13125550199"))})
    again, commands = go(promised, put_right, now=EVENING + timedelta(minutes=1))
    assert again.promise.due == promised.promise.due
    assert "on +1 312-555-0199 by" in of(Say, commands)[0].text
    assert of(DeliverBrief, commands)
    quiet, commands = go(again, put_right, now=EVENING + timedelta(minutes=2))
    assert not of(Say, commands)


def test_only_waking_hours_of_the_customer_count(shop):
    """A shop in Madrid open until six promises a caller in Los Angeles no call at four in the morning."""
    noon = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # noon in Madrid, three in the morning in Los Angeles
    assert due_time(TERMS, shop, noon) == noon + timedelta(hours=4)  # one hour until the break at 13:00, one after 15:00
    theirs = due_time(TERMS, shop, noon, zone="America/Los_Angeles")
    assert theirs == datetime(2026, 11, 25, 17, 0, tzinfo=UTC)  # both are awake and open for one hour a day
    assert due_time(TERMS, shop, noon, zone="Mars/Olympus") == due_time(TERMS, shop, noon)


def test_a_time_is_told_in_the_customers_zone(shop):
    """With the zone's name where it differs from the business'."""
    due = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
    assert spoken_time(due, shop, "en") == "Tuesday, November 24, 9:00 PM"
    assert spoken_time(due, shop, "en", "America/Chicago") == "Tuesday, November 24, 2:00 PM (Central Time)"
    assert spoken_time(due, shop, "en", "Europe/Paris") == spoken_time(due, shop, "en")


def test_what_can_be_kept_in_an_hour_moves_the_time(shop):
    """Ten promises before this one at four an hour: it falls due after eleven quarters of an hour, and never after the cap."""
    terms = TERMS.model_copy(update={"per_hour": 4})
    assert due_time(terms, shop, NOON, waiting=3) == due_time(TERMS, shop, NOON)
    assert due_time(terms, shop, NOON, waiting=10) == due_time(TERMS.model_copy(update={"within": timedelta(hours=2.75)}), shop, NOON)
    assert due_time(terms.model_copy(update={"cap": timedelta(days=2)}), shop, NOON, waiting=10_000) == NOON + timedelta(days=2)


@pytest.fixture
def promised(go):
    return go(of_customer(ANA), receipt("tickets"), now=EVENING)[0]


def test_tries_are_kept_and_the_promise_stays_open(go, promised):
    """Who takes it on, and what came of each try, reach the desk as well."""
    tried, commands = go(promised, PromiseAssigned(to="Lena"), PromiseAttempted(by="Lena", what="called twice, no answer"), now=EVENING)
    assert (tried.state, tried.promise.state, tried.promise.assigned) == (State.PROMISED, "open", "Lena")
    assert [(entry.what, entry.who, entry.word) for entry in tried.promise.log] == [
        ("assigned", "Lena", None),
        ("attempted", "Lena", "called twice, no answer"),
    ]
    assert tried.brief.promise == tried.promise
    assert not of(SetTimer, commands)


def test_the_customer_may_agree_to_another_time(go, promised):
    """It is told, kept with their word, and watched at the new time; the past is refused."""
    later = promised.promise.due + timedelta(days=1)
    order = PromiseRescheduled(due=later, by="Lena", word="tomorrow after four")
    for before in (promised, go(promised, PromiseDue(), now=promised.promise.due)[0]):
        moved, commands = go(before, order, now=promised.promise.due)
        assert (moved.state, moved.promise.due, moved.promise.state) == (State.PROMISED, later, "open")
        assert moved.promise.log[-1].word == "tomorrow after four"
        assert of(Say, commands)[0].still_holds(moved)
        assert {timer.event.kind: timer.at for timer in of(SetTimer, commands)}["promise_due"] == later
    with pytest.raises(ForbiddenMove, match="into the past"):
        go(promised, order, now=later)


def test_a_breach_goes_to_the_next_contact_until_somebody_keeps_it(go):
    """Each who lets it pass is followed by the next of the ladder, those who are there first, with noise and the brief."""
    promised, _ = go(of_customer(ANA, ladder=(TEAM, LEAD, NIGHT)), receipt("tickets"), started, failed("no answer"), now=EVENING)
    next_evening = EVENING + timedelta(days=1)
    overdue, commands = go(promised, PromiseDue(), now=next_evening)
    assert (overdue.state, overdue.promise.assigned) == (State.OVERDUE, "night")  # the others are closed in the evening
    assert of(DeliverBrief, commands)[0].desk == "tickets"
    assert "night is asked to keep it" in of(Alert, commands)[0].what
    (timer,) = of(SetTimer, commands)
    assert timer.at == next_evening + timedelta(hours=1)
    following, commands = go(overdue, PromiseDue(), now=NOON + timedelta(days=2))
    assert following.promise.assigned == "team"
    assert of(Alert, commands)
    kept, commands = go(following, PromiseKept(result="called"), now=NOON + timedelta(days=2))
    assert (kept.state, kept.promise.state) == (State.KEPT, "late")


def test_a_promise_without_a_ladder_still_makes_noise(go):
    """Nobody is named to ask; those who run the place hear of it all the same."""
    empty = a_handoff().model_copy(update={"plan": a_plan().model_copy(update={"ladder": ()})})
    promised, _ = go(begin(empty, MATRIX, EVENING).handoff, receipt("tickets"), now=EVENING)
    overdue, commands = go(promised, PromiseDue(), now=promised.promise.due)
    assert (overdue.promise.assigned, len(of(Alert, commands))) == (None, 1)


def test_a_promise_does_not_fall_due_before_its_time(go, promised):
    """Where the clock was set back after the timer was taken, it is set anew."""
    early, commands = go(promised, PromiseDue(), now=EVENING)
    assert (early.state, early.promise) == (promised.state, promised.promise)
    assert promised.promise.due in {timer.at for timer in of(SetTimer, commands)}
    assert not of(Alert, commands)


def test_a_promise_given_up_is_broken_and_says_why(go, promised):
    """It does not count as kept, and somebody hears of it."""
    broken, commands = go(promised, PromiseBroken(why="the number is not in service"), now=EVENING)
    assert (broken.state, broken.promise.state, broken.result) == (State.WRAPPED, "broken", "the number is not in service")
    assert of(Alert, commands)


def test_a_caller_who_leaves_without_a_way_to_reach_them_is_noted_and_welcome_back(go):
    """No promise could be kept; the ticket stays, and should they come back it rings again."""
    ringing, _ = go(of_customer(Customer(), Channel.VOICE, now=NOON), receipt(), started, now=NOON)
    left, commands = go(ringing, CustomerLeft(), now=NOON)
    assert (left.state, left.promise) == (State.ABANDONED, None)
    assert of(StopRinging, commands)
    back, commands = go(left, spoke(a_plan(NIGHT, urgency=Urgency.IMMEDIATE)), now=NOON)
    assert (back.state, back.plan.urgency, back.decision) == (State.REQUESTED, Urgency.IMMEDIATE, spoke().decision)
    assert of(DeliverBrief, commands)[0].key.endswith(f":{back.brief.revision}")
    assert go(back, receipt("tickets"), now=NOON)[0].state is State.BRIEFED
    calm, _ = go(left, spoke(), now=NOON)
    assert calm.plan == left.plan
    early, commands = go(of_customer(Customer(), Channel.VOICE, now=NOON), CustomerLeft(), now=NOON)
    assert of(DeliverBrief, commands)[0].desk == "tickets"
    crisis, _ = go(of_customer(Customer(), Channel.VOICE, urgency=Urgency.IMMEDIATE, now=NOON), CustomerLeft(), now=NOON)
    assert crisis.state is State.PROMISED


def test_a_customer_who_comes_back_elsewhere_goes_on_where_they_were(go, promised):
    """The new handoff owes what was promised, at its time, and the old one ends; one that rings is left to ring."""
    later = EVENING + timedelta(minutes=30)
    newer = a_handoff().model_copy(update={"id": "ho-2", "plan": a_plan(NIGHT), "conversation": "c2"})
    went_on, commands = begin(newer, MATRIX, later, earlier=promised)
    assert (went_on.brief.earlier, went_on.promise) == (promised.id, promised.promise)
    assert {timer.at for timer in of(SetTimer, commands)} >= {promised.promise.due}
    rung, _ = go(went_on, receipt("tickets"), started, failed("no answer"), now=later)
    assert rung.promise.due == promised.promise.due
    assert go(went_on, spoke(), now=later)[0].brief.earlier == promised.id  # whatever is said after
    old, commands = go(promised, Superseded(by="ho-2"), now=later)
    assert of(DeliverBrief, commands)[0].key.endswith(f":{promised.brief.revision + 1}")  # and its ticket says so
    assert (old.state, old.promise.state, old.result) == (State.WRAPPED, "moved", "goes on in ho-2")
    ringing, _ = go(fresh(), receipt(), started)
    assert go(ringing, Superseded(by="ho-2"))[0] is ringing
    overdue, _ = go(promised, PromiseDue(), now=promised.promise.due)
    at_once, commands = begin(newer, MATRIX, overdue.promise.due + timedelta(hours=1), earlier=overdue)
    assert overdue.promise.due + timedelta(hours=1) in {timer.at for timer in of(SetTimer, commands)}
    fresh_one, commands = begin(newer, MATRIX, later, earlier=ringing)
    assert fresh_one.promise is None


def test_what_is_owed_from_before_outlives_a_hang_up(go, promised):
    """A caller who holds a promise and hangs up without a number is called all the same, at the time told."""
    newer = of_customer(Customer(), Channel.VOICE, now=NOON)
    went_on, _ = begin(newer.model_copy(update={"id": "ho-2"}), MATRIX, EVENING + timedelta(minutes=5), earlier=promised)
    left, _ = go(went_on, CustomerLeft(), now=EVENING + timedelta(minutes=6))
    assert (left.state, left.promise.due, left.promise.contact) == (State.PROMISED, promised.promise.due, "phone")
    assert left.promise.told == promised.promise.told


def test_an_agreed_time_and_who_has_it_stand(go, promised):
    """Whatever is promised anew, what the customer agreed to is not moved to earlier, nor taken from whoever took it on."""
    agreed = promised.promise.due + timedelta(days=3)
    order = PromiseRescheduled(due=agreed, by="Lena", word="on Friday")
    moved, _ = go(promised, PromiseAssigned(to="Lena"), order, now=EVENING)
    told = spoke(a_plan()).model_copy(update={"brief": moved.brief})
    again, _ = go(moved, told, receipt("tickets"), now=EVENING + timedelta(hours=1))
    assert (again.promise.due, again.promise.assigned, again.promise.made_at) == (agreed, "Lena", promised.promise.made_at)


def test_a_line_that_is_out_of_order_is_heard_of(go):
    """No answer is everyday; a line that fails is not."""
    ringing, _ = go(fresh(), receipt(), started)
    broken = failed("line failed: no route")(ringing).model_copy(update={"broken": True})
    assert of(Alert, go(ringing, broken)[1])
    assert not of(Alert, go(ringing, failed("no answer"))[1])


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-03-28T17:30", "2026-03-30T11:00"),  # the Saturday before the clocks go forward: closed until Monday
        ("2026-10-24T17:30", "2026-10-26T11:00"),  # and before they go back
        ("2026-03-27T17:00", "2026-03-30T10:00"),  # Friday: one hour of it is left today
        ("2026-10-23T17:00", "2026-10-26T10:00"),
    ],
)
def test_a_promise_over_a_change_of_the_clocks_falls_due_by_the_wall(shop, asked, due):
    """Whether a night has 23 or 25 hours, opening time is counted as the door says it."""
    zone = ZoneInfo("Europe/Madrid")
    at, expected = (datetime.fromisoformat(wall).replace(tzinfo=zone) for wall in (asked, due))
    assert due_time(TERMS, shop, at) == expected
