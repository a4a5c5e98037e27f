"""The sentence encoder: what a text and each of its parts mean, as vectors, from one pass.

The model is all-MiniLM-L6-v2 (Apache-2.0), tuned and exported with 8-bit weights by `tools/encoder`; `data/MODELS.md`
names its source and checksums. It gives the states of every token in four layers; a span's vector is the mean of its
tokens' states, layer by layer. Where the file is missing or is not the reviewed one, hookflash runs without it.
"""

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

log = structlog.get_logger("hookflash")

SHA256 = "aaa4cf49248c92f2e2aa02b4cf5511732218bfaa93671ac2ff9b6a448f795524"
# Names another copy of the encoder's two files, or a folder without them to run without the encoder.
FOLDER = "HOOKFLASH_ENCODER"
LAYERS, LAYER_DIMS = 4, 384
DIMS = LAYERS * LAYER_DIMS
# The model was trained on texts up to this long; longer ones are read in windows.
WINDOW_TOKENS = 128
# Of a longer text the beginning and the end are read: the passage between is left to the rules and n-grams.
MAX_WINDOWS = 4
BATCH = 64

Vectors = NDArray[np.float32]
Span = tuple[int, int]


class Encoder:
    """Texts in, vectors out. Safe to use from many threads; each call runs on one."""

    def __init__(self, folder: Path) -> None:
        """Load `encoder.onnx` and `tokenizer.json`. Raises `OSError` or `ValueError` where they are not to be had."""
        from onnxruntime import InferenceSession, SessionOptions
        from tokenizers import Tokenizer

        model = folder / "encoder.onnx"
        with model.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != SHA256:
                raise ValueError("encoder.onnx has another checksum than the reviewed one")
        options = SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        self._session = InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def spans(self, text: str, spans: Sequence[Span]) -> Vectors:
        """Return one row of `DIMS` numbers for each span of characters: the mean states of its tokens; an empty span is zeros."""
        states, offsets = self.states(text)
        if not len(states):
            return np.zeros((len(spans), DIMS), np.float32)
        begins, ends = np.array(spans, dtype=np.intp).reshape(-1, 2).T
        touching = ((offsets[:, 0] < ends[:, None]) & (offsets[:, 1] > begins[:, None])).astype(np.float32)
        return np.asarray(touching @ states / np.maximum(touching.sum(axis=1, keepdims=True), 1.0), dtype=np.float32)

    def many(self, texts: Sequence[str]) -> Vectors:
        """Return one row for each text, as `spans` gives it for the whole text."""
        return np.stack([self.spans(text, [(0, len(text))])[0] for text in texts]) if texts else np.zeros((0, DIMS), np.float32)

    def states(self, text: str) -> tuple[Vectors, NDArray[np.intp]]:
        """Return the states of the tokens that are read, and the characters where each stands: one bare pass."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        ids, offsets = encoding.ids, encoding.offsets
        windows = [slice(start, start + WINDOW_TOKENS) for start in range(0, len(ids), WINDOW_TOKENS)]
        if len(windows) > MAX_WINDOWS:
            windows = [*windows[: MAX_WINDOWS // 2], *windows[-MAX_WINDOWS // 2 :]]
        states = [self._window(ids[window]) for window in windows]
        places = [place for window in windows for place in offsets[window]]
        if not states:
            return np.zeros((0, DIMS), np.float32), np.zeros((0, 2), np.intp)
        return np.concatenate(states), np.array(places, dtype=np.intp)

    def _window(self, ids: list[int]) -> Vectors:
        framed = np.array([[_CLS, *ids, _SEP]], dtype=np.int64)
        states: Vectors = self._session.run(None, {"ids": framed, "attended": np.ones_like(framed)})[0]
        return states[0, 1:-1]


# The tokens that open and close a text for this model.
_CLS, _SEP = 101, 102


def unit(rows: Vectors) -> Vectors:
    """Return rows with each layer brought to length 1, so that products say how alike texts are."""
    layers = rows.reshape(len(rows), LAYERS, LAYER_DIMS)
    layers = layers / (np.linalg.norm(layers, axis=2, keepdims=True) + 1e-9)
    return np.asarray(layers.reshape(len(rows), DIMS), dtype=np.float32)


@cache
def encoder() -> Encoder | None:
    """Return the encoder, loaded once, or None where its files are not to be had; that is logged once."""
    try:
        if folder := os.environ.get(FOLDER):
            return Encoder(Path(folder))
        with resources.as_file(resources.files("hookflash.signals").joinpath("data")) as shipped:
            return Encoder(shipped)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the other layers stand
        log.warning("encoder_missing", error=type(error).__name__, mend=f"reinstall hookflash, or unset {FOLDER}")
        return None
