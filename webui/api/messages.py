"""Messages and signals from outside."""

from __future__ import annotations

from typing import Any

from engine.model.commands import BroadcastSignal, PublishMessage
from webui.api.calls import IDEMPOTENCY, ApiBlueprint, execute
from webui.api.schemas import CorrelationOut, MessageIn, SignalIn

blueprint = ApiBlueprint("api_messages", __name__, url_prefix="/api/v1", description="Messages and signals")


@blueprint.route("/messages", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(MessageIn)
@blueprint.response(202, CorrelationOut)
def publish(body: dict[str, Any]) -> Any:
    """To the one instance that waits for it, else to a message start event, else kept for a while. Not for staff: it reaches instances of others."""
    return execute(PublishMessage(body["name"], body["payload"], body["correlation_key"], body["keep_seconds"]))


@blueprint.route("/signals", methods=["POST"])
@blueprint.doc(parameters=[IDEMPOTENCY])
@blueprint.arguments(SignalIn)
@blueprint.response(202, CorrelationOut)
def broadcast(body: dict[str, Any]) -> Any:
    """To every instance that waits for it and every signal start event. Not for staff.

    The first 50 instances have it when this answers, the others get it by jobs.
    """
    return execute(BroadcastSignal(body["name"], body["payload"]))
