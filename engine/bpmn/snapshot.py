"""The state of an instance as plain JSON, and back. A cache: written and read by the same engine version only, never a record.

Specs stay outside; every token, scope and subscription names its flow node. What is finished is not in it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from SpiffWorkflow.util.task import TaskState

from engine.bpmn import continuation
from engine.bpmn.compensation import Completed, Kept
from engine.bpmn.scope import Scope
from engine.bpmn.subscription import Subscription
from engine.bpmn.token import Token
from engine.bpmn.workflow import InstanceWorkflow, ScopeWorkflow
from engine.model.schedule import Plan
from engine.model.values import purify

FORMAT = 2


# --- taking -------------------------------------------------------------------------------------------------------------
def take(top: InstanceWorkflow) -> dict[str, Any]:
    scopes = _Scopes()
    rows = [_workflow(workflow, scopes) for workflow in top.live.values()]
    return ({} if top.undoable is None else {"undoable": top.undoable}) | {
        "format": FORMAT,
        "counter": top.counter,
        "cause": top.event_manager.cause,
        "ended": top.ended,
        "suspended": top.suspended,
        "failure": top.failure,
        "incidents": [[key, cause] for key, cause in top.incidents.items()],
        "queue": [token.id for token in (*top.listening, *top.queue) if token.open],
        "orJoins": [list(key) for key in top.or_joins],
        "pending": [[key, _kept(kept)] for key, kept in top.compensation.pending.items()],
        "workflows": rows,
        "scopes": scopes.rows,
        "subscriptions": [_subscription(one) for one in top.event_manager.subscriptions.values()],
    }


class _Scopes:
    """Numbers variable scopes, parents first."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self.numbers: dict[int, int] = {}

    def number(self, scope: Scope | None) -> int | None:
        chain: list[Scope] = []
        while scope is not None and id(scope) not in self.numbers:
            chain.append(scope)
            scope = scope.parent
        for one in reversed(chain):
            parent = None if one.parent is None else self.numbers[id(one.parent)]
            self.numbers[id(one)] = len(self.rows)
            self.rows.append([one.key, parent, dict(one.vars)])
            scope = one
        return None if scope is None else self.numbers[id(chain[0] if chain else scope)]


def _workflow(workflow: Any, scopes: _Scopes) -> dict[str, Any]:
    return {
        "key": workflow.key,
        "holder": workflow.parent_task_id,
        "origin": getattr(workflow, "origin", None),
        "scope": scopes.number(workflow.scope),
        "flags": [workflow.interrupted, workflow.revived, workflow.completed],
        "started": workflow.started,
        "startingAt": workflow.starting_at,
        "memory": purify(workflow.memory),
        "joins": {name: [token.id for token in leads] for name, leads in workflow.joins.items() if leads},
        "compensable": [_completed(one) for one in workflow.compensable],
        "subscriptions": list(workflow.subscriptions),
        "tokens": [_token(token, scopes) for token in workflow.tasks.values()],
    }


def _token(token: Token, scopes: _Scopes) -> list[Any]:
    return [
        token.id,
        token.task_spec.name,
        token._state,
        token.phase,
        token.flow,
        token.body,
        token.driver,
        scopes.number(token.local),
        list(token.subscriptions),
        token.armed,
        purify(token.memory) if token.memory else {},
    ]


def _completed(one: Completed) -> list[Any]:
    return [one.key, one.spec, one.body, one.local, one.called, None if one.kept is None else _kept(one.kept)]


def _kept(kept: Kept) -> list[Any]:
    return [dict(kept.variables), [_completed(one) for one in kept.compensable]]


def _subscription(one: Subscription) -> list[Any]:
    return [
        one.key,
        one.kind,
        one.name,
        one.role,
        one.spec.name,
        one.index,
        one.workflow.key,
        one.owner,
        one.start,
        _schedule(one.schedule),
        one.held,
        one.correlation,
        list(one.retrieval),
        one.chain,
    ]


def _schedule(one: Plan | None) -> list[Any] | None:
    return None if one is None else [one.due.isoformat(), one.left, one.text]


