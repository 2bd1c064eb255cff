"""The work that turns an order into parcels on their way.

A journey without tables of its own: it reacts to orders and to the custody of parcels, and keeps
each in step with the other. Which stock an order gets belongs to inventory, who drives it to
dispatch.
"""
