"""The matrix as the sheet that a manager reads and signs: headings, tables and sentences, in no format yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from hookflash.decide import urgency_of, words_at_once
from hookflash.matrix import DISTRESS_CLASSES, Matrix
from hookflash.matrix.people import Hours
from hookflash.matrix.wording import MOMENTS, VARIANTS, text_of
from hookflash.review.plain import CONTEXT_WORDS, TRIGGER_WORDS, condition, ladder, nobody, spoken
from hookflash.review.stretches import moment
from hookflash.review.timeline import longest_wait
from hookflash.review.year import Year

SAID_BY_ITSELF = ("acknowledge", "crisis", "connecting", "ringing", "waiting", "assistant")


@dataclass(frozen=True, slots=True)
class Table:
    """A heading, a sentence under it, and rows of plain text."""

    heading: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything that is signed."""

    title: str
    revision: str
    facts: tuple[str, ...]
    tables: tuple[Table, ...]
    signed_by: tuple[str, ...]


def sheet(matrix: Matrix, now: datetime) -> Sheet:
    """Return a matrix as a sheet to sign, printed at a time."""
    business = matrix.business
    facts = [
        f"Times are those of {business.timezone}. Customers are answered in {', '.join(business.languages)}.",
        *([f"Protected health data is handled ({business.regulated})."] if business.regulated else []),
        f"Printed on {now.date()}. The revision stands for exactly these rules: any change of meaning changes it.",
    ]
    tables = (_routes(Year(matrix, now)), _people(matrix), _calendars(matrix), _triggers(matrix), _context(matrix), _words(matrix))
    roles = ("For the business", *(["Clinician"] if business.regulated else []), "For the assistant's operator")
    return Sheet(f"{business.name}: who takes over from the assistant", matrix.revision, tuple(facts), tables, roles)


def _routes(year: Year) -> Table:
    rows = []
    for number, route in enumerate(year.matrix.routes, start=1):
        name = f"{number}. {spoken(route.name)}" if route.name else f"{number}."
        plan = f"{nobody(year.nobody_of(route))}; {_at_worst(year, number - 1)}"
        taken = year.reach.taken.get(number - 1, ())
        urgencies = sorted({urgency_of(route, situation.trigger) for situation in taken}, key=lambda urgency: urgency.rank)
        urgency = " or ".join(urgencies)
        rows.append((name, condition(route), urgency, ladder(route, year.matrix), _said_at_once(year, number - 1), plan))
    columns = ("Rule", "What happens", "Urgency", "Who is asked, in order", "What the customer hears at once", "If nobody is there")
    note = (
        "The first rule that fits is taken. Whoever is not there at that hour is passed over. Introduced means that the person has "
        "heard what it is about before the customer is on the line."
    )
    return Table("What triggers, and who receives", note, columns, tuple(rows))


def _at_worst(year: Year, index: int) -> str:
    """Return the longest wait of the coming year where nobody on the ladder is there, in words."""
    route, zone = year.matrix.routes[index], year.matrix.business.timezone
    worst = longest_wait(year.uncovered(route, year.reach.when(index)), year.promise(year.nobody_of(route)))
    if worst is None:
        return "somebody is there at all times, so this is only for when none of them answers"
    return f"at worst in the coming year asked {moment(worst[0], zone)} and answered by {moment(worst[1], zone)}"


def _said_at_once(year: Year, index: int) -> str:
    """Return the words of a route in the first language that it is taken in; an emergency has words of its own."""
    matrix, taken = year.matrix, year.reach.taken.get(index, ())
    heard = {situation.language for situation in taken}
    language = next((one for one in matrix.business.languages if one in heard), matrix.business.languages[0])
    route = matrix.routes[index]
    keys = sorted({words_at_once(route, situation.trigger) for situation in taken}, key=lambda key: key != "crisis")
    texts = [(text_of(matrix, language, one) or "").replace("{business}", matrix.business.name) for one in keys]
    return " / otherwise: ".join(texts)


