"""The phone without its screens: what it knows, what it has not sent yet, and how it sends it.

    driver.py    what a driver can do; each act is one transaction       <- the screens call this
    view.py      what is shown: manifest + unsent work (pure)            <- the screens read this
    sync.py      carries the talk with the server, and uploads           <- the background runs this
    talk.py      what the phone has to say, and what it heard
    pace.py      all the waits
    sampling.py  how often to ask for a position (pure)                  <- the background asks this
    store.py     one SQLite file, the only thing the two processes share
    outbox.py    commands and the files they refer to, until the server has them
    progress.py  how far a task is (pure)
    changes.py   what has moved in the run since the driver looked (pure)
    day.py       what the phone remembers of the shift
    evidence.py  what was gathered at the door, and what is missing of it
    schema.py    the tables; seal.py: how the token is kept
    debrief.py   what is handed in at the end of the day (pure)
    outcomes.py  what a task can come to
    pairing.py   asks the server whose phone this is
    https.py     one HTTP request
    errors.py    what the phone itself refuses, in words for the driver

Imports the standard library, `websockets` and `server.protocol` only. Not here: anything of Kivy
or Android (screens, device).
"""
