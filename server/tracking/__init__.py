"""Where drivers are: fixes from their phones through named filters into the partitioned history,
the latest position of each, heartbeats, and the fences whose entering means arrival.

Free of any web framework, and its tables have no foreign keys to other rooms: a gateway process
takes this over. What a driver has to do, and what arriving means for a task, belongs to dispatch.
"""
