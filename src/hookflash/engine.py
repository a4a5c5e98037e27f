"""The engine: takes turns in, decides, and commits turn, decision, audit, outgoing work and timers as one.

It answers the caller only after the commit. What must leave the process is written down as work for the couriers;
what happened outside comes back through `apply`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

import structlog

from hookflash import audit
from hookflash.brief import compose
from hookflash.changes import (
    beginning_anew,
    calls_for_a_new_plan,
    change_of,
    crowd_noise,
    first_decision,
    handoff_id,
    outside_the_count,
    owned,
    require_next,
    said_so_far,
    sets_off,
    to_go_on_from,
)
from hookflash.errors import AlreadyDone, Retryable, SequenceError, TurnError, UnknownError, VersionConflict
from hookflash.judge import Judge, after
from hookflash.lifecycle import TRANSITIONS, begin, step
from hookflash.matrix import Matrix
from hookflash.model import (
    Accepted,
    Action,
    Brief,
    Command,
    Conversation,
    CustomerSpoke,
    Decision,
    Event,
    Handoff,
    HistoryTurn,
    Speaker,
    State,
    Superseded,
    Turn,
    TurnRecord,
)
from hookflash.model.conversation import identities_of
from hookflash.ports import AuditEntry, Change, Clock, Lease, Roster, Store
from hookflash.route import responders_of, route
from hookflash.signals.language import language_of
from hookflash.steps import Step

log = structlog.get_logger("hookflash.engine")

DEFAULT_TENANT = "default"
# Conversations kept in memory between turns; the version check at commit makes a stale one harmless.
CACHED_CONVERSATIONS = 10_000
# Who takes a conversation by speaking in it, where nobody said who.
SOMEBODY = "a responder"
# What travels when the rest of a brief cannot be made: the reason always does.
BARE_CONTEXT = ("reason", "history")
# A roster is a convenience; an emergency does not wait for one.
ROSTER_TIMEOUT = timedelta(seconds=1)
# A customer with so many open handoffs is served after others: no person asks for that many, but a flood does.
CROWD = 8
# How often a step is repeated when somebody else wrote first. Each repeat follows another's success.
MAX_CONFLICTS = 20


class Engine:
    """Observes conversations and carries their handoffs forward. Safe to call from many tasks of one event loop."""

    def __init__(self, judges: Mapping[str, Judge], store: Store, roster: Roster, clock: Clock) -> None:
        """Take one judge for each tenant, and the ports."""
        self.judges = dict(judges)
        self.store = store
        self.clock = clock
        self.on_work: Callable[[], None] = lambda: None
        self._roster = roster
        self._cache: OrderedDict[tuple[str, str], Conversation] = OrderedDict()
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._matrices: dict[tuple[str, str], Matrix] = {}

    async def start(self) -> None:
        """Keep the matrices that new handoffs will begin with. Call once before the first turn."""
        for tenant, judge in self.judges.items():
            await self.store.save_matrix(tenant, judge.matrix.revision, judge.matrix.model_dump_json())
            self._matrices[tenant, judge.matrix.revision] = judge.matrix

    async def observe(self, turn: Turn, *, tenant: str = DEFAULT_TENANT) -> Decision:
        """Decide on a turn and keep it, durably. The same `seq` or `key` again returns the first decision.

        Raises `TurnError`, `SequenceError`, `UnknownError` (tenant); then nothing was kept. Raises `StoreUnavailable`, which says
        whether that is known.
        """
        if turn.conversation is None:
            raise TurnError("the turn names no conversation; set `conversation` to the id of the chat or call")
        judge = self._judge(tenant)
        async with self._lock(tenant, turn.conversation):
            for attempt in range(MAX_CONFLICTS):
                try:
                    return await self._observe(turn, tenant, judge, again=attempt > 0)
                except VersionConflict:
                    self._cache.pop((tenant, turn.conversation), None)
                except SequenceError:
                    if self._cache.pop((tenant, turn.conversation), None) is None:
                        raise
                    # what we remember may be old: another process may have taken the turns between
        raise VersionConflict("the conversation is written by too many at once; send the turn again")

    async def apply(
        self,
        handoff: str,
        event: Event,
        *,
        tenant: str = DEFAULT_TENANT,
        done: Lease | None = None,
        failed: str | None = None,
        fired: int | None = None,
        known: Handoff | None = None,
    ) -> Handoff:
        """Carry a handoff forward by an event, durably.

        `done` is the lease of outgoing work, `fired` the timer, whose outcome the event is; both are crossed off in the same
        transaction. `failed` says why the item was given up; `known` is the handoff as it was read a moment ago.
        Raises `UnknownError`, `ForbiddenMove` or `StoreUnavailable`.
        """
        answered = {"done": done, "failed": failed, "fired": fired}
        for _ in range(MAX_CONFLICTS):
            found = known or await self.handoff(handoff, tenant=tenant)
            lock = self._lock(tenant, found.conversation)
            good_enough = known is not None and not lock.locked()
            try:
                async with lock:
                    if not good_enough:  # others may have written since
                        found = await self.handoff(handoff, tenant=tenant)
                    return await self._apply(found, event, tenant, answered, fresh=not good_enough)
            except AlreadyDone:
                return await self.handoff(handoff, tenant=tenant)
            except VersionConflict:
                known = None
                self._cache.pop((tenant, found.conversation), None)
        raise VersionConflict(f"handoff {handoff} is written by too many at once; try again")

    async def handoff(self, handoff: str, *, tenant: str = DEFAULT_TENANT) -> Handoff:
        """Return a handoff. Raises `UnknownError`."""
        found = await self.store.handoff(tenant, handoff)
        if found is None:
            raise UnknownError(f"there is no handoff {handoff!r}; list them with `hookflash handoffs` or GET /v1/handoffs")
        return found

    async def conversation(self, conversation: str, *, tenant: str = DEFAULT_TENANT) -> Conversation:
        """Return a conversation with its latest turns. Raises `UnknownError`."""
        found = await self.store.conversation(tenant, conversation)
        if found is None:
            raise UnknownError("there is no such conversation; it begins with its first turn")
        return found

    async def _observe(self, turn: Turn, tenant: str, judge: Judge, *, again: bool) -> Decision:
        if not turn.final:  # most interim speech is not written, so that nothing would tell us of a change made elsewhere
            self._cache.pop((tenant, turn.conversation or ""), None)
        conversation = await self._load(tenant, turn.conversation or "", seq=turn.seq, again=again)
        seen = await self._seen(turn, conversation, again=again)
        if seen is not None:
            return seen
        now = self.clock.now()
        timed = turn if turn.at is not None else turn.model_copy(update={"at": now})
        open_handoff = await self.handoff(conversation.handoff, tenant=tenant) if conversation.handoff else None
        matrix = await self._matrix(open_handoff) if open_handoff else judge.matrix
        record = await judge.judge(timed, conversation, now, matrix)
        if not turn.final:
            if not sets_off(record.decision, conversation):
                return record.decision  # the final words come
            record = outside_the_count(record)
        change, spoken = await self._change(record, conversation, open_handoff, matrix, now)
        await self.store.commit(change)
        self._remember(spoken)
        if change.outbox:
            self.on_work()
        assert change.turn is not None
        return change.turn.decision

    async def _seen(self, turn: Turn, conversation: Conversation, *, again: bool) -> Decision | None:
        """Return the first decision on a turn sent again. Raises `SequenceError` for a turn out of order.

        A key that the latest turns do not know is looked up only if its number is an old one, or `again`, after the
        store refused it as known: almost every key is new.
        """
        kept = None
        tenant, name = conversation.tenant, conversation.id
        old = turn.seq is not None and turn.seq <= (conversation.last_seq or 0)
        if turn.key is not None:
            kept = next((record for record in conversation.turns if record.turn.key == turn.key), None)
            if kept is None and (again or old):
                kept = await self.store.turn(tenant, name, seq=None, key=turn.key)
        elif old:
            kept = await self.store.turn(tenant, name, seq=turn.seq, key=None)
        if kept is not None:
            return first_decision(kept, turn)
        require_next(turn, conversation)
        return None

    async def _change(
        self, record: TurnRecord, before: Conversation, open_handoff: Handoff | None, matrix: Matrix, now: datetime
    ) -> tuple[Change, Conversation]:
        """Return everything that a decision writes, and the conversation after it."""
        spoken = after(before, record)
        handoff: Handoff | None = None
        ended: Change | None = None
        commands: Sequence[Command] = ()
        steps: tuple[AuditEntry, ...] = ()
        if open_handoff is not None:
            event = await self._event_of(record, spoken, open_handoff, matrix, now)
            if event is not None:
                handoff, commands = step(open_handoff, event, matrix, now, await self._promised(open_handoff))
                steps = (audit.of_step(open_handoff.state, event, handoff, commands, now),)
        elif record.decision.action is Action.ESCALATE:
            others = await self._others(spoken)
            earlier, ended = await self._earlier(others, spoken, record, now)
            if earlier is not None:  # what was known of them then is known now
                before = before.model_copy(update={"customer": earlier.brief.customer.updated_by(before.customer)})
                spoken = after(before, record)
            handoff, commands = await self._request(record, spoken, matrix, now, earlier, crowded=len(others) >= CROWD)
            record = record.model_copy(update={"decision": handoff.decision})
            spoken = after(before, record)
            steps = (audit.of_step(None, None, handoff, commands, now),)
        spoken = owned(spoken, handoff)
        entries = (audit.of_decision(record, spoken, now), *steps)
        change = change_of(spoken.tenant, now, commands, conversation=spoken, turn=record, handoff=handoff, audit=entries, also=ended)
        return change, spoken

    async def _earlier(
        self, others: Sequence[Handoff], spoken: Conversation, record: TurnRecord, now: datetime
    ) -> tuple[Handoff | None, Change | None]:
        """Return which open handoff goes on in the one that begins now, and its end. One that cannot end keeps nobody away."""
        earlier = to_go_on_from(others, spoken, record.decision)
        if earlier is None:
            return None, None
        self._cache.pop((earlier.tenant, earlier.conversation), None)  # read anew, as no lock of it is held
        following = handoff_id(spoken.tenant, spoken.id, record.number, now)
        try:
            return earlier, await self._stepped(earlier, Superseded(by=following), now)
        except Retryable:
            raise
        except Exception as error:  # noqa: BLE001 - what is wrong with an old handoff must not keep a person away
            log.error("earlier_handoff_left", handoff=earlier.id, error=type(error).__name__)
            return None, None

    async def _event_of(self, record: TurnRecord, spoken: Conversation, handoff: Handoff, matrix: Matrix, now: datetime) -> Event | None:
        """Return what a turn means for the open handoff: the customer goes on, or a responder speaks and thereby takes it."""
        if record.turn.from_customer:
            return await self._spoke(record, spoken, handoff, matrix, now)
        takes = record.turn.speaker is Speaker.RESPONDER and "accepted" in TRANSITIONS[handoff.state]
        return Accepted(responder=SOMEBODY) if takes and handoff.state is not State.CONNECTED else None

    async def _request(
        self, record: TurnRecord, spoken: Conversation, matrix: Matrix, now: datetime, earlier: Handoff | None, *, crowded: bool
    ) -> Step:
        identifier = handoff_id(spoken.tenant, spoken.id, record.number, now)
        decision = record.decision.model_copy(update={"handoff": identifier})
        reachable = await self._reachable(decision, matrix, now)
        handoff = Handoff(
            id=identifier,
            tenant=spoken.tenant,
            conversation=spoken.id,
            channel=spoken.channel,
            language=language_of(record.turn, spoken, matrix),
            state=State.REQUESTED,
            decision=decision,
            plan=route(decision, spoken.channel, matrix, reachable),
            brief=await self._brief(identifier, decision, spoken, record, matrix, now),
            crowded=crowded,
            requested_at=now,
            changed_at=now,
        )
        onward = begin(handoff, matrix, now, earlier=earlier)
        return Step(onward.handoff, (*onward.commands, *crowd_noise(handoff, spoken.customer, now)))

    async def _others(self, spoken: Conversation) -> tuple[Handoff, ...]:
        """Return the newest open handoffs of the same customer from other conversations, so many as make a crowd.

        What somebody began who is less sure to be that customer is not held against them.
        """
        customer = spoken.customer
        known = identities_of(customer)
        found = await self.store.open_handoffs_of(spoken.tenant, known, CROWD) if known else ()
        return tuple(one for one in found if one.conversation != spoken.id and one.brief.customer.certainty >= customer.certainty)

    async def _promised(self, handoff: Handoff) -> int:
        """Return how many promises its desk has open, where that makes a difference."""
        terms = handoff.plan.promise
        return await self.store.promised(handoff.tenant, terms.desk) if terms.per_hour else 0

    async def _spoke(self, record: TurnRecord, spoken: Conversation, handoff: Handoff, matrix: Matrix, now: datetime) -> CustomerSpoke:
        """Return the event of a customer who goes on: a fresh brief, and a new plan where it calls for one."""
        decision = record.decision
        anew = calls_for_a_new_plan(decision, handoff)
        settled = decision if anew else handoff.decision
        brief = await self._brief(handoff.id, settled, spoken, record, matrix, now, handoff.brief.history)
        if not anew:
            return CustomerSpoke(decision=decision, brief=brief)
        plan = route(decision, spoken.channel, matrix, await self._reachable(decision, matrix, now))
        return CustomerSpoke(decision=decision, brief=brief, raised=plan)

    async def _brief(
        self,
        handoff: str,
        decision: Decision,
        spoken: Conversation,
        record: TurnRecord,
        matrix: Matrix,
        now: datetime,
        earlier: Sequence[HistoryTurn] = (),
    ) -> Brief:
        """Compose the brief. If a part of it cannot be made, the person still comes, with the reason and the history."""
        history = said_so_far(spoken, earlier) or await self._history(spoken, record)
        try:
            return await asyncio.to_thread(compose, handoff, decision, spoken, history, matrix, now)
        except Exception as error:  # noqa: BLE001 - no words of a customer may keep a person away
            log.error("brief_incomplete", handoff=handoff, error=type(error).__name__)
            return compose(handoff, decision, spoken, history, matrix.model_copy(update={"context": BARE_CONTEXT}), now)

    async def _reachable(self, decision: Decision, matrix: Matrix, now: datetime) -> frozenset[str]:
        """Ask the roster. One that fails or hangs knows nothing: then everybody is tried."""
        responders = responders_of(decision, matrix)
        try:
            async with asyncio.timeout(ROSTER_TIMEOUT.total_seconds()):
                return frozenset(await self._roster.reachable(responders, now))
        except Exception:  # noqa: BLE001 - a roster that fails must not keep a person away
            log.error("roster_failed")
            return frozenset(responders)

    async def _history(self, spoken: Conversation, record: TurnRecord) -> tuple[HistoryTurn, ...]:
        """Return every turn said so far, the one being decided on included."""
        past = await self.store.history(spoken.tenant, spoken.id)
        return past if record.turn.draft else (*past, HistoryTurn.of(record))

    async def _apply(self, handoff: Handoff, event: Event, tenant: str, answered: dict[str, Any], *, fresh: bool) -> Handoff:
        now = self.clock.now()
        change = await self._stepped(handoff, event, now)
        if change is None:
            if not fresh:  # nothing is written that would tell whether it is still so
                raise VersionConflict("what is known of the handoff may be old")
            if any(value is not None for value in answered.values()):
                await self.store.commit(Change(tenant=tenant, now=now, **answered))
            return handoff
        await self.store.commit(change.model_copy(update=answered))
        if change.conversation is not None:
            self._remember(change.conversation)
        self.on_work()
        assert change.handoff is not None
        return change.handoff

    async def _stepped(self, handoff: Handoff, event: Event, now: datetime) -> Change | None:
        """Return everything that a step writes, or None where it changes nothing."""
        following, commands = step(handoff, event, await self._matrix(handoff), now, await self._promised(handoff))
        if following is handoff:
            return None
        conversation = await self._after_step(handoff, following)
        entries = (audit.of_step(handoff.state, event, following, commands, now),)
        return change_of(handoff.tenant, now, commands, conversation=conversation, handoff=following, audit=entries)

    async def _after_step(self, before: Handoff, following: Handoff) -> Conversation | None:
        """Return the conversation with its new owner, or None where the owner stays."""
        if before.state.owner is following.state.owner:
            return None
        conversation = await self._load(following.tenant, following.conversation)
        return owned(conversation.model_copy(update={"version": conversation.version + 1}), following)

    async def _matrix(self, handoff: Handoff) -> Matrix:
        """Return the matrix revision that a handoff began with."""
        known = self._matrices.get((handoff.tenant, handoff.brief.matrix))
        if known is None:
            document = await self.store.matrix(handoff.tenant, handoff.brief.matrix)
            if document is None:
                raise UnknownError(f"matrix revision {handoff.brief.matrix} of handoff {handoff.id} is not in the store")
            known = self._matrices[handoff.tenant, handoff.brief.matrix] = Matrix.model_validate_json(document)
        return known

    async def _load(self, tenant: str, conversation: str, *, seq: int | None = None, again: bool = False) -> Conversation:
        """Return a conversation; a new one where there is none, whose first turn has the number `seq`, if any.

        Whether one was erased is looked up where its numbers go on, or `again`, after the store refused a new one: few were.
        """
        known = self._cache.get((tenant, conversation))
        if known is not None:
            return known
        look_back = again or (seq or 1) > 1
        found = await (self.store.recall if look_back else self.store.conversation)(tenant, conversation)
        if isinstance(found, Conversation):
            return found
        new = Conversation(id=conversation, tenant=tenant)
        return new if found is None else beginning_anew(new, found, seq)

    def _remember(self, conversation: Conversation) -> None:
        key = conversation.tenant, conversation.id
        self._cache[key] = conversation
        self._cache.move_to_end(key)
        if len(self._cache) > CACHED_CONVERSATIONS:
            self._cache.popitem(last=False)

    def _judge(self, tenant: str) -> Judge:
        if tenant not in self.judges:
            raise UnknownError(f"there is no tenant {tenant!r}; start the server with a matrix for it")
        return self.judges[tenant]

    def _lock(self, tenant: str, conversation: str) -> asyncio.Lock:
        lock = self._locks.get((tenant, conversation))
        if lock is None:
            lock = self._locks[tenant, conversation] = asyncio.Lock()
        return lock
