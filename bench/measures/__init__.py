"""What the detectors miss on labelled data that nothing was tuned on: `make measure` prints what docs/measured.md shows.

`HOOKFLASH_DATA` may name a folder with public sets (as JSON lines); the turns that were trained on are left out.
"""
