"""Make the sentence encoder: public weights by checksum, tuned on `corpora/`, exported with 8-bit integers."""