def _people(matrix: Matrix) -> Table:
    rows = []
    for name, person in matrix.responders.items():
        reached = ", ".join(f"{kind} {address}" for kind, address in person.line.addresses().items())
        inside = ("inside the boundary" if person.baa else "OUTSIDE the boundary") if matrix.business.regulated else ""
        remarks = ", ".join(filter(None, [*person.skills, *person.languages, inside]))
        rows.append((spoken(name), person.name or "", spoken(person.hours), reached, spoken(person.desk), remarks))
    columns = ("Who", "Called to customers", "There", "Reached by", "Their briefs go to", "Remarks")
    return Table("The people", "", columns, tuple(rows))


def _calendars(matrix: Matrix) -> Table:
    rows = tuple((spoken(name), "; ".join(_openings(hours))) for name, hours in matrix.hours.items())
    return Table("The hours", "", ("Calendar", "Open"), rows)


def _openings(hours: Hours | str) -> Iterator[str]:
    if isinstance(hours, str):
        yield "at all times"
        return
    yield from (f"{days} {spans}" for days, spans in (hours.__pydantic_extra__ or {}).items())
    if hours.holidays:
        yield f"closed on public holidays of {hours.holidays}"
    if hours.closed:
        yield f"closed on {', '.join(map(str, hours.closed))}"
    if hours.timezone:
        yield f"times of {hours.timezone}"


def _triggers(matrix: Matrix) -> Table:
    triggers = matrix.triggers
    rows = [("A customer asks for a person", "always, at once, without a question back")]
    for name in DISTRESS_CLASSES:
        threshold = triggers.distress.threshold(name)
        over = f", the last {threshold.over} turns together" if threshold and threshold.over > 1 else ""
        fires = f"from a score of {threshold.at:g}{over}" if threshold else "OFF"
        rows.append((f"A customer {TRIGGER_WORDS[f'distress.{name}']}", fires))
    topics = ", ".join(spoken(topic) for topic in matrix.scope.fenced) or "no topics named"
    rows.append((f"A customer {TRIGGER_WORDS['scope.fenced']}", topics))
    work = ", ".join(spoken(intent) for intent in matrix.scope.intents) or "nothing named"
    outside = "OFF" if triggers.scope == "off" else f"from a score of {triggers.scope.at:g}; its work: {work}"
    rows.append((f"A customer {TRIGGER_WORDS['scope']}", outside))
    confidence = "OFF" if triggers.confidence == "off" else f"under a confidence of {triggers.confidence.below:g}"
    rows.append((f"A customer {TRIGGER_WORDS['confidence']}", confidence))
    rows.append(
        (f"A customer {TRIGGER_WORDS['stuck']}", "OFF" if triggers.stuck == "off" else f"after {triggers.stuck.repeats} repetitions")
    )
    rows.append(("A part of hookflash fails", "always: doubt goes to a person"))
    note = "Scores run from 0 (no sign of it) to 1 (certain)."
    return Table("What counts", note, ("What", "When it counts"), tuple(rows))


def _context(matrix: Matrix) -> Table:
    rows = tuple((CONTEXT_WORDS[part],) for part in matrix.context)
    return Table("What the person gets before they answer", "", ("What travels",), rows)


def _words(matrix: Matrix) -> Table:
    keys = dict.fromkeys([*SAID_BY_ITSELF, *_said(matrix)])
    rows = [
        (key, (MOMENTS | VARIANTS).get(key) or _moment(matrix, key), language, text_of(matrix, language, key) or "")
        for key in keys
        for language in matrix.business.languages
    ]
    return Table(
        "What customers hear", "What stands in braces is filled in when it is said.", ("Words", "When", "Language", "Text"), tuple(rows)
    )


def _said(matrix: Matrix) -> Iterator[str]:
    yield from (route.say for route in matrix.routes if route.say)
    yield matrix.nobody.say
    yield from (route.nobody.say for route in matrix.routes if route.nobody)


def _moment(matrix: Matrix, key: str) -> str:
    return MOMENTS["acknowledge"] if any(route.say == key for route in matrix.routes) else MOMENTS["nobody"]
