"""The sockets: drivers' phones, dispatchers' screens, and the public tracking page. And the last
words of phones that were signed out (`last_words`).

`driver_session`, `map_feed` and `public_tracking` know no web framework, so that another process
can carry the same traffic. Not here: what a command does (dispatch, returns), what is done with a
fix (tracking).
"""
