"""How long what customers said is kept."""

from datetime import timedelta

from pydantic import Field

from hookflash.matrix.section import Section
from hookflash.matrix.values import Duration

# What documentation of health data must be kept at least (45 CFR 164.316(b)(2)(i)).
SIX_YEARS = timedelta(days=6 * 365)


class Retention(Section):
    """How long each kind of record is kept; left out, for good. What is open, or under a legal hold, always stays."""

    conversations: Duration | None = Field(
        None, description="Turns, messages, tickets and handoffs, since the conversation last changed.", examples=["400d"]
    )
    audit: Duration | None = Field(None, description="The audit trail, since each entry was written.", examples=["2200d"])
    work: Duration = Field(timedelta(days=7), description="Outgoing work that is done.", examples=["7d"])
