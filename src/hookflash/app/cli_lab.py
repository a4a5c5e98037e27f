"""The verbs of the lab: measure the detectors on labelled data, and train them again."""

from pathlib import Path
from typing import Annotated

import typer

from hookflash.app.cli_shared import FINDINGS, FINE, Json, print_view


def add_lab_verbs(cli: typer.Typer) -> None:
    """Add the verbs to the command line."""
    cli.command("eval")(evaluate)
    cli.command()(train)


def evaluate(
    matrix: Annotated[Path, typer.Argument(help="The escalation matrix, a YAML file.")],
    files: Annotated[list[Path], typer.Argument(help="Labelled turns or conversations, one JSON object a line.")],
    json: Json = False,
    html: Annotated[Path | None, typer.Option(help="Write the report as one HTML page too.")] = None,
    compare: Annotated[Path | None, typer.Option(help="What an earlier `eval --json` printed: show what changed.")] = None,
    prevalence: Annotated[float, typer.Option(min=0.0, max=1.0, help="The share of positives that precision is stated for.")] = 0.01,
    drafts: Annotated[bool, typer.Option("--drafts", help="The lines are the assistant's drafts, not a customer's turns.")] = False,
) -> None:
    """Measure what the detectors miss and needlessly raise on labelled data. Exits with 1 where anything was missed altogether."""
    from hookflash.app.evaluated import run_evaluation

    view = run_evaluation(matrix, files, prevalence, compare, drafts=drafts)
    if html is not None:
        html.write_text(view.html(), encoding="utf-8")
    print_view(view, json)
    raise typer.Exit(FINDINGS if view.missed_anything else FINE)


def train(
    corpora: Annotated[Path, typer.Argument(help="The folder with the corpora.")] = Path("corpora"),
    into: Annotated[Path, typer.Option(help="Where the weights are written.")] = Path("src/hookflash/signals/data"),
) -> None:
    """Train the heads again from the corpora. Needs the extra: pip install 'hookflash[train]'."""
    from hookflash.app.trained import run_training

    run_training(corpora, into)
