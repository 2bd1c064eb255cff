"""The door of reporting."""

from server.reporting.day import DayReport, report_day
from server.reporting.trade import TradeReport, report_trade

__all__ = ["DayReport", "TradeReport", "report_day", "report_trade"]
