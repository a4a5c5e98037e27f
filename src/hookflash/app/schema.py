"""The JSON Schema of matrix files, for editors."""

from typing import Any

from rich.console import RenderableType
from rich.text import Text

from hookflash.matrix import Matrix


class SchemaView:
    """The schema to show."""

    def render(self) -> RenderableType:
        """See `View`."""
        return Text(str(self.data()))

    def data(self) -> Any:
        """See `View`."""
        schema = Matrix.model_json_schema()
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "hookflash escalation matrix", **schema}
