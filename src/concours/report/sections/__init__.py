"""The sections of a report: functions from what is known to what is shown, or to nothing."""
