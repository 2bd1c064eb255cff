"""When drivers will come, judged by how long ways and doors took before; and how good those
guesses were.

Knows ids and times only: which runs there are, where their drivers stand and what they have still
to do, is told by dispatch. A forecast is a window with a stated probability, never a promise.
"""
