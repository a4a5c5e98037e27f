"""The watchman fires what is due, finds what has come to a halt, makes noise, and beats an outside heartbeat.

It works apart from the couriers: a courier that died or hangs is exactly what it must find.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from types import MappingProxyType

import structlog

from hookflash.firing import Firing, Steps
from hookflash.matrix.retention import Retention
from hookflash.model import Alert, Urgency
from hookflash.ports import Clock, Store
from hookflash.steady import steady
from hookflash.summary import summary_of

log = structlog.get_logger("hookflash.watchman")

ROUND = timedelta(milliseconds=250)
# A handoff that nothing will move is found within this; then somebody must look.
HALT = timedelta(seconds=30)
HEARTBEAT = timedelta(seconds=20)
# A beat that has not got through by then is a missing one.
BEAT_TIMEOUT = timedelta(seconds=10)
BATCH = 200
NEGLECT = "neglect"
# Noise about what happens once, not about what is so.
ONCE = ("timer-", "clock-")
# How long a round waits for its noise and its beat to be heard; the rest is heard beside the next rounds.
LISTENING = timedelta(milliseconds=50)
# How often to look for what is past its time.
FORGETTING = timedelta(minutes=10)
# Clocks that are kept by a time server move by less from one round to the next.
JUMP = timedelta(seconds=5)
# When a day's promises are summed up, by the clock of the business.
MORNING = time(8)
MANY = 10_000

Alarm = Callable[[str, str], Awaitable[None]]
Beat = Callable[[], Awaitable[None]]


class Watchman:
    """Makes rounds until told to stop."""

    def __init__(
        self,
        steps: Steps,
        store: Store,
        clock: Clock,
        *,
        alarm: Alarm,
        beat: Beat | None = None,
        retention: Mapping[str, Retention] = MappingProxyType({}),
        zones: Mapping[str, tzinfo] = MappingProxyType({}),
        every: timedelta = ROUND,
    ) -> None:
        """Take the alarm, and `beat` if an outside dead-man's switch listens.

        `retention` says how long each tenant keeps what, `zones` by whose clock its days begin; a round is made `every` so
        often.
        """
        self._zones = zones
        self._summed_up: dict[str, date] = {}
        self._retention = retention
        self._forgot_at: float | None = None
        self.every = every
        self._store = store
        self._clock = clock
        self._alarm = alarm
        self._beat = beat
        self._raised: set[str] = set()
        self._sounding: dict[str, asyncio.Task[None]] = {}
        self._firing = Firing(steps, store, clock, self._sound)
        self._beaten_at: float | None = None
        self._beating: asyncio.Task[None] | None = None
        self._clock_was: tuple[datetime, float] | None = None
        self.last_round: float | None = None
        """When the last round was made, in seconds of the event loop's clock, which nobody sets."""

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self._compare_clocks()
                await self.round()
            except Exception as error:  # noqa: BLE001 - whatever happens, the watchman goes on
                log.error("round_failed", error=type(error).__name__)
            await asyncio.sleep(self.every.total_seconds())

    async def round(self) -> int:
        """Make one round; return how many timers were taken."""
        now = self._clock.now()
        fired = await self._firing.fire_due(now)
        await self._find_halted(now)
        await self._forget(now)
        await self._sum_up(now)
        self.last_round = steady()
        self._heartbeat()
        beside = [*self._sounding.values(), *([self._beating] if self._beating is not None else [])]
        if beside:
            await asyncio.wait(beside, timeout=LISTENING.total_seconds())
        return fired

    async def stop(self) -> None:
        """Give back the timers that are still held. Call once the rounds have ended."""
        await self._firing.stop()

    async def _compare_clocks(self) -> None:
        """Notice a clock that was set. Promises follow the new time; those who keep them should know."""
        now, ticks = self._clock.now(), steady()
        before, ticks_before = self._clock_was or (now, ticks)
        jump = (now - before).total_seconds() - (ticks - ticks_before)
        if abs(jump) > JUMP.total_seconds():
            log.error("clock_was_set", seconds=round(jump))
            await self._store.clock_was_set(now)
        self._clock_was = now, ticks
        if abs(jump) > JUMP.total_seconds():
            self._sound(f"clock-{ticks:.0f}", "", f"the clock of this machine was set by {jump:+.0f} s; promises are kept by the new time")

    async def _find_halted(self, now: datetime) -> None:
        """Make noise, once each, for handoffs that nothing will move, and once for work that nobody does."""
        halted = await self._store.stalled(now - HALT, BATCH)
        found = {one.id: f"handoff {one.id} is {one.state} and nothing will move it" for one in halted}
        if neglected := await self._store.neglected(now - HALT, BATCH):
            first = neglected[0].handoff
            found[NEGLECT] = f"handoff {first} has work that no courier takes, as {len({one.handoff for one in neglected}) - 1} others have"
        self._raised = {key for key in self._raised if key in found or key.startswith(ONCE)}
        for handoff, what in found.items():
            if handoff not in self._raised:
                log.error("handoff_halted", what=what)
                self._sound(handoff, "" if handoff == NEGLECT else handoff, what)

    def _sound(self, key: str, handoff: str, what: str) -> None:
        """Make noise beside the round, once; where nobody could be told, the next round tries again."""
        if key in self._raised or key in self._sounding:
            return

        async def sound() -> None:
            try:
                await self._alarm(handoff, what)
                self._raised.add(key)
            except Exception as error:  # noqa: BLE001 - timers do not wait for whoever is to be told
                log.error("alarm_failed", handoff=handoff, error=type(error).__name__)
            finally:
                self._sounding.pop(key, None)

        self._sounding[key] = asyncio.create_task(sound())

    async def _forget(self, now: datetime) -> None:
        """Now and then forget what is past its time."""
        if self._forgot_at is not None and steady() - self._forgot_at < FORGETTING.total_seconds():
            return
        gone = [await self._store.expire(tenant, now, retention) for tenant, retention in self._retention.items()]
        if not any(gone):  # else there may be more: go on with the next round
            self._forgot_at = steady()

    async def _sum_up(self, now: datetime) -> None:
        """Once a day, in the morning of each business, leave the summary of its promises for the couriers."""
        for tenant, zone in self._zones.items():
            today = now.astimezone(zone)
            if today.time() < MORNING or self._summed_up.get(tenant) == today.date():
                continue
            yesterday = now - timedelta(days=1)
            made = await self._store.promises(tenant, open_only=False, since=yesterday, limit=MANY)
            summary = summary_of(made, yesterday, now)
            if summary.made or summary.open:
                told = Alert(key=f"summary:{today.date()}", what=f"{tenant}: {summary}", routine=True)
                await self._store.leave(tenant, "", Urgency.NORMAL, told, now)
            self._summed_up[tenant] = today.date()

    def _heartbeat(self) -> None:
        """Beat beside the rounds, now and then."""
        now = steady()
        if self._beat is None or (self._beaten_at is not None and now - self._beaten_at < HEARTBEAT.total_seconds()):
            return
        self._beaten_at = now
        self._beating = asyncio.create_task(self._beat_once(self._beat))

    async def _beat_once(self, beat: Beat) -> None:
        try:
            async with asyncio.timeout(BEAT_TIMEOUT.total_seconds()):
                await beat()
        except Exception:  # noqa: BLE001 - whoever listens notices the missing beat; that is its purpose
            log.warning("heartbeat_failed")
        finally:
            self._beating = None
