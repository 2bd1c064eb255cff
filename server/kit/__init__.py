"""Plain tools that every room uses: settings, database, outbox, feed, errors, files, time.

No courier words here. What knows an order, a parcel or a driver belongs in the room that owns it.
"""
