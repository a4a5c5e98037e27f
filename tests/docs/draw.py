"""Draw the life cycle into docs/ARCHITECTURE.md, from the table."""

import re
from pathlib import Path

from hookflash.lifecycle import diagram

FILE = Path(__file__).parents[2] / "docs" / "ARCHITECTURE.md"
DRAWN = f"<!-- begin: lifecycle -->\n```mermaid\n{diagram()}\n```\n<!-- end: lifecycle -->"

if __name__ == "__main__":
    FILE.write_text(re.sub(r"<!-- begin: lifecycle -->.*<!-- end: lifecycle -->", DRAWN, FILE.read_text(), flags=re.DOTALL))
