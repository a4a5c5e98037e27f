"""What `hookflash train` does: weights from corpora, with a word on each step."""

import hashlib
from pathlib import Path

from hookflash.errors import InputError
from hookflash.lab.train import drafts, ordinary, train, turns
from hookflash.signals.meaning import DRAFTS, TURNS


def run_training(corpora: Path, into: Path) -> None:
    """Train both sets of heads and write them. Raises `InputError` where something that it takes is missing."""
    if not (corpora / "train").is_dir():
        raise InputError(f"{corpora}: holds no folder `train`; give the folder with the corpora, as in a checkout of hookflash")
    if not into.is_dir():
        raise InputError(f"{into}: is not a folder; name the one for the weights with --into")
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise InputError("training needs scikit-learn; install it with: pip install 'hookflash[train]'") from None
    for name, lines, classes, plain in (
        ("heads.npz", turns(corpora), TURNS, ordinary(corpora)),
        ("drafts.npz", drafts(corpora), DRAFTS, []),
    ):
        weights = train(lines, classes, plain)
        (into / name).write_bytes(weights)
        print(f"{name}: {len(lines):,} lines, {len(weights):,} bytes, sha256 {hashlib.sha256(weights).hexdigest()}")
