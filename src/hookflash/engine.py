"""The engine: takes turns in, decides, and commits turn, decision, audit, outgoing work and timers as one.

It answers the caller only after the commit. What must leave the process is written down as work for the couriers;
what happened outside comes back through `apply`.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from weakref import WeakValueDictionary

from hookflash import audit
from hookflash.brief import compose
from hookflash.errors import AlreadyDone, SequenceError, TurnError, UnknownError, VersionConflict
from hookflash.judge import Judge, after
from hookflash.lifecycle import begin, step
from hookflash.matrix import Matrix
from hookflash.model import (
    Action,
    Alert,
    ClearTimers,
    Command,
    Conversation,
    CustomerSpoke,
    Decision,
    DeliverBrief,
    Event,
    Handoff,
    HistoryTurn,
    Owner,
    Ring,
    Say,
    SetTimer,
    Speaker,
    State,
    StopRinging,
    Turn,
    TurnRecord,
)
from hookflash.ports import Change, Clock, Roster, Store
from hookflash.route import responders_of, route
from hookflash.signals.language import language_of

DEFAULT_TENANT = "default"
# Conversations kept in memory between turns; the version check at commit makes a stale one harmless.
CACHED_CONVERSATIONS = 10_000
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

        Raises `TurnError`, `SequenceError`, `UnknownError` (tenant) or `StoreUnavailable`; then nothing was kept.
        """
        if turn.conversation is None:
            raise TurnError("the turn names no conversation; set `conversation` to the id of the chat or call")
        judge = self._judge(tenant)
        async with self._lock(tenant, turn.conversation):
            for _ in range(MAX_CONFLICTS):
                try:
                    return await self._observe(turn, tenant, judge)
                except VersionConflict:
                    self._cache.pop((tenant, turn.conversation), None)
        raise VersionConflict(f"conversation {turn.conversation} is written by too many at once; send the turn again")

    async def apply(
        self, handoff: str, event: Event, *, tenant: str = DEFAULT_TENANT, done: int | None = None, fired: int | None = None
    ) -> Handoff:
        """Carry a handoff forward by an event, durably.

        `done` is the outbox item, `fired` the timer, whose outcome the event is; both are crossed off in the same
        transaction. Raises `UnknownError`, `ForbiddenMove` or `StoreUnavailable`.
        """
        for _ in range(MAX_CONFLICTS):
            found = await self.handoff(handoff, tenant=tenant)
            try:
                async with self._lock(tenant, found.conversation):
                    return await self._apply(handoff, event, tenant, done, fired)
            except AlreadyDone:
                return await self.handoff(handoff, tenant=tenant)
            except VersionConflict:
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
            raise UnknownError(f"there is no conversation {conversation!r}; it begins with its first turn")
        return found

    async def _observe(self, turn: Turn, tenant: str, judge: Judge) -> Decision:
        conversation = await self._load(tenant, turn.conversation or "")
        seen = await self._seen(turn, conversation)
        if seen is not None:
            return seen
        now = self.clock.now()
        timed = turn if turn.at is not None else turn.model_copy(update={"at": now})
        record = await judge.judge(timed, conversation)
        if not turn.final and record.decision.action is Action.CONTINUE:
            return record.decision  # interim speech that sets nothing off is not kept: the final words come
        change, spoken = await self._change(record, conversation, judge.matrix, now)
        await self.store.commit(change)
        self._remember(spoken)
        if change.outbox:
            self.on_work()
        assert change.turn is not None
        return change.turn.decision

    async def _seen(self, turn: Turn, conversation: Conversation) -> Decision | None:
        """Return the first decision on a turn sent again. Raises `SequenceError` for a turn out of order."""
        kept = None
        last = conversation.last_seq or 0
        if turn.key is not None and conversation.version:
            kept = await self.store.turn(conversation.tenant, conversation.id, seq=None, key=turn.key)
        elif turn.seq is not None and turn.seq <= last:
            kept = await self.store.turn(conversation.tenant, conversation.id, seq=turn.seq, key=None)
        if kept is not None:
            return _same(kept, turn)
        if turn.seq is not None and turn.seq != last + 1:
            raise SequenceError(
                f"turn {turn.seq} of conversation {conversation.id} is out of order: the next one is {last + 1}; "
                "send the missing turns first"
            )
        return None

    async def _change(self, record: TurnRecord, before: Conversation, matrix: Matrix, now: datetime) -> tuple[Change, Conversation]:
        """Return everything that a decision writes, and the conversation after it."""
        spoken = after(before, record)
        handoff: Handoff | None = None
        commands: Sequence[Command] = ()
        entries = []
        if record.decision.action is Action.ESCALATE and before.handoff is None:
            handoff, commands = await self._request(record, spoken, matrix, now)
            record = record.model_copy(update={"decision": record.decision.model_copy(update={"handoff": handoff.id})})
            entries.append(audit.of_step(None, None, handoff, commands, now))
        elif before.handoff is not None and record.turn.from_customer:
            open_handoff = await self.handoff(before.handoff, tenant=before.tenant)
            event = await self._spoke(record, spoken, open_handoff, now)
            of_handoff = await self._matrix(open_handoff)
            handoff, commands = step(open_handoff, event, of_handoff, now)
            entries.append(audit.of_step(open_handoff.state, event, handoff, commands, now))
        spoken = _owned(spoken, handoff, record)
        entries.insert(0, audit.of_decision(record, spoken, now))
        return _change_of(spoken.tenant, now, commands, conversation=spoken, turn=record, handoff=handoff, audit=tuple(entries)), spoken

    async def _request(
        self, record: TurnRecord, spoken: Conversation, matrix: Matrix, now: datetime
    ) -> tuple[Handoff, tuple[Command, ...]]:
        decision = record.decision
        reachable = await self._reachable(decision, matrix, now)
        identifier = handoff_id(spoken.tenant, spoken.id, record.number)
        history = await self._history(spoken, record)
        handoff = Handoff(
            id=identifier,
            tenant=spoken.tenant,
            conversation=spoken.id,
            channel=spoken.channel,
            language=language_of(record.turn, spoken, matrix),
            state=State.REQUESTED,
            decision=decision.model_copy(update={"handoff": identifier}),
            plan=route(decision, spoken.channel, matrix, reachable),
            brief=compose(identifier, decision, spoken, history, matrix, now),
            requested_at=now,
            changed_at=now,
        )
        return handoff, begin(handoff, now)

    async def _spoke(self, record: TurnRecord, spoken: Conversation, handoff: Handoff, now: datetime) -> CustomerSpoke:
        """Return the event of a customer who goes on: a fresh brief, and a new plan if it became more urgent."""
        matrix = await self._matrix(handoff)
        decision = record.decision
        urgency = decision.urgency
        raised = decision.reasons and urgency is not None and urgency.rank > handoff.plan.urgency.rank
        reason = decision if raised else handoff.decision
        brief = compose(handoff.id, reason, spoken, await self._history(spoken, record), matrix, now)
        if not raised:
            return CustomerSpoke(decision=decision, brief=brief)
        plan = route(decision, spoken.channel, matrix, await self._reachable(decision, matrix, now))
        return CustomerSpoke(decision=decision, brief=brief, raised=plan)

    async def _reachable(self, decision: Decision, matrix: Matrix, now: datetime) -> frozenset[str]:
        """Ask the roster. One that fails knows nothing: then everybody is tried."""
        responders = responders_of(decision, matrix)
        try:
            return await self._roster.reachable(responders, now)
        except Exception:  # noqa: BLE001 - a roster that fails must not keep a person away
            return frozenset(responders)

    async def _history(self, spoken: Conversation, record: TurnRecord) -> tuple[HistoryTurn, ...]:
        """Return every turn said so far, the one being decided on included."""
        past = await self.store.history(spoken.tenant, spoken.id) if spoken.version > 1 else ()
        if record.turn.draft:
            return past
        turn = record.turn
        return (*past, HistoryTurn(number=record.number, speaker=turn.speaker, text=turn.text, at=turn.at))

    async def _apply(self, identifier: str, event: Event, tenant: str, done: int | None, fired: int | None) -> Handoff:
        handoff = await self.handoff(identifier, tenant=tenant)
        now = self.clock.now()
        following, commands = step(handoff, event, await self._matrix(handoff), now)
        if following is handoff:
            if done is not None or fired is not None:
                await self.store.commit(Change(tenant=tenant, now=now, done=done, fired=fired))
            return handoff
        conversation = await self._after_step(handoff, following)
        entry = audit.of_step(handoff.state, event, following, commands, now)
        change = _change_of(tenant, now, commands, conversation=conversation, handoff=following, audit=(entry,), done=done, fired=fired)
        await self.store.commit(change)
        if conversation is not None:
            self._remember(conversation)
        if change.outbox:
            self.on_work()
        return following

    async def _after_step(self, before: Handoff, following: Handoff) -> Conversation | None:
        """Return the conversation with its new owner, or None where the owner stays."""
        if before.state.owner is following.state.owner:
            return None
        conversation = await self._load(following.tenant, following.conversation)
        update = {"version": conversation.version + 1, "owner": following.state.owner}
        if following.state.closed:
            update |= {"handoff": None, "escalated": None, "result": following.result}
        return conversation.model_copy(update=update)

    async def _matrix(self, handoff: Handoff) -> Matrix:
        """Return the matrix revision that a handoff began with."""
        known = self._matrices.get((handoff.tenant, handoff.brief.matrix))
        if known is None:
            document = await self.store.matrix(handoff.tenant, handoff.brief.matrix)
            if document is None:
                raise UnknownError(f"matrix revision {handoff.brief.matrix} of handoff {handoff.id} is not in the store")
            known = self._matrices[handoff.tenant, handoff.brief.matrix] = Matrix.model_validate_json(document)
        return known

    async def _load(self, tenant: str, conversation: str) -> Conversation:
        known = self._cache.get((tenant, conversation))
        if known is not None:
            return known
        stored = await self.store.conversation(tenant, conversation)
        return stored or Conversation(id=conversation, tenant=tenant)

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


