"""What a team does with a matrix before it goes live: prove it, read it, test it, compare it with the one before.

Everything here reads and none of it acts; the engine does not depend on it.
"""