# --- restoring ------------------------------------------------------------------------------------------------------------
def restore(top: InstanceWorkflow, data: dict[str, Any]) -> None:
    """Fill a fresh workflow. Raises ValueError for another format."""
    if data.get("format") != FORMAT:
        raise ValueError(f"a snapshot of format {data.get('format')!r} cannot be read")
    scopes = _restore_scopes(top, data["scopes"])
    for row in data["workflows"]:
        workflow = top if row["key"] == 0 else _restore_workflow(top, row, scopes)
        _fill(workflow, row, scopes)
    top.counter, top.ended, top.failure = data["counter"], data["ended"], data["failure"]
    top.event_manager.cause = data.get("cause", 0)
    top.suspended, top.undoable = data.get("suspended", False), data.get("undoable")
    top.incidents = dict(data["incidents"])
    top.queue.extend(top.tokens[key] for key in data["queue"])
    top.or_joins = dict.fromkeys((key, name) for key, name in data["orJoins"])
    top.compensation.pending = {key: _restore_kept(kept) for key, kept in data["pending"]}
    for row in data["subscriptions"]:
        top.event_manager.index(_restore_subscription(top, row))
    top.events.clear()
    top.touched.clear()
    top.changed = False


def _restore_scopes(top: InstanceWorkflow, rows: list[Any]) -> list[Scope]:
    scopes: list[Scope] = []
    for key, parent, values in rows:
        scopes.append(Scope(key, None if parent is None else scopes[parent], top.tell, dict(values)))
    return scopes


def _restore_workflow(top: InstanceWorkflow, row: dict[str, Any], scopes: list[Scope]) -> ScopeWorkflow:
    holder = top.tokens[row["holder"]]
    if row["origin"] is None:
        owner = holder.task_spec
        spec = owner.called(holder.memory["called"]) if "called" in holder.memory else owner.inner
    else:
        key, name, called = row["origin"]
        owner = top.live[key].spec.task_specs[name]
        spec = owner.called(called) if called is not None else owner.inner
    made = ScopeWorkflow(spec, holder, scopes[row["scope"]], key=row["key"])
    made.origin = row["origin"]
    return made


def _fill(workflow: Any, row: dict[str, Any], scopes: list[Scope]) -> None:
    workflow.scope = scopes[row["scope"]]
    workflow.interrupted, workflow.revived, workflow.completed = row["flags"]
    workflow.started, workflow.starting_at, workflow.memory = row["started"], row["startingAt"], row["memory"]
    workflow.compensable = [_restore_completed(one) for one in row["compensable"]]
    workflow.subscriptions = list(row["subscriptions"])
    for one in row["tokens"]:
        _restore_token(workflow, one, scopes)
    workflow.joins = {name: [workflow.tasks[key] for key in keys] for name, keys in row["joins"].items()}


def _restore_token(workflow: Any, row: list[Any], scopes: list[Scope]) -> None:
    key, name, state, phase, flow, body, driver, local, subscriptions, armed, memory = row
    token = Token.__new__(Token)
    token.workflow, token.task_spec, token.id = workflow, workflow.spec.task_specs[name], key
    token.element = token.task_spec.bpmn_id
    token._parent, token._children, token.triggered, token.thread_id, token.last_state_change = None, [], False, 0, 0
    token._state = state & TaskState.ANY_MASK
    token.phase, token.flow, token.body, token.driver = phase, flow, body, driver
    token.local = None if local is None else scopes[local]
    token.subscriptions, token.armed, token.internal_data, token.chosen = list(subscriptions), armed, dict(memory), []
    workflow.register(token)
    continuation.restored(token)


def _restore_completed(row: list[Any]) -> Completed:
    key, spec, body, local, called, kept = row
    return Completed(key, spec, body, local, called, None if kept is None else _restore_kept(kept))


def _restore_kept(row: list[Any]) -> Kept:
    return Kept(dict(row[0]), [_restore_completed(one) for one in row[1]])


def _restore_subscription(top: InstanceWorkflow, row: list[Any]) -> Subscription:
    key, kind, name, role, spec, index, workflow_key, owner, start, schedule, held, correlation, retrieval, *chain = row
    workflow = top.live[workflow_key]
    made = Subscription(key, kind, name, role, workflow.spec.task_specs[spec], index, workflow, owner, start, _restore_schedule(schedule))
    made.held, made.correlation, made.retrieval = held, correlation, tuple(retrieval)
    made.chain = chain[0] if chain else 0
    return made


def _restore_schedule(row: list[Any] | None) -> Plan | None:
    return None if row is None else Plan(datetime.fromisoformat(row[0]), row[1], row[2])
