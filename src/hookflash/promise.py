"""Promises: by when a person gets back to the customer, computed from the calendar, and how that is said."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime

from hookflash.hours import after_open_time
from hookflash.matrix import Matrix
from hookflash.model import PromiseTerms

# How long before it falls due the people who must keep it are reminded: half of what is left, at most this.
LONGEST_NOTICE = timedelta(minutes=15)


def due_time(terms: PromiseTerms, matrix: Matrix, now: datetime) -> datetime:
    """Return when the promise falls due: after `terms.within` of open time, to the minute, never early."""
    due = after_open_time(matrix.calendars[terms.hours], now, terms.within) or now + terms.within
    return due if not due.second and not due.microsecond else due.replace(second=0, microsecond=0) + timedelta(minutes=1)


def reminder_time(due: datetime, now: datetime) -> datetime:
    """Return when to remind those who must keep a promise."""
    return due - min(LONGEST_NOTICE, (due - now) / 2)


def spoken_time(due: datetime, matrix: Matrix, language: str) -> str:
    """Return the due time as a customer hears it: in the business' zone and the given language."""
    local = due.astimezone(ZoneInfo(matrix.business.timezone))
    shape = "EEEE, MMMM d, h:mm a" if language.startswith("en") else "EEEE d MMMM, HH:mm"
    return str(format_datetime(local, shape, tzinfo=local.tzinfo, locale=_locale(language)))


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en")
