"""What happened, in numbers: read-only SQL over every room's tables.

Nothing is written and nothing is decided here. The figures are counted from facts (custody, proofs,
fixes), not kept beside them.
"""
