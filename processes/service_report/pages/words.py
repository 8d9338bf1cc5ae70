"""Words of the pack's pages for keys of the tables; English here, Chinese in `translations/zh.po`."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

CLASSES = {
    "periodic": _("Periodic O&M report"),
    "inspection": _("Inspection report"),
    "major_event": _("Major-event assurance"),
    "final_summary": _("End-of-service summary"),
}
DIMENSIONS = {"device": _("Device type"), "customer": _("Customer attribute"), "business": _("Business line")}
RETENTIONS = {"D10": _("10 years"), "D30": _("30 years"), "Y": _("Permanent")}
PROPERTIES = {"authenticity": _("Authenticity"), "integrity": _("Integrity"), "usability": _("Usability"), "security": _("Security")}
METRICS = {
    "timeliness": _("Reports submitted in time"),
    "completeness": _("First submission complete"),
    "accuracy": _("Figures that recompute"),
    "right_first_time": _("In time and right first time"),
    "reached": _("Callbacks reached"),
    "csat": _("Satisfied (4 or 5)"),
    "on_time_response": _("Tickets answered in time"),
    "on_time_resolution": _("Tickets resolved in time"),
}
DEFINITIONS = {
    "timeliness": _("Submitted by the due date ÷ due in the span, those not submitted included."),
    "completeness": _("First submissions with no missing element ÷ submitted."),
    "accuracy": _("Figures that came out the same when computed again from the snapshot ÷ figures checked."),
    "right_first_time": _("Submitted in time and archived after the first round ÷ due in the span."),
    "reached": _("Customers reached ÷ calls recorded."),
    "csat": _("Scores 4 and 5 ÷ valid scores."),
    "on_time_response": _("From the figures of the archived reports of the span."),
    "on_time_resolution": _("From the figures of the archived reports of the span."),
}
STATUS = {"ok": "", "too_few": _("too few for a rate"), "no_data": _("no data")}
ITEM_STATES = {
    "drawn": ("info", _("To call")),
    "reached": ("ok", _("Reached")),
    "unreachable": ("overdue", _("Not reached")),
    "skipped": ("muted", _("Skipped: called lately")),
}
ITEM_REASONS = {"quota": _("By rank"), "mandatory": _("Always taken"), "replacement": _("Replacement"), "skipped": _("Resting contact")}
MANDATORY = {"major_event": _("Major event"), "complaint": _("Complaint"), "dissatisfied": _("Dissatisfied before"), "": ""}
PROCESSES = {
    "incident": _("Incident ticket"),
    "problem": _("Problem"),
    "change": _("Change"),
    "release": _("Release"),
    "config": _("Configuration"),
    "request": _("Service request"),
    "task": _("Task ticket"),
}
FIELDS = {
    "number": _("Number"),
    "title": _("Title"),
    "process": _("Process"),
    "priority": _("Priority"),
    "category": _("Category"),
    "opened_at": _("Opened"),
    "resolved_at": _("Resolved at"),
    "closed_at": _("Closed at"),
    "responded_at": _("Answered"),
}
REJECTS = {
    "missing": _("is missing"),
    "not_a_date": _("is not a date in the expected form"),
    "date_out_of_range": _("is outside of 1990 to 2100"),
    "before_opened": _("lies before the opening"),
    "not_a_number": _("is not a whole number"),
    "number_out_of_range": _("is out of range"),
    "unknown_process": _("is no known process"),
    "twice": _("occurs twice in the file"),
}
UNREADABLE = {
    "import_too_large": _("The file is larger than can be imported (50 MB, 500,000 rows, 200 columns)."),
    "import_empty": _("The file is empty or has no heading line."),
    "import_unreadable": _("The file is neither a readable CSV file nor an XLSX workbook."),
    "import_heading": _("Two columns of the file have the same heading."),
    "import_encoding": _("The file is neither UTF-8 nor GB 18030 text."),
    "import_column": _("The file lacks the columns for number or opening time of this format; choose another format."),
    "import_zone": _("The time zone is not known."),
    "import_missing": _("Choose a file."),
    "import_project": _("Choose a project and a format."),
    "import_expired": _("The uploaded file is no longer there; upload it again."),
}
CHART = {"timely": _("Submitted in time"), "late": _("Late or not submitted"), "reports": _("Reports due")}
