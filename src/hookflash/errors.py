"""Every error that hookflash raises on purpose. Each message says what, where, and what to do.

HookflashError
├── InputError            what came in cannot be used; nothing was accepted
│   ├── MatrixError       the escalation matrix has faults (carries them all)
│   ├── TurnError         a turn cannot be read
│   ├── SequenceError     a turn is out of order, or its number was used for other words
│   ├── UnknownError      no such conversation, handoff or tenant
│   └── ForbiddenMove     a handoff cannot do that in its state
├── Retryable             trying again may help
│   ├── StoreUnavailable  the store cannot write now (locked, full, read-only)
│   ├── Overloaded        more to do than can be done now; send the turn again in a moment
│   ├── VersionConflict   somebody else wrote first; load again and repeat the step
│   └── DeliveryFailed    a desk or line did not answer as it should
└── Permanent             trying again cannot help
    ├── StoreInUse        another server holds the same file
    ├── AlreadyDone       a delivery or timer was answered before
    ├── StoreForeign      the file is somebody else's database
    ├── StoreTooNew       a newer hookflash wrote the file
    ├── DeliveryRefused   a desk or line said no for good
    └── ConfigError       a setting is missing or wrong
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


class HookflashError(Exception):
    """The root of the tree. `str(error)` is fit to be shown to a user and holds nothing protected."""


class InputError(HookflashError):
    """What came in cannot be used; nothing was accepted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in a matrix file: where (1-based line and column), how bad, of which kind, what, and the mend."""

    file: str
    line: int
    column: int
    what: str
    mend: str
    code: str
    severity: Literal["error", "warning"]
    unreadable: bool = False
    """Whether it keeps the file, or a value in it, from being read at all."""

    def __str__(self) -> str:
        """Render as `file:line:column severity code: what; mend`."""
        return f"{self.file}:{self.line}:{self.column} {self.severity} {self.code}: {self.what}; {self.mend}"


class MatrixError(InputError):
    """The escalation matrix has faults; `faults` holds every one of them in file order."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Keep the faults; the message is one line for each."""
        self.faults = sorted(faults, key=lambda fault: (fault.line, fault.column, fault.code, fault.what))
        super().__init__("\n".join(str(fault) for fault in self.faults))

    @property
    def readable(self) -> bool:
        """Whether the file could be read, and was then found wrong."""
        return not any(fault.unreadable for fault in self.faults)


class TurnError(InputError):
    """A turn cannot be read."""


class SequenceError(InputError):
    """A turn is out of order, or its number was already used for other words."""


class UnknownError(InputError):
    """There is no such conversation, handoff or tenant."""


class ForbiddenMove(InputError):
    """A handoff cannot do that in the state it is in."""


class Retryable(HookflashError):
    """Trying again may help. `retry_after` is a hint in seconds, where the other side gave one."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        """Keep the hint."""
        self.retry_after = retry_after
        super().__init__(message)


class StoreUnavailable(Retryable):
    """The store cannot write now. What was sent was not accepted, unless the message says that this is not known."""


class Overloaded(Retryable):
    """There is more to do than can be done now; what was sent was not accepted."""


class VersionConflict(Retryable):
    """Somebody else wrote first; load again and repeat the step."""


class DeliveryFailed(Retryable):
    """A desk or line did not answer as it should."""


class Permanent(HookflashError):
    """Trying again cannot help; somebody must change something."""


class StoreInUse(Permanent):
    """Another server holds the same database file."""


class AlreadyDone(Permanent):
    """A delivery or timer was answered before; nothing was written."""


class StoreForeign(Permanent):
    """The file is somebody else's database."""


class StoreTooNew(Permanent):
    """The database was written by a newer hookflash."""


class DeliveryRefused(Permanent):
    """A desk or line said no for good."""


class ConfigError(Permanent):
    """A setting is missing or wrong."""
