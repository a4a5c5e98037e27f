"""A brief as the responder sees it in a terminal."""

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

from hookflash.model import Brief, Receipt, Sentiment


def brief_panel(brief: Brief, receipt: Receipt | None) -> Panel:
    """Return the brief: why, who, what is known, what was tried, the promise."""
    title = f"Brief {brief.handoff}, revision {brief.revision}"
    held = f"held by {receipt.desk} as ticket {receipt.ticket}" if receipt else "not yet on a desk"
    return Panel(Group(*_rows(brief)), title=escape(title), subtitle=escape(held), title_align="left", subtitle_align="left")


def _rows(brief: Brief) -> list[RenderableType]:
    rows = [("why", f"{brief.reason_code}, {brief.severity}"), ("customer", _customer(brief))]
    rows += [("summary" if not number else "", f"{one.text} [turn {one.turn}]") for number, one in enumerate(brief.summary)]
    if brief.entities:
        facts = "; ".join(f"{one.kind.replace('_', ' ')} {one.normalised} [turn {one.turn}]" for one in brief.entities)
        rows.append(("facts", facts))
    if brief.sentiment:
        rows.append(("sentiment", _sentiment(brief.sentiment)))
    rows += [("tried" if not number else "", f"{one.what}: {one.outcome} [turn {one.turn}]") for number, one in enumerate(brief.tried)]
    if brief.promise:
        rows.append(("promise", f"by {brief.promise.due.isoformat(timespec='minutes')}, kept by {brief.promise.by}"))
    if brief.labels:
        rows.append(("protected", ", ".join(brief.labels)))
    rows.append(("history", f"{len(brief.history)} turns"))
    return [Text.assemble((f"{name:<10}", "dim"), text) for name, text in rows]


def _customer(brief: Brief) -> str:
    customer = brief.customer
    contact = [part for part in (customer.phone, customer.email) if part]
    verified = {True: "verified", False: "not verified", None: "verification unknown"}[brief.verified]
    return ", ".join([customer.name or "name unknown", *contact, f"language {brief.language or 'unknown'}", verified])


def _sentiment(sentiment: Sentiment) -> str:
    score = "unknown" if sentiment.score is None else f"{sentiment.score:+.2f}"
    return f"{score} {sentiment.label}, {sentiment.trend}" if sentiment.score is not None else score
