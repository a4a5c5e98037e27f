"""Who is asked for, and how: any person, a role, a department or somebody by name; now or by a call back."""

import re
from typing import NamedTuple

from hookflash.signals.text import phrases_in

ROLE, DEPARTMENT, CALLBACK = "asked.role", "asked.department", "asked.callback"
# A name after the verb: "can I talk to Maria", "get me Dr. Osei". Roles are looked for first.
_NAMED = re.compile(
    r"\b(?:to|with|for|me|con|a|avec|mit)\s+(?P<name>(?:(?:Dr|Dra|Mr|Mrs|Ms|Miss|Sr|Sra|Herr|Frau|Mme)\.?\s+)?[^\W\d_a-z][^\W\d_]+(?:\s[^\W\d_a-z][^\W\d_]+)?)"
)


class Asked(NamedTuple):
    """Whom a customer asks for: `kind` is person, role, department or named."""

    kind: str
    who: str | None
    callback: bool

    def __str__(self) -> str:
        """Say it in a few words."""
        who = f"a {self.kind}: {self.who}" if self.kind in ("role", "department") else f"by name: {self.who}" if self.who else "a person"
        return f"asks for {who}{', to be called back' if self.callback else ''}"


def asked_for(text: str) -> Asked:
    """Return whom a request for a person names. A title alone is a role; nothing named is any person."""
    found = phrases_in(text)
    callback = CALLBACK in found
    for kind, name in ((DEPARTMENT, "department"), (ROLE, "role")):
        if found.get(kind):
            first = found[kind][0]
            return Asked(name, text[first.start : first.end].lower(), callback)
    named = None if text.isupper() else _NAMED.search(text)
    return Asked("named", named["name"], callback) if named else Asked("person", None, callback)
