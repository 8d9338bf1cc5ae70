"""Configuration of the pack: numbers, deadlines, targets. Defaults here, changed values in the table `service_report_setting`.

The procedure says "及时" without a number anywhere: every deadline is configuration, in working days of the business calendar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from processes.service_report import tables
from processes.service_report.business_days import Due, after, closing_moment

DEFAULTS: Mapping[str, Any] = {
    "time_zone": "Asia/Shanghai",
    "office_opens": "09:00",
    "office_closes": "18:00",
    "days_identify": 2,  # working days from the start
    "days_report": 5,  # from the end of the period to submission, where the start form names no date
    "days_check": 1,
    "days_review": 2,
    "days_approval": 2,
    "days_delivery": 2,
    "days_archive": 2,
    "days_commit": 3,
    "days_reveal": 2,
    "days_callback": 10,
    "special_managers": ["mgr1", "mgr2"],
    "fonds": "SMS",
    "archive_category": "YW",
    "archive_unit": "YWFW",
    "retention": {"periodic": "D10", "inspection": "D10", "major_event": "D30", "final_summary": "D30"},
    "callback_rest_days": 90,
    "callback_attempts": 3,
    "callback_capa_score": 3,
    "max_snapshot_tickets": 200_000,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Values by key, with the calendar's overrides by day."""

    values: Mapping[str, Any]
    overrides: Mapping[date, bool]

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    @property
    def zone(self) -> ZoneInfo:
        """The zone of days and deadlines."""
        return ZoneInfo(self.values["time_zone"])

    def today(self, now: datetime) -> date:
        """The local day of a moment."""
        return now.astimezone(self.zone).date()

    def due(self, day: date, key: str) -> tuple[datetime, Due]:
        """End of office hours of the day that lies `self[key]` working days after `day`."""
        found = after(day, int(self.values[key]), self.overrides)
        return self.closes(found.day), found

    def closes(self, day: date) -> datetime:
        """End of office hours of a day, UTC."""
        return closing_moment(day, self.values["time_zone"], self.values["office_closes"])


def read(connection: Connection) -> Settings:
    """The settings as they are now."""
    changed = dict(connection.execute(select(tables.setting.c.key, tables.setting.c.value)).all())
    days = connection.execute(select(tables.calendar_day.c.day, tables.calendar_day.c.working))
    return Settings({**DEFAULTS, **changed}, {date.fromisoformat(day): working for day, working in days})
