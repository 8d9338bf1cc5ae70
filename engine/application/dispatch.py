"""Which function carries out which command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.application import accounts, definitions, instances, messages, user_tasks
from engine.model import commands as cmd

HANDLERS: Mapping[type[Any], Callable[..., Any]] = {
    cmd.Deploy: definitions.deploy,
    cmd.SaveModelDraft: definitions.save_draft,
    cmd.DiscardModelDraft: definitions.discard_draft,
    cmd.Start: instances.start,
    cmd.Cancel: instances.cancel,
    cmd.ChangeVariables: instances.change_variables,
    cmd.RetryIncident: instances.retry_incident,
    cmd.StartActivity: instances.start_activity,
    cmd.Comment: instances.comment,
    cmd.Attach: instances.attach,
    cmd.PublishMessage: messages.publish,
    cmd.BroadcastSignal: messages.broadcast,
    cmd.Complete: user_tasks.complete,
    cmd.Claim: user_tasks.claim,
    cmd.Release: user_tasks.release,
    cmd.HandOver: user_tasks.hand_over,
    cmd.SaveDraft: user_tasks.save_draft,
    cmd.PutUser: accounts.put_user,
    cmd.SetPreferences: accounts.set_preferences,
    cmd.ChangePassword: accounts.change_password,
    cmd.IssueToken: accounts.issue_token,
    cmd.RevokeToken: accounts.revoke_token,
}
