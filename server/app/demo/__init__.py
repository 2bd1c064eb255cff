"""The demo: a made-up town and a whole working day in it, driven through the real doors.

No test fixture and no business rule belongs here.
"""
