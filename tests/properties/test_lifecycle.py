"""A handoff under any order of events, answers late or twice, at any hour."""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hookflash.errors import ForbiddenMove
from hookflash.lifecycle import TRANSITIONS, step
from hookflash.matrix import parse_matrix
from hookflash.model import (
    Accepted,
    BriefDelivered,
    BriefLate,
    BriefRefused,
    Channel,
    CustomerLeft,
    DeliverBrief,
    HandedBack,
    PromiseAssigned,
    PromiseAttempted,
    PromiseBroken,
    PromiseDue,
    PromiseKept,
    PromiseNear,
    PromiseRescheduled,
    Receipt,
    Ring,
    RingFailed,
    RingStarted,
    Say,
    SetTimer,
    State,
    Superseded,
    Urgency,
    WrappedUp,
)
from tests.conftest import SHOP
from tests.unit.test_lifecycle import AT, LEAD, NIGHT, TEAM, a_plan, requested, spoke

MATRIX = parse_matrix(SHOP)
LADDERS = st.sampled_from([(TEAM, LEAD), (TEAM, NIGHT), (NIGHT,), (TEAM,)])
URGENCIES = st.sampled_from(Urgency)


class Handoffs(RuleBasedStateMachine):
    @initialize(ladder=LADDERS, urgency=URGENCIES, channel=st.sampled_from(Channel))
    def request(self, ladder, urgency, channel):
        self.now = AT
        self.handoff, begun = requested(*ladder, urgency=urgency, now=self.now)
        self.handoff = self.handoff.model_copy(update={"channel": channel})
        self.states = [State.REQUESTED]
        self.rings = []
        self.briefed = False
        self.work = list(begun)

    def happens(self, event):
        before = self.handoff
        try:
            self.handoff, commands = step(before, event, MATRIX, self.now)
        except ForbiddenMove:
            return
        move = TRANSITIONS[before.state].get(event.kind)
        if self.handoff.state is not before.state:
            assert move is not None
            assert self.handoff.state in move.leads_to
            self.states.append(self.handoff.state)
        assert self.handoff.version in (before.version, before.version + 1)
        assert (self.handoff is before) == (self.handoff.version == before.version)
        self.work += commands
        self.rings += [command.key for command in commands if isinstance(command, Ring)]

    @rule(minutes=st.integers(0, 24 * 60))
    def time_goes_on(self, minutes):
        self.now += timedelta(minutes=minutes)

    @rule(desk=st.sampled_from(["crm", "builtin", "tickets"]))
    def a_desk_acknowledges(self, desk):
        self.briefed = True
        self.happens(BriefDelivered(receipt=Receipt(desk=desk, ticket="T1", key="k", at=self.now)))

    @rule(desk=st.sampled_from(["crm", "builtin"]))
    def a_desk_refuses(self, desk):
        self.happens(BriefRefused(desk=desk, why="no"))

    @rule()
    def the_brief_is_late(self):
        self.happens(BriefLate())

    @rule(stale=st.booleans(), data=st.data())
    def a_ring_begins(self, stale, data):
        self.happens(RingStarted(key=self._ring(stale, data)))

    @rule(stale=st.booleans(), answer=st.sampled_from(["no answer", "declined: busy", "voicemail"]), data=st.data())
    def a_ring_fails(self, stale, answer, data):
        self.happens(RingFailed(key=self._ring(stale, data), answer=answer))

    def _ring(self, stale, data):
        return data.draw(st.sampled_from(self.rings)) if stale and self.rings else self.handoff.ringing or "none"

    @rule(responder=st.sampled_from(["team", "lead", "a passer-by"]))
    def somebody_accepts(self, responder):
        self.happens(Accepted(responder=responder))

    @rule(raised=st.booleans(), ladder=LADDERS)
    def the_customer_goes_on(self, raised, ladder):
        self.happens(spoke(a_plan(*ladder, urgency=Urgency.IMMEDIATE) if raised else None))

    @rule()
    def the_customer_leaves(self):
        self.happens(CustomerLeft())

    @rule(days=st.integers(-1, 9))
    def the_customer_agrees_to_another_time(self, days):
        self.happens(PromiseRescheduled(due=self.now + timedelta(days=days), by="Lena", word="later"))

    @rule(
        event=st.sampled_from(
            [
                PromiseAttempted(by="Lena", what="no answer"),
                PromiseAssigned(to="Lena"),
                PromiseBroken(why="no such number"),
                Superseded(by="ho-2"),
            ]
        )
    )
    def somebody_sees_to_the_promise(self, event):
        self.happens(event)

    @rule(event=st.sampled_from([HandedBack(result="r"), WrappedUp(disposition="d"), PromiseKept(result="k"), PromiseNear(), PromiseDue()]))
    def something_else(self, event):
        self.happens(event)

    @invariant()
    @precondition(lambda self: hasattr(self, "handoff"))
    def it_never_rings_unbriefed(self):
        """Law 4: before the first ring lies a receipt, or the record says that it came late."""
        if State.RINGING in self.states or self.rings:
            assert self.briefed or self.handoff.briefed_late

    @invariant()
    @precondition(lambda self: hasattr(self, "handoff"))
    def nothing_is_said_that_is_not_so(self):
        """Law 5: a due time is spoken only with the promise that is stored in the same step."""
        promise = self.handoff.promise
        if self.handoff.state in (State.PROMISED, State.OVERDUE):
            assert promise is not None
            assert promise.due >= promise.made_at
            assert self.handoff.brief.promise == promise
        told = [command.text for command in self.work if isinstance(command, Say) and command.due is not None]
        assert not told or promise is not None

    @invariant()
    @precondition(lambda self: hasattr(self, "handoff"))
    def it_can_always_go_on(self):
        """Law 6: an open handoff that waits for no person has a timer or work under way."""
        if self.handoff.state in (State.REQUESTED, State.BRIEFED, State.RINGING):
            assert any(isinstance(command, (SetTimer, DeliverBrief, Ring)) for command in self.work)

    @invariant()
    @precondition(lambda self: hasattr(self, "handoff"))
    def keys_stand_for_one_thing(self):
        """Every outgoing order of the same key is the same order: retries and repeats show once."""
        by_key = {}
        for command in self.work:
            if hasattr(command, "key"):
                assert by_key.setdefault(command.key, command) == command


Handoffs.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestHandoffs = Handoffs.TestCase
