"""Who somebody is and what they may do: people, roles, sessions, API keys, phones, the audit log.

Not here: what a driver drives (dispatch), whom an account user works for beyond its id (accounts).
"""
