"""What `postrider bench` measures: how quick, how true and how large, always with the conditions.

It runs the system as it is, on servers of its own that it takes down afterwards. Not here: that
things work at all, which the tests say.
"""
