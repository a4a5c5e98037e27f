"""A sheet as Markdown, and as one HTML file that needs nothing else and prints well."""

import re
from collections.abc import Sequence
from importlib import resources

from jinja2 import Environment

from hookflash.review.sheet import Sheet, Table
from hookflash.review.week import Week

HOURS_RULER = "".join(f"{hour:<4}" for hour in range(0, 24, 2))


def as_markdown(content: Sheet, calendar: Sequence[Week] = ()) -> str:
    """Return a sheet as Markdown tables, with a block to sign."""
    parts = [f"# {_cell(content.title)}", f"Revision `{content.revision}`", *content.facts]
    parts += [_markdown_table(table) for table in content.tables]
    parts += [_markdown_week(week) for week in calendar]
    signatures = [("", "", "", "") for _ in content.signed_by]
    rows = [(who, *blank[1:]) for who, blank in zip(content.signed_by, signatures, strict=True)]
    parts.append(_markdown_table(Table("Approved", "", ("", "Name", "Date", "Signature"), tuple(rows))))
    return "\n\n".join(parts) + "\n"


def _markdown_table(table: Table) -> str:
    head = [f"## {table.heading}", *([table.note] if table.note else [])]
    rows = [table.columns, ("---",) * len(table.columns), *table.rows]
    return "\n\n".join([*head, "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows)])


def _cell(text: str) -> str:
    return re.sub(r"([\\|<>*_`\[\]])", r"\\\1", text).replace("\n", " ") if text != "---" else text


def _markdown_week(week: Week) -> str:
    lines = [f"{'':14} {HOURS_RULER}", *(f"{day} {bar}" for day, bar in week.days)]
    legend = ", ".join(f"{letter} {name}" for letter, name in week.legend)
    return (
        f"## Who answers: {', '.join(week.routes)}\n\n```\n"
        + "\n".join(lines)
        + f"\n```\n\n{legend}, · nobody, + changes within the half hour"
    )


def as_html(content: Sheet, calendar: Sequence[Week] = ()) -> str:
    """Return a sheet as one HTML file."""
    template = resources.files("hookflash.review.sheet_formats").joinpath("sheet.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(sheet=content, calendar=calendar, ruler=HOURS_RULER)