def handoff_id(tenant: str, conversation: str, turn: int) -> str:
    """Return the id of the handoff that a turn requests: the same turn never makes two."""
    digest = hashlib.sha256(f"{tenant}\x00{conversation}\x00{turn}".encode()).hexdigest()
    return f"ho-{digest[:16]}"


def _same(kept: TurnRecord, turn: Turn) -> Decision:
    """Return the decision kept for a turn sent again. Raises `SequenceError` if it now says something else."""
    again = (turn.speaker, turn.draft, len(turn.text))
    if again != (kept.turn.speaker, kept.turn.draft, len(kept.turn.text)):
        name = f"seq {turn.seq}" if turn.key is None else f"key {turn.key!r}"
        raise SequenceError(f"{name} was already used for another turn of conversation {turn.conversation}; use a new one")
    return kept.decision


def _owned(spoken: Conversation, handoff: Handoff | None, record: TurnRecord) -> Conversation:
    if handoff is not None:
        reasons = handoff.decision.reasons
        return spoken.model_copy(update={"owner": handoff.state.owner, "handoff": handoff.id, "escalated": reasons[0] if reasons else None})
    if record.turn.speaker is Speaker.RESPONDER:
        return spoken.model_copy(update={"owner": Owner.RESPONDER})
    return spoken


def _change_of(tenant: str, now: datetime, commands: Sequence[Command], **parts: object) -> Change:
    """Sort a step's commands into what goes to the outbox and what to the timers."""
    outgoing = tuple(command for command in commands if isinstance(command, (DeliverBrief, Ring, StopRinging, Say, Alert)))
    timers = tuple(command for command in commands if isinstance(command, SetTimer))
    clear = any(isinstance(command, ClearTimers) for command in commands)
    return Change.model_validate({"tenant": tenant, "now": now, "outbox": outgoing, "timers": timers, "clear_timers": clear, **parts})
