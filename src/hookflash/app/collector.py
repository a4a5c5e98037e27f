"""Python's garbage collector, told what a server is like: much that stays for good, little that refers to itself."""

import gc

# The young are looked through every so many new objects, the old after so many of these looks. By default a server with
# models in memory stands still for a tenth of a second every few thousand turns.
THRESHOLDS = (50_000, 20, 100)


def calm_collector() -> None:
    """Set what is there apart, for good, and look through the rest less often. Call once everything is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
