"""Run every detector on a turn. One that fails, is late or is missing becomes a signal, never silence.

The built-in detectors take linear time on bounded text, so they run in line: handing each to a thread would cost more
than all of them together. Detectors that others bring run in threads of their own, side by side, each given up at its
deadline; a thread that hangs is left behind, and too many of them close the door to their detector.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from threading import Thread

from threadpoolctl import ThreadpoolController

from hookflash.matrix import Matrix
from hookflash.model import Conversation, Evidence, Kind, Signal, Turn
from hookflash.ports import Detector
from hookflash.signals.classify import classifier_for
from hookflash.signals.confidence import ConfidenceDetector
from hookflash.signals.distress import DistressDetector
from hookflash.signals.draft import DraftDetector
from hookflash.signals.pleased import PleasedDetector
from hookflash.signals.request import RequestDetector
from hookflash.signals.scope import ScopeDetector
from hookflash.signals.stuck import StuckDetector

# Threads of one detector that may hang at a time before it is no longer asked.
MAX_HANGING = 8
REQUIRED = ("request", "distress", "confidence", "scope", "stuck", "draft")


def builtin_detectors(matrix: Matrix) -> tuple[Detector, ...]:
    """Return the detectors that ship with hookflash, trained for a matrix."""
    classifier, main = classifier_for(matrix), matrix.business.languages[0]
    return (
        RequestDetector(),
        DistressDetector(),
        ScopeDetector(classifier, main),
        ConfidenceDetector(classifier, main),
        StuckDetector(),
        DraftDetector(classifier),
        PleasedDetector(),
    )


class Panel:
    """The detectors of one matrix, run together."""

    def __init__(self, inline: Sequence[Detector], guarded: Sequence[Detector] = (), missing: Iterable[str] = ()) -> None:
        """Take detectors to run in line and detectors to run under guard.

        `missing` names detectors that should be there and are not, beside those of `REQUIRED` that nobody brings.
        """
        self._inline = tuple(inline)
        self._guarded = tuple(guarded)
        names = {detector.name for detector in (*inline, *guarded)}
        self._missing = tuple(sorted({*missing, *(name for name in REQUIRED if name not in names)}))
        self._hanging: Counter[str] = Counter()
        self._threads = ThreadpoolController()

    @property
    def asks_others(self) -> bool:
        """Whether there are detectors to run under guard."""
        return bool(self._guarded)

    async def signals(self, turn: Turn, conversation: Conversation) -> tuple[Signal, ...]:
        """Return everything measured on a turn, failures included. Never raises."""
        measured = self.measure(turn, conversation)
        if not self._guarded:
            return measured
        asked = [self._ask(detector, turn, conversation) for detector in self._guarded]
        return (*measured, *(signal for signals in await asyncio.gather(*asked) for signal in signals))

    def measure(self, turn: Turn, conversation: Conversation) -> tuple[Signal, ...]:
        """Return what the in-line detectors measure, and the failures of the missing ones."""
        signals = [_failure(name, "is missing") for name in self._missing]
        with self._threads.limit(limits=1):  # one turn is too little work to share; waiting for other threads costs more
            for detector in self._inline:
                signals += _run(detector, turn, conversation)
        return tuple(signals)

    async def _ask(self, detector: Detector, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
        if self._hanging[detector.name] >= MAX_HANGING:
            return (_failure(detector.name, "hangs and is no longer asked"),)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[Signal]] = loop.create_future()

        def work() -> None:
            signals = _run(detector, turn, conversation)
            with suppress(RuntimeError):  # the loop may have closed while the detector hung
                loop.call_soon_threadsafe(self._answered, detector.name, answer, signals)

        try:
            Thread(target=work, name=f"detector-{detector.name}", daemon=True).start()
        except RuntimeError:
            return (_failure(detector.name, "could not be started"),)
        self._hanging[detector.name] += 1
        try:
            async with asyncio.timeout(detector.deadline):
                return await asyncio.shield(answer)
        except TimeoutError:
            return (_failure(detector.name, f"was not done within {detector.deadline:g} s"),)

    def _answered(self, name: str, answer: "asyncio.Future[Sequence[Signal]]", signals: Sequence[Signal]) -> None:
        self._hanging[name] -= 1
        if not answer.done():
            answer.set_result(signals)


def _run(detector: Detector, turn: Turn, conversation: Conversation) -> Sequence[Signal]:
    try:
        signals = tuple(detector.detect(turn, conversation))
    except Exception as error:  # noqa: BLE001 - whatever a detector raises is itself a signal
        return (_failure(detector.name, f"raised {type(error).__name__}"),)
    if not all(isinstance(signal, Signal) for signal in signals):
        return (_failure(detector.name, "returned something other than signals"),)
    return signals


def _failure(name: str, what: str) -> Signal:
    return Signal(kind=Kind.DETECTOR_FAILURE, score=1.0, evidence=(Evidence(text="", note=f"{name} {what}"),), detector=name)
