"""Notices of user tasks: who is told of what, in which words, once; a mail server that is down holds nothing up and shows as failed jobs."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from engine.application import notifications
from engine.errors import InvalidInput
from engine.mail import SmtpNotifier
from engine.model import commands as cmd
from engine.model.actors import SYSTEM, Actor
from engine.store import tables
from engine.testing import START as NOW
from engine.testing import EmbeddedEngine
from tests.support.diagrams import END, START, chain, process, user
from tests.support.mail import mail_server

OFFERED = process(
    START + user("a", 'camunda:candidateGroups="clerks" camunda:candidateUsers="zhou"') + user("b", 'camunda:assignee="li"')
    + END + chain("start", "a", "b", "end"),
    "p",
)  # fmt: skip
PUBLIC = "https://flow.example"


class Sent:
    """A notifier that keeps what it is given; fails while `down`."""

    def __init__(self):
        self.notices, self.down, self.tried = [], False, 0

    def send(self, notice):
        self.tried += 1
        if self.down:
            raise ConnectionRefusedError("no mail server")
        self.notices.append(notice)

    @property
    def to(self):
        return sorted(one.address.split("@")[0] for one in self.notices)


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch):
    monkeypatch.setattr("engine.store.login._hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def sent():
    return Sent()


@pytest.fixture
def engine(url, sent):
    with EmbeddedEngine(database=url, notifier=sent, public_url=PUBLIC + "/") as one:
        people(one)
        one.deploy({"p.bpmn": OFFERED})
        yield one


def person(engine, name, groups=("clerks",), notify="all", **more):
    more = {"email": f"{name}@example.com", **more}
    engine.app.execute(cmd.PutUser(name, name.title(), groups=groups, password="long enough 1", notify=notify, **more), SYSTEM)


def people(engine):
    person(engine, "li", language="en", time_zone="UTC")
    person(engine, "wang", notify="mine")
    person(engine, "zhou", groups=(), notify="mine")
    person(engine, "chen", notify="none")
    person(engine, "qian", email=None)
    person(engine, "sun", active=False)
    person(engine, "wu", groups=("clerks_of_others",))


LI = Actor("li", "Li", frozenset({"clerks"}), frozenset({"staff"}))
WANG = Actor("wang", "Wang", frozenset({"clerks"}), frozenset({"staff"}))


def jobs(engine, kind):
    with engine.app.store.begin(write=False) as connection:
        return connection.execute(sa.select(tables.job).where(tables.job.c.kind == kind)).all()


# --- who ------------------------------------------------------------------------------------------------------------------
def test_a_task_that_is_offered_is_told_to_whom_it_concerns_and_who_wants_to_hear_of_it(engine, sent):
    engine.start("p", business_key="K-1")
    assert sent.to == ["li", "zhou"], "the group by those who want all; who is named, also those who want only that"
    assert jobs(engine, "notify") == jobs(engine, "mail") == []


def test_what_somebody_did_themselves_they_are_not_told(engine, sent):
    engine.app.execute(cmd.Start("p"), LI)
    engine.app.run_due()
    assert sent.to == ["zhou"]


def test_a_task_is_told_to_its_assignee_and_a_hand_over_to_the_new_one_and_a_claim_to_nobody(engine, sent):
    instance = engine.start("p")
    sent.notices.clear()
    [a] = engine.user_tasks(instance)
    engine.app.execute(cmd.Claim(a.id), WANG)
    engine.app.run_due()
    assert sent.to == []
    engine.complete(a.id, actor=WANG)
    assert sent.to == ["li"]
    [b] = engine.user_tasks(instance)
    engine.app.execute(cmd.HandOver(b.id, "wang"), LI)
    engine.app.run_due()
    assert sent.to == ["li", "wang"]
    assert "转交" in sent.notices[-1].text


def test_a_task_that_ended_or_was_claimed_meanwhile_is_not_told(engine, sent):
    sent.down = True
    [a, other] = [engine.user_tasks(engine.start("p"))[0] for _ in range(2)]
    sent.down = False
    engine.complete(a.id, actor=WANG)
    engine.app.execute(cmd.Claim(other.id), WANG)
    sent.notices.clear()
    engine.advance(3600)
    assert sent.to == []
    assert jobs(engine, "mail") == []


def test_without_a_notifier_nothing_is_made(url):
    with EmbeddedEngine(database=url) as engine:
        person(engine, "li")
        engine.deploy({"p.bpmn": OFFERED})
        engine.app.execute(cmd.Start("p"), SYSTEM)
        assert jobs(engine, "notify") == []


# --- words -----------------------------------------------------------------------------------------------------------------
def test_each_reads_their_own_language_and_time_and_a_link_to_the_task(engine, sent):
    instance = engine.start("p", business_key="K-1")
    [task] = engine.user_tasks(instance)
    english, chinese = (next(n for n in sent.notices if n.address.startswith(who)) for who in ("li", "zhou"))
    assert english.subject == "Task: A (K-1)"
    assert chinese.subject == "待办任务：A（K-1）"
    assert "Hello Li," in english.text
    assert "业务编号：K-1" in chinese.text
    for one in (english, chinese):
        assert f"{PUBLIC}/tasks/{task.id}\n" in one.text


def test_what_comes_from_outside_begins_no_line_of_its_own(engine, sent):
    engine.deploy({"p.bpmn": OFFERED.replace(b'name="A"', b'name="A&#13;&#10;Bcc: all@example.com&#10;&#10;Hello"')})
    engine.start("p")
    assert {one.subject for one in sent.notices} == {"Task: A Bcc: all@example.com Hello", "待办任务：A Bcc: all@example.com Hello"}
    assert all("\n" not in one.subject and "\r" not in one.subject for one in sent.notices)
    assert all("\nBcc" not in one.text for one in sent.notices)


def test_a_due_time_is_told_in_the_readers_time_zone():
    assert notifications._local(NOW, "Asia/Shanghai") == "2026-01-05 09:00"


@pytest.mark.parametrize("address", ["li", "li@", "@x", "a b@x", "li@x\r\nBcc: y@x", "li@x>", "x" * 65 + "@x", "a@" + "x" * 300, "李@x"])
def test_an_address_that_is_none_is_refused(engine, address):
    with pytest.raises(InvalidInput):
        person(engine, "new", email=address)
    with pytest.raises(InvalidInput):
        engine.app.execute(cmd.SetPreferences("zh", "UTC", address), LI)


def test_preferences_that_are_not_given_stay(engine):
    engine.app.execute(cmd.SetPreferences("zh", "UTC"), LI)
    engine.app.execute(cmd.PutUser("li", "Li", groups=("clerks",)), SYSTEM)
    found = engine.app.accounts.profile("li")
    assert (found.email, found.notify) == ("li@example.com", "all")
    engine.app.execute(cmd.SetPreferences("zh", "UTC", "", "none"), LI)
    found = engine.app.accounts.profile("li")
    assert (found.email, found.notify) == (None, "none")


# --- a mail server that is down --------------------------------------------------------------------------------------------
def test_a_mail_server_that_is_down_holds_nothing_up_and_is_asked_again(engine, sent):
    sent.down = True
    instance = engine.start("p")
    [a] = engine.user_tasks(instance)
    assert sent.tried == 2
    assert [job.attempts for job in jobs(engine, "mail")] == [1, 1]
    sent.down = False
    engine.advance(31)
    assert sent.to == ["li", "zhou"]
    engine.complete(a.id, actor=WANG)
    assert engine.trace(instance) == ["start", "a"]


def test_after_the_last_attempt_it_stands_among_the_failed_jobs_and_an_operator_tries_it_again(engine, sent):
    sent.down = True
    instance = engine.start("p")
    engine.advance(timedelta(days=2).total_seconds())
    assert {(job.state, job.attempts) for job in jobs(engine, "mail")} == {("failed", notifications.MAIL_ATTEMPTS)}
    assert engine.instance(instance).error is None, "the instance has no incident"
    with engine.app.reading() as read:
        stuck = read.stuck_jobs(SYSTEM).rows
    assert {(one.kind, one.instance_id, one.element_id, one.cause) for one in stuck} == {
        ("mail", instance, "a", "ConnectionRefusedError: no mail server")
    }
    sent.down = False
    for one in stuck:
        engine.app.execute(cmd.RetryJob(one.id, "the server is back"), SYSTEM)
    engine.app.run_due()
    assert sent.to == ["li", "zhou"]
    engine.check()


def test_every_attempt_has_the_same_key(engine, sent, monkeypatch):
    keys = []
    monkeypatch.setattr(sent, "send", lambda notice: keys.append(notice.key) or (_ for _ in ()).throw(OSError))
    engine.start("p")
    engine.advance(31)
    assert len(keys) == 4
    assert len(set(keys)) == 2


# --- SMTP ---------------------------------------------------------------------------------------------------------------------
def smtp(server, sender="Flowledger <flow@example.com>"):
    return SmtpNotifier(server.address, sender, lambda: NOW)


def test_a_mail_arrives_as_it_was_written(url):
    with mail_server() as server, EmbeddedEngine(database=url, notifier=smtp(server), public_url=PUBLIC) as engine:
        person(engine, "zhou", groups=())
        engine.deploy({"p.bpmn": OFFERED})
        instance = engine.start("p", business_key="K-1")
        [task] = engine.user_tasks(instance)
        [message] = server.messages
        assert message["To"] == "zhou@example.com"
        assert message["From"] == "Flowledger <flow@example.com>"
        assert message["Subject"] == "待办任务：A（K-1）"
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Message-ID"].endswith("@example.com>")
        assert f"{PUBLIC}/tasks/{task.id}" in message.get_content()


def test_a_server_that_refuses_is_asked_again_and_gets_the_same_message(url):
    with mail_server() as server, EmbeddedEngine(database=url, notifier=smtp(server)) as engine:
        person(engine, "zhou", groups=())
        engine.deploy({"p.bpmn": OFFERED})
        server.refuse = "451 not now"
        engine.start("p")
        assert (len(server.refused), server.messages) == (1, [])
        server.refuse = None
        engine.advance(31)
        [taken] = server.messages
        assert taken["Message-ID"] == server.refused[0]["Message-ID"]


@pytest.mark.parametrize(
    ("address", "sender"),
    [
        ("http://host", "a@b"),
        ("smtp://", "a@b"),
        ("smtp://user:word@mail.example", "a@b"),  # in the clear
        ("smtp://127.0.0.1", "nobody"),
        ("smtp://127.0.0.1", "a@b\r\nBcc: c@d"),
    ],
)
def test_what_cannot_work_is_refused_when_the_process_starts(address, sender):
    with pytest.raises(InvalidInput):
        SmtpNotifier(address, sender, lambda: NOW)
