"""What is in stock, where, and for whom it is set aside: SKUs, locations, moves, claims.

Stock moves are the truth; stock levels are their projection, kept in the same transaction. Nothing
is ever promised twice. Not here: what was ordered (orders), who walks to the shelf and how
(fulfilment), why something comes back (returns), and what it costs (billing).
"""
