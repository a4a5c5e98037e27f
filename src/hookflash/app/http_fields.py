"""Fields that several parts of the HTTP API share."""

from typing import Annotated

from fastapi import Path
from pydantic import Field

from hookflash.model.conversation import Identifier, StorableText

Id = Annotated[Identifier, Path()]
Words = Annotated[StorableText, Field(min_length=1, max_length=4_000)]
