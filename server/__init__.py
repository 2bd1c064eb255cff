"""Postrider's server: the rooms of the house, from the wire (protocol) up to the processes."""
