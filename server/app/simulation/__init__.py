"""Simulated drivers: each a real phone core, driven along real roads through the real protocol.

What is simulated is the person, the van and, on request, a bad network. The phone is the product's
own; the server cannot tell the difference. Without faults the phone's sync runs in this process;
with faults it is a process of its own, which can be killed.
"""
