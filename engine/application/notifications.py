"""Who is told of which user task, and in what words.

In the transaction that offers a task or hands it over a job `notify` is made; when it runs it finds whom that concerns and makes a job `mail` for each
of them, which is tried again on its own. So neither a group of many nor a mail server that is down ever holds an instance up.
Nobody is told of what they did themselves, and nothing of a form leaves in a notice.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from engine.application.services import Services
from engine.identity import policy
from engine.model import events as ev
from engine.model.records import Record
from engine.model.views import TaskRow, UserRow
from engine.ports import Due, Head, Notice, UnitOfWork

NOTIFY_ATTEMPTS = 3
MAIL_ATTEMPTS = 8
MAIL_BACKOFF = ("PT30S", "PT5M", "PT30M", "PT2H")  # a mail server is mended within hours, or somebody looks at the failed jobs

OFFERED, ASSIGNED = "offered", "assigned"


def announce(uow: UnitOfWork, services: Services, head: Head, record: Record) -> None:
    """Jobs for the user tasks that a record offers or hands to somebody; none where nobody can be told."""
    if services.notices is None:
        return
    ended = {event.key for event in record.events if isinstance(event, ev.UserTaskCompleted | ev.UserTaskCancelled)}
    made = list[Due]()
    for number, event in enumerate(record.events):
        if not isinstance(event, ev.UserTaskCreated | ev.UserTaskAssigned) or event.key in ended:
            continue
        offered = isinstance(event, ev.UserTaskCreated)
        if not offered and event.assignee in (None, record.actor):  # given back, or claimed
            continue
        parameters = {"what": OFFERED if offered else ASSIGNED, "by": record.actor}
        job_id, element = f"notify-{head.instance_id}-{record.seq}.{number}", getattr(event, "element", "")
        made.append(Due(job_id, "notify", head.instance_id, event.key, element, None, parameters, uow.now, 0, NOTIFY_ATTEMPTS))
    uow.jobs.add_new(made)
    if made:
        uow.due_now()


def spread(uow: UnitOfWork, services: Services, due: Due) -> None:
    """A job `notify`: one job `mail` for each person whom the task concerns."""
    if not uow.jobs.remove(due.id):  # another node was first
        return
    task = _task(uow, due)
    if task is None:
        return
    if task.assignee is not None:
        people = uow.accounts.members((), (task.assignee,))
    else:
        people = uow.accounts.members(task.candidate_groups, task.candidate_users)
    for person in people:
        if person.id == due.parameters.get("by") or not _concerns(person, task):
            continue
        parameters = {**due.parameters, "to": person.id}
        job_id = f"mail-{due.id.removeprefix('notify-')}-{person.id}"
        uow.jobs.add(Due(job_id, "mail", due.instance_id, due.key, task.element_id, None, parameters, uow.now, 0, MAIL_ATTEMPTS, MAIL_BACKOFF))
        uow.due_now()


def notice(uow: UnitOfWork, services: Services, due: Due) -> Notice | None:
    """What a job `mail` sends, as the task and its reader are now; None when there is nothing to tell any more."""
    task, person = _task(uow, due), uow.accounts.get(str(due.parameters["to"]))
    if task is None or person is None or not person.active or person.email is None or not _concerns(person, task):
        return None
    definition = services.library.definition(uow.definitions, task.definition_id)
    link = f"{services.notices.public_url}/tasks/{task.id}" if services.notices is not None and services.notices.public_url else None
    subject, text = _worded(person, task, definition.name or task.process_id, link, str(due.parameters["what"]))
    return Notice(person.email, subject, text, due.id)


def _task(uow: UnitOfWork, due: Due) -> TaskRow | None:
    """The task of the job, only looked at, if it still is to be done."""
    found = uow.instances.open_task(f"{due.instance_id}-{due.key}", lock=False)
    return found[0] if found is not None and found[0].state == "open" and found[1].open else None


def _concerns(person: UserRow, task: TaskRow) -> bool:
    """May they work on it now, and do they want to hear of it?"""
    if person.notify == "none" or not policy.may_work_on(policy.actor_of(person), task):
        return False
    return task.assignee == person.id or person.id in task.candidate_users or person.notify == "all"


# --- words ------------------------------------------------------------------------------------------------------------------
_WORDS = {
    "zh": {
        "subject": "待办任务：{task}{key}",
        OFFERED: "您有一项可以办理的任务。",
        ASSIGNED: "一项任务已转交给您。",
        "hello": "{name}，您好：",
        "task": "任务：{task}",
        "process": "流程：{process}",
        "key": "业务编号：{key}",
        "due": "截止时间：{due}",
        "link": "打开任务：{link}",
        "end": "此邮件由 Flowledger 自动发送。可在“设置”中选择接收哪些通知。",
    },
    "en": {
        "subject": "Task: {task}{key}",
        OFFERED: "There is a task that you can work on.",
        ASSIGNED: "A task was handed over to you.",
        "hello": "Hello {name},",
        "task": "Task: {task}",
        "process": "Process: {process}",
        "key": "Business key: {key}",
        "due": "Due: {due}",
        "link": "Open the task: {link}",
        "end": "Sent by Flowledger. Under Settings you choose of what you are told.",
    },
}
_SUBJECT_CHARACTERS = 150


def _worded(person: UserRow, task: TaskRow, process: str, link: str | None, what: str) -> tuple[str, str]:
    """Subject and text in the reader's language and time zone."""
    words = _WORDS.get(person.language, _WORDS["en"])
    key = (f"（{task.business_key}）" if person.language == "zh" else f" ({task.business_key})") if task.business_key else ""
    subject = _line(words["subject"].format(task=task.name or task.element_id, key=key))[:_SUBJECT_CHARACTERS]
    facts = [words["task"].format(task=_line(task.name or task.element_id)), words["process"].format(process=_line(process))]
    if task.business_key:
        facts.append(words["key"].format(key=_line(task.business_key)))
    if task.due is not None:
        facts.append(words["due"].format(due=_local(task.due, person.time_zone)))
    parts = [words["hello"].format(name=_line(person.name)), words[what], "\n".join(facts)]
    if link is not None:
        parts.append(words["link"].format(link=link))
    return subject, "\n\n".join([*parts, words["end"]]) + "\n"


def _line(text: str) -> str:
    """On one line: what came from a diagram or a form may not begin another header or paragraph."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _local(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
