"""Goods from one consignor to one consignee: waybills, parcels, the chain of custody, proofs and
the links under which the public may follow a consignment.

What happened to a parcel is only ever added, never changed; where a parcel is now follows from
that chain (lifecycle.py). Who drives it when belongs to dispatch, what was bought to orders, and
goods that come back to returns.
"""
