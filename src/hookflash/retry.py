"""When to try again. Pure: the random number that spreads the tries is an argument."""

from datetime import timedelta

# The first retry comes fast: most failures are a connection that just dropped.
FIRST_DELAY = timedelta(milliseconds=500)
# Doubling reaches a vendor's typical outage (minutes) in eight tries and the cap soon after.
FACTOR = 2.0
# Beyond this a responder waits longer for our courier than for the vendor.
LONGEST_DELAY = timedelta(minutes=5)
# A little over three days at the longest delay, as long as the large payment and messaging vendors keep trying.
MAX_ATTEMPTS = 900
# Tries of many handoffs that failed together must not come back together.
SPREAD = 0.25


def delay(attempts: int, *, chance: float, retry_after: float | None = None) -> timedelta | None:
    """Return how long to wait after `attempts` failed tries, or None to give up.

    `chance` (0 to 1) spreads the delay by a quarter either way. `retry_after`, in seconds, is what the other side asked
    for; it is honoured up to the longest delay.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    exponent = min(attempts - 1, 30)
    planned = min(FIRST_DELAY * FACTOR**exponent, LONGEST_DELAY)
    spread = planned * (1 + SPREAD * (2 * chance - 1))
    asked = timedelta(seconds=min(max(retry_after or 0.0, 0.0), LONGEST_DELAY.total_seconds()))
    return max(spread, asked)
