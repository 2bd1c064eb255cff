"""What the driver sees and touches. The only room that imports Kivy.

    design/        tokens, theme and the dozen components that every screen is made of
    app.py         the app: what is open, what has changed, how it looks
    page.py        what all pages share
    today.py ...   one page each: the fixed part in .kv, what depends on the run in .py

A page shows a RunView (core/view.py) and calls Driver (core/driver.py); it never writes to the
store and never waits for the network.
"""
