"""The state of an instance, as `engine.bpmn.snapshot` writes it, rewritten for another version of its process.

Every flow node that the state names gets the name of its successor; keys, variables, due dates stay. What cannot be rewritten is a problem, and all problems
are collected. What called processes hold is left alone: they go on under their own version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from engine.bpmn import snapshot as snapshots
from engine.bpmn.diagram import Node
from engine.bpmn.subprocesses import CallActivity
from engine.bpmn.subscription import BOUNDARY, RACE, START
from engine.bpmn.version_plan import containers, successor_flow
from engine.bpmn.workflow import InstanceWorkflow
from engine.errors import MigrationProblem

ITERATION = " [iteration]"
Row = dict[str, Any]


class Rewriting:
    """One state under one plan that `version_plan.judge` has found sound. `pinned` gives the definition of a process that is called under the old version."""

    def __init__(self, top: InstanceWorkflow, spec: Any, plan: Mapping[str, str], pinned: Callable[[str], str | None]) -> None:
        self.top, self.spec, self.plan, self.pinned = top, spec, plan, pinned
        self.data = state_of(top)
        self.problems: list[MigrationProblem] = []
        self.inside = own_scopes(top)
        self.dropped: set[int] = set()
        self.before = {node.id: node for one in containers(top.spec.container) for node in one.nodes.values()}
        self.after = {node.id: node for one in containers(spec.container) for node in one.nodes.values()}

    def run(self) -> Row:
        """The new state; worth nothing when there are problems."""
        data = self.data
        for row in data["workflows"]:
            if row["key"] in self.inside:
                self._workflow(row)
            else:
                self._foreign(row)
        data["pending"] = [[key, self._kept_of(key, kept)] for key, kept in data["pending"]]
        data["orJoins"] = [[key, self.name(name) if key in self.inside else name] for key, name in data["orJoins"]]
        self._subscriptions(data)
        return data

    # --- names --------------------------------------------------------------------------------------------------------
    def name(self, name: str) -> str:
        """Of a task spec; its own where there is no successor (a problem tells of it)."""
        if name.startswith("$"):
            return name
        bare, suffix = (name[: -len(ITERATION)], ITERATION) if name.endswith(ITERATION) else (name, "")
        return self.plan.get(bare, bare) + suffix

    def _problem(self, why: str, element: str, detail: str = "") -> None:
        found = MigrationProblem(why, element, self.plan.get(element, ""), detail)
        if found not in self.problems:
            self.problems.append(found)

    def _renamed(self, by_node: Row) -> Row:
        return {self.plan[key]: value for key, value in by_node.items() if key in self.plan}

    def _flows(self, node_id: str, flows: list[str]) -> list[str]:
        """Sequence flows into a join over which tokens have come."""
        old, new = self.before[node_id], self.after[self.plan[node_id]]
        found = [successor_flow(one, old, new, self.plan) for one in flows]
        if None in found or len(set(found)) != len(found) or len(new.incoming) < len(old.incoming):
            self._problem("join", node_id)
        return [one or "" for one in found]

    def _called(self, called: str, element: str) -> str:
        """A called process goes on under the version in which it began."""
        if called.startswith("="):
            return called
        found = self.pinned(called)
        if found is None:
            self._problem("called", element)
        return f"={found}"

    # --- scopes and tokens ------------------------------------------------------------------------------------------------
    def _workflow(self, row: Row) -> None:
        if row["origin"] is not None:
            key, name, called = row["origin"]
            row["origin"] = [key, self.name(name), None if called is None else self._called(called, name)]
        if row["startingAt"] is not None:
            row["startingAt"] = self.name(row["startingAt"])
        if row["started"] is not None:
            row["started"] = [self.plan[one] for one in row["started"] if one in self.plan]
        for token in row["tokens"]:
            self._token(token)
        row["joins"] = {self.name(name): keys for name, keys in row["joins"].items()}
        row["compensable"] = [self._completed(one) for one in row["compensable"]]
        row["memory"] = self._scope_memory(row["memory"])
        if "order" in row["memory"]:
            row["memory"]["order"] += self._offered(self.top.live[row["key"]].spec.container.holder)

    def _offered(self, holder: Node) -> list[str]:
        """Activities that only the new version of an ad-hoc subprocess has: a sequential one comes to them after the others."""
        inner = self.after[self.plan[holder.id]].inner if holder.id in self.plan else None
        if inner is None or inner.ad_hoc is None or inner.ad_hoc.chosen is not None:
            return []
        known = set(self.plan.values())
        return [node.id for node in inner.starts() if node.id not in known]

    def _foreign(self, row: Row) -> None:
        """Inside a called process nothing is renamed; one that lives again for its compensation names the call."""
        if row["origin"] is not None and row["origin"][0] in self.inside:
            key, name, called = row["origin"]
            row["origin"] = [key, self.name(name), self._called(called, name)]

    def _scope_memory(self, memory: Row) -> Row:
        made: Row = {}
        for key, value in memory.items():
            if key.startswith("reset "):
                gateway = key.removeprefix("reset ")
                if gateway not in self.plan:
                    self._problem("unmapped", gateway)
                else:
                    made[f"reset {self.plan[gateway]}"] = self._flows(gateway, value)
            elif key in ("seen", "gathered"):
                made[key] = self._renamed(value)
            elif key == "order":
                made[key] = [self.plan[one] for one in value if one in self.plan]
            else:
                made[key] = value
        return made

    def _token(self, row: list[Any]) -> None:
        bare, memory = row[1].removesuffix(ITERATION), row[10]
        if "steps" in memory:
            memory["steps"] = [[key, self._step(key, name), local] for key, name, local in memory["steps"]]
        if bare.startswith("$"):
            return
        if bare not in self.plan:
            self._problem("unmapped", bare)
            return
        old, new = self.before[bare], self.after[self.plan[bare]]
        self._same_shape(old, new)
        row[1] = self.name(row[1])
        if "arrived" in memory:
            self._arrived(old, new, memory)
        for key in ("seen", "gathered"):
            if key in memory:
                memory[key] = self._renamed(memory[key])
        if memory.get("start") is not None:
            memory["start"] = self._start(old, new, memory["start"])
        if "winner" in memory:
            memory["winner"] = self.name(memory["winner"])
        if "called" in memory:
            memory["called"] = self._called(memory["called"], bare)

    def _same_shape(self, old: Node, new: Node) -> None:
        if (old.loop.kind if old.loop else None) != (new.loop.kind if new.loop else None):
            self._problem("loop", old.id)
        ordered = [node.inner.ad_hoc.sequential if node.inner and node.inner.ad_hoc else None for node in (old, new)]
        if ordered[0] != ordered[1]:
            self._problem("ad-hoc", old.id)

    def _arrived(self, old: Node, new: Node, memory: Row) -> None:
        if isinstance(memory["arrived"], list):
            memory["arrived"] = self._flows(old.id, memory["arrived"])
        elif old.start_quantity != new.start_quantity:
            self._problem("join", old.id)

    def _start(self, old: Node, new: Node, start: str) -> str:
        """The start event of an event subprocess; once it runs, the only one there is will do."""
        if start in self.plan:
            return self.plan[start]
        starts = [node.id for node in new.inner.starts()] if new.inner is not None else []
        if len(starts) != 1:
            self._problem("unmapped", start)
        return starts[0] if starts else start

    # --- compensation -------------------------------------------------------------------------------------------------------
    def _step(self, key: int, name: str) -> str:
        if key not in self.inside:
            return name
        if name not in self.plan:
            self._problem("compensation", name)
        return self.name(name)

    def _completed(self, row: list[Any]) -> list[Any]:
        key, name, body, local, called, kept = row
        bare = name.removesuffix(ITERATION)
        old = self.before[bare]
        target = self.after.get(self.plan.get(bare, ""))
        if target is None or (old.handler is not None and target.handler is None) or (old.loop is None) != (target.loop is None):
            self._problem("compensation", bare)
        if called is not None:
            return [key, self.name(name), body, local, self._called(called, bare), kept]
        return [key, self.name(name), body, local, None, None if kept is None else self._kept(kept)]

    def _kept(self, kept: list[Any]) -> list[Any]:
        return [kept[0], [self._completed(one) for one in kept[1]]]

    def _kept_of(self, key: int, kept: list[Any]) -> list[Any]:
        """Of a subprocess that has ended and whose activity has not left yet."""
        token = self.top.tokens.get(key)
        own = token is not None and token.workflow.key in self.inside and not isinstance(token.task_spec, CallActivity)
        return self._kept(kept) if own else kept

    # --- what is waited for -----------------------------------------------------------------------------------------------------
    def _subscriptions(self, data: Row) -> None:
        kept: list[list[Any]] = []
        for row in data["subscriptions"]:
            if row[6] not in self.inside or self._goes_on(row):
                kept.append(row)
            else:
                self.dropped.add(row[0])
        data["subscriptions"] = kept
        data["incidents"] = [one for one in data["incidents"] if one[0] not in self.dropped]
        for row in data["workflows"]:
            row["subscriptions"] = [key for key in row["subscriptions"] if key not in self.dropped]
            for token in row["tokens"]:
                token[8] = [key for key in token[8] if key not in self.dropped]

    def _goes_on(self, row: list[Any]) -> bool:
        """Rename a subscription. False: the new version does not wait for it at this place."""
        role, name, owner, start = row[3], row[4], row[7], row[8]
        bare = name.removesuffix(ITERATION)
        if role in (BOUNDARY, RACE, START) and bare not in self.plan:
            return False
        if role == RACE:
            gateway = self.after.get(self.plan.get(self.top.tokens[owner].element, ""))
            if gateway is None or all(flow.target != self.plan[bare] for flow in gateway.outgoing):
                return False
        if role == START:
            if start not in self.plan:
                return False
            row[8] = self.plan[start]
        row[4] = self.name(name)
        return True


def state_of(top: InstanceWorkflow) -> Row:
    """A copy of everything; not of a state from before an earlier migration."""
    data = deepcopy(snapshots.take(top))
    data.pop("undoable", None)
    return data


def own_scopes(top: InstanceWorkflow) -> set[int]:
    """Keys of the scopes of the process itself: not those of processes that it calls."""
    own = {0}
    for key, scope in top.live.items():
        if key == 0:
            continue
        if scope.revived:
            around, _name, called = scope.origin
            if around in own and called is None:
                own.add(key)
        elif scope.holder.workflow.key in own and not isinstance(scope.holder.task_spec, CallActivity):
            own.add(key)
    return own
