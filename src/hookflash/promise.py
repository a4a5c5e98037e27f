"""Promises: by when a person gets back to the customer, computed from the calendar, and how that is said."""

from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime

from hookflash.hours import after_open_time
from hookflash.matrix import Matrix
from hookflash.model import Brief, Calendar, Channel, Contact, Customer, EntityKind, PromiseTerms, Span

# How long before it falls due the people who must keep it are reminded: half of what is left, at most this.
LONGEST_NOTICE = timedelta(minutes=15)
# When one may ring somebody at home: the hours of the United States' rule for calls (47 CFR 64.1200(c)(1)).
WAKING = (Span(start=time(8), end=time(21)),)


def contact_of(customer: Customer, channel: Channel) -> Contact | None:
    """Return how a customer can be reached, or None where no way is known.

    Details that the assistant's side says are not the customer's own do not count; a number that calls us does.
    """
    trusted = customer.verified is not False
    if customer.phone and (trusted or channel is Channel.VOICE):
        return "phone"
    if customer.email and trusted:
        return "email"
    return "here" if channel is Channel.CHAT else None


def number_heard(brief: Brief) -> str | None:
    """Return the customer's number as it is read out, where it is known from their own words alone and may be misheard."""
    phone = brief.customer.phone
    heard = any(entity.kind is EntityKind.PHONE and entity.normalised == phone for entity in brief.entities)
    if phone is None or brief.customer.verified or not heard:
        return None
    return phonenumbers.format_number(phonenumbers.parse(phone), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def due_time(terms: PromiseTerms, matrix: Matrix, now: datetime, *, waiting: int = 0, zone: str | None = None) -> datetime:
    """Return when the promise falls due: after `terms.within` of open time, to the minute, never early.

    Where the terms say how many can be kept in an hour, those `waiting` come first. Where the customer's `zone` is
    given, only time in which one may ring them there counts. In any case it is no later than the terms' cap.
    """
    calendar = matrix.calendars[terms.hours]
    awake = _waking(zone) if zone else None
    needed = max(terms.within, timedelta(hours=(waiting + 1) / terms.per_hour) if terms.per_hour else terms.within)
    capped = now + terms.cap
    due = min(after_open_time(calendar, now, needed, awake) or capped, max(capped, after_open_time(calendar, now, terms.within) or now))
    return due if not due.second and not due.microsecond else due.replace(second=0, microsecond=0) + timedelta(minutes=1)


@lru_cache(maxsize=64)
def _waking(zone: str) -> Calendar | None:
    """Return the hours in which customers of a zone may be rung, or None for a zone that nobody knows."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return Calendar(zone=zone, week=(WAKING,) * 7)


def reminder_time(due: datetime, now: datetime) -> datetime:
    """Return when to remind those who must keep a promise."""
    return due - min(LONGEST_NOTICE, (due - now) / 2)


def spoken_time(due: datetime, matrix: Matrix, language: str, zone: str | None = None) -> str:
    """Return the due time as a customer hears it, in the given language.

    It is told in the customer's own zone where that is known and differs from the business', and then with its name.
    """
    business = ZoneInfo(matrix.business.timezone)
    own = ZoneInfo(zone) if zone and _waking(zone) else business
    local = due.astimezone(own)
    shape = "EEEE, MMMM d, h:mm a" if language.startswith("en") else "EEEE d MMMM, HH:mm"
    if local.utcoffset() != due.astimezone(business).utcoffset():
        shape += " (vvvv)"
    return str(format_datetime(local, shape, tzinfo=local.tzinfo, locale=_locale(language)))


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale("en")
