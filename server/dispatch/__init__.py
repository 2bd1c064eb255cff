"""Who drives what, where and when: depots, drivers, vehicles and shifts; the pool of tasks; plans,
runs and stops; manifests for the phones; what the drivers report from the street; and the
exceptions that a person must settle.

Where to find what: `tasks` work comes and goes, `pool` what can be planned, `situation` and
`problem` what the planner is asked, `planning` and `planner` plans and who makes them, `draft` and
`publishing` from a plan to runs, `urgent` and `breakdown` changes during the day, `manifest` what a
phone gets, `street`, `door` and `vehicle_load` what comes back from it, `service` all that other
rooms may use.

Two rules hold everywhere. Whoever changes anything here first locks the depot's row (`inputs`), so
the changes of one depot are one queue and a plan is never published on inputs that have moved on.
And what happened in the street is a fact: it is recorded whatever the plan says by then.

Not here: how routes are found (routing), where a vehicle is (tracking), where a parcel has been
(consignments), how frames travel (live).
"""
