"""Plans runs: which vehicle does what work, in which order and when.

A pure library: it knows no server, no database and, while it solves, no network. It imports
nothing else of Postrider. Numbers are integers in the unit that their name says.

Where to find what:

- `routing.problem` what is asked, `routing.plan` what is answered
- `routing.solve.solve` answers here and now, `routing.process.Solving` in a process of its own;
  `routing.portfolio` shares the time out among the engines, `routing.bench` measures them
- `routing.insert.insert` places one urgent job (`Inserter` many, quickly, by the arrays of
  `routing.timetable`), `routing.schedule.schedule_route` times an order of visits
- `routing.repair` makes any sequences drivable and fills up a plan
- `routing.checks.violations` says what is wrong with a plan, `routing.explain.explain` why work
  stays unassigned
- `routing.roads` travel times, road geometry and snapping
- `routing.formats` JSON, Gehring & Homberger and Li & Lim files

Nothing is imported here, so that `import routing.problem` stays cheap.
"""
