"""A token: one element instance, as a SpiffWorkflow `Task` that carries its own flow, scope and progress.

SpiffWorkflow predicts a tree of future tasks and searches it; a token knows where it came from and needs no tree. Only open tokens are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from engine.model.events import ElementCancelled, ElementEntered

if TYPE_CHECKING:
    from engine.bpmn.diagram import Flow
    from engine.bpmn.scope import Scope

ENTER, WAIT, LEAVE, CHOOSE = "enter", "wait", "leave", "choose"


class Token(Task):
    """Overrides the constructor (ids from the instance's counter, no wall clock), data (a view of the scope), logging, run and cancel.

    `phase`: ENTER (its work is still to do), WAIT (for a person, job, event, inner scope), LEAVE (its work is done, results are to be handed out),
    CHOOSE (conditions are to be evaluated). A retry after a failure repeats one phase only.
    `body`: key of the loop or multi-instance body that it is an iteration of; `driver`: key of the compensation that runs it.
    `element`: id of the flow node in the diagram. `memory`: what its flow node must remember, plain JSON. `local`: its own variable scope, if any.
    """

    def __init__(self, workflow: Any, task_spec: Any, flow: Flow | None = None, *, body: int | None = None, driver: int | None = None) -> None:
        # Task.__init__ is not called: it reads the clock and a process-wide thread counter.
        self.workflow = workflow
        self.task_spec = task_spec
        self.element: str = task_spec.bpmn_id
        self.id = workflow.top_workflow.next_key()
        self._parent = None
        self._children: list[int] = []  # no tree is kept
        self._state = TaskState.FUTURE
        self.triggered = False
        self.thread_id = 0
        self.last_state_change = 0
        self.internal_data: dict[str, Any] = {}
        self.flow = flow.id if flow is not None and flow.drawn else None
        self.body = body
        self.driver = driver
        self.phase = ENTER
        self.local: Scope | None = None
        self.subscriptions: list[int] = []
        self.armed = False
        self.chosen: list[Flow] = []
        workflow.register(self)
        if task_spec.reported:
            workflow.top_workflow.tell(ElementEntered(self.id, self.element, workflow.scope.key, self.flow))

    @property
    def memory(self) -> dict[str, Any]:
        return self.internal_data

    @property
    def scope(self) -> Scope:
        """Where its expressions read and its results go."""
        return self.local if self.local is not None else self.workflow.scope

    @property
    def data(self) -> Scope:
        return self.scope

    @data.setter
    def data(self, value: Any) -> None:
        raise AttributeError("variables live in scopes")

    @property
    def open(self) -> bool:
        return bool(self._state & TaskState.NOT_FINISHED_MASK)

    def _inherit_data(self) -> None:
        """Nothing is copied from token to token."""

    def _set_state(self, value: int) -> None:
        self._state = value

    def resume(self, phase: str) -> None:
        """Queue it for the next part of its life."""
        self.phase = phase
        self._state = TaskState.READY
        self.task_spec._on_ready(self)

    def run(self) -> bool | None:
        """Run one phase. A flow node may withdraw its own token while it runs (an end event inside what it ends)."""
        done: bool | None = self.task_spec._run(self)
        if self.open:
            if done:
                self.complete()
            else:
                self.phase = WAIT
                self._set_state(TaskState.WAITING)
        return done

    def cancel(self) -> None:
        """Withdraw it with everything that hangs on it."""
        if self.open:
            self._set_state(TaskState.CANCELLED)
            self.task_spec._on_cancel(self)
            self.workflow.drop(self)
            if self.task_spec.reported:
                self.workflow.top_workflow.tell(ElementCancelled(self.id, self.element))

    def is_descendant_of(self, task: Task) -> bool:
        return False  # no tree is kept

    def find_ancestor(self, spec_name: str) -> Task | None:
        return None
