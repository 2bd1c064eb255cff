"""The assembled program: the list of modules, the processes, and the demo that shows them at work.

Nothing here decides how the courier business works; that lives in the modules below.
"""
