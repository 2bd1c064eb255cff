"""The app's own design system.

tokens.py      colours, sizes, spaces and icons as plain values
theme.py       the tokens as they are now, for .kv files: `theme.ink`, `theme.text('body')`
components.py  what screens are made of, with components.kv
lettering.py   Label in any script
"""
