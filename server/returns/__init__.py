"""Goods that come back: asked for and announced under an RMA number, or handed to a driver at the
door without a word before.

A return has a consignment of its own, which is planned and driven like any other; this room knows
why goods come back and how far that is. What becomes of them on the shelf belongs to inventory.
"""
