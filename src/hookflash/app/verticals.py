"""The kinds of business that `init` knows: what their customers say, and who answers them."""

from functools import cache
from importlib import resources
from typing import Literal

from pydantic import Field
from ruamel.yaml import YAML

from hookflash.matrix.section import Section

Texts = dict[str, tuple[str, ...]]


class Person(Section):
    """Who answers: the name in the matrix, and how customers hear of them."""

    key: str
    name: str


class Lines(Section):
    """What customers say in the ready-made cases, by language."""

    handled: Texts
    person: Texts
    fenced: dict[str, Texts]
    crisis: Texts
    red_flag: Texts
    pain: Texts = Field(default_factory=dict)
    anger: Texts
    outside: Texts


class Vertical(Section):
    """One kind of business."""

    key: str
    title: str
    sample_name: str
    regulated: Literal["hipaa"] | None = None
    front: Person
    specialist: Person
    urgent: Person
    hurry: bool = False
    """Whether urgency alone goes to whoever takes emergencies."""
    intents: dict[str, Texts]
    fenced: dict[str, Texts]
    said: Lines


@cache
def verticals() -> tuple[Vertical, ...]:
    """Return every kind of business, by name."""
    folder = resources.files("hookflash.app.starters")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)
    yaml = YAML(typ="safe")
    return tuple(
        Vertical.model_validate({"key": file.name.removesuffix(".yaml"), **yaml.load(file.read_text(encoding="utf-8"))}) for file in files
    )


def vertical_named(key: str) -> Vertical | None:
    """Return the kind of business of a name, if there is one."""
    return next((one for one in verticals() if one.key == key), None)
