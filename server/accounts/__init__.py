"""Who pays us: accounts with their contacts and address books.

Not here: who may sign in for an account (identity), where its places are (places), what it owes
(billing).
"""
