"""Which function carries out which command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.application import accounts, bulk, definitions, instances, interventions, messages, migration, stuck_jobs, suspension, user_tasks
from engine.model import commands as cmd
from engine.model.migration import Migrate, UndoMigration
from engine.model.stuck_jobs import DiscardJob, RetryJob

HANDLERS: Mapping[type[Any], Callable[..., Any]] = {
    cmd.Deploy: definitions.deploy,
    cmd.SaveModelDraft: definitions.save_draft,
    cmd.DiscardModelDraft: definitions.discard_draft,
    cmd.Start: instances.start,
    cmd.Cancel: interventions.cancel,
    cmd.ChangeVariables: interventions.change_variables,
    cmd.RetryIncident: interventions.retry_incident,
    RetryJob: stuck_jobs.retry,
    DiscardJob: stuck_jobs.discard,
    cmd.CompleteByHand: interventions.complete_by_hand,
    cmd.FailByHand: interventions.fail_by_hand,
    cmd.MoveToken: interventions.move_token,
    Migrate: migration.migrate,
    UndoMigration: migration.undo,
    cmd.Suspend: suspension.suspend,
    cmd.Resume: suspension.resume,
    cmd.SuspendDefinition: suspension.suspend_definition,
    cmd.ResumeDefinition: suspension.resume_definition,
    cmd.StartBulk: bulk.start,
    cmd.StopBulk: bulk.stop,
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
