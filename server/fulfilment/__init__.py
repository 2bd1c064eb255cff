"""The work that turns an order into parcels on their way: allocate, pick, pack, hand over.

It keeps orders, stock and the custody of parcels in step with each other, and leads people to the
shelves and back. What lies where belongs to inventory, what a parcel goes through to consignments,
who drives it to dispatch.
"""
