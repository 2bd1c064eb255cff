"""The door of arrivals."""

from server.arrivals.forecasts import (
    ForecastView,
    forecasts_of,
    score_arrivals,
    tell_forecasts,
)
from server.arrivals.history import LEARNS_FROM, Taken, note_times, read_cells
from server.arrivals.pace import Cell, Kind, Pace, area_of, learn_pace, surprises_of
from server.arrivals.prediction import (
    Halt,
    Outstanding,
    Standing,
    Window,
    predict_arrivals,
)
from server.arrivals.scores import ForecastQuality, score_forecasts

__all__ = [
    "LEARNS_FROM",
    "Cell",
    "ForecastQuality",
    "ForecastView",
    "Halt",
    "Kind",
    "Outstanding",
    "Pace",
    "Standing",
    "Taken",
    "Window",
    "area_of",
    "forecasts_of",
    "learn_pace",
    "note_times",
    "predict_arrivals",
    "read_cells",
    "score_arrivals",
    "score_forecasts",
    "surprises_of",
    "tell_forecasts",
]
