"""The door of reporting."""

from server.reporting.day import DayReport, report_day

__all__ = ["DayReport", "report_day"]
