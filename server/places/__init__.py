"""Where things are: the map's addresses, streets and place names, and the places of our work.

Turns what people write into a position and says how far it can be trusted. Not here: roads and
travel times (routing), whose address it is (accounts), what happens there (dispatch).
"""
