"""Work that a handler does outside the interpreter, as a job: of tasks, and of events whose message a handler sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.bpmn.computed import named
from engine.bpmn.flow_node import FlowNode
from engine.bpmn.token import LEAVE, Token
from engine.model.events import JobCreated, JobEnded


class JobWork(FlowNode):
    """`memory["job"]`: the token waits for it. The job has the key of the token."""

    after_job = LEAVE  # the phase in which the token goes on

    def offer_job(self, token: Token, parameters: Mapping[str, Any]) -> None:
        """Raises ExpressionError for a name of the handler that cannot be evaluated, ElementFailure for one that is no name."""
        node, top = self.node, token.workflow.top_workflow
        handler = token.workflow.script_engine.fill(token.scope, node.topic)
        top.tell(
            JobCreated(
                token.id,
                token.element,
                "service",
                None,
                named(handler, "the name of the handler"),
                parameters,
                node.retry.attempts,
                node.retry.backoff,
            )
        )
        token.memory["job"] = True

    def finish_work(self, token: Token, variables: Mapping[str, Any]) -> None:
        """The handler answered."""
        if self.node.result_variable:
            token.scope.assign(self.node.result_variable, dict(variables))
        else:
            token.scope.assign_all(variables)
        self.end_job(token, "completed")
        token.resume(self.after_job)

    def end_job(self, token: Token, reason: str) -> None:
        if token.memory.pop("job", None):
            token.workflow.top_workflow.tell(JobEnded(token.id, reason))
            token.workflow.top_workflow.forget_incident(token.id)

    def release(self, token: Token) -> None:
        self.end_job(token, "cancelled")
        super().release(token)
