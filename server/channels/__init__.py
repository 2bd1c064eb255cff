"""The doors through which orders come: the API, files, the counter's form.

Each door turns what it was sent into the same request and takes it in by the same rules; what an
order then is and does belongs to orders.
"""
