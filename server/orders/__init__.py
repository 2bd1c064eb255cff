"""What customers buy or book: orders, their lines, their promised windows, their life cycle.

Not here: through which door an order came (channels), the parcels that it becomes (consignments),
the work that makes them (fulfilment), and what it costs (billing).
"""
