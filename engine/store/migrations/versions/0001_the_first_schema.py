"""The first schema."""

import sqlalchemy as sa
from alembic import op

from engine.store.tables import Utc

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
    )
    op.create_table(
        "blob",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=128), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob")),
    )
    op.create_table(
        "deployment",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("deployed_at", Utc(), nullable=False),
        sa.Column("deployed_by", sa.String(length=64), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
    )
    op.create_index(op.f("ix_deployment_content_hash"), "deployment", ["content_hash"], unique=False)
    op.create_table(
        "form_draft",
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "key", "user_id", name=op.f("pk_form_draft")),
    )
    op.create_table(
        "incident",
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("definition_id", sa.String(length=255), nullable=False),
        sa.Column("element_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("resolved_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("instance_id", "key", "seq", name=op.f("pk_incident")),
    )
    op.create_index(op.f("ix_incident_definition_id"), "incident", ["definition_id"], unique=False)
    op.create_index(op.f("ix_incident_resolved_at"), "incident", ["resolved_at"], unique=False)
    op.create_table(
        "instance",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("definition_id", sa.String(length=255), nullable=False),
        sa.Column("process_id", sa.String(length=200), nullable=False),
        sa.Column("business_key", sa.String(length=255), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("head_hash", sa.String(length=64), nullable=False),
        sa.Column("started_at", Utc(), nullable=False),
        sa.Column("started_by", sa.String(length=64), nullable=False),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instance")),
    )
    op.create_index(op.f("ix_instance_business_key"), "instance", ["business_key"], unique=False)
    op.create_index(op.f("ix_instance_definition_id"), "instance", ["definition_id"], unique=False)
    op.create_index("ix_instance_process_id_state", "instance", ["process_id", "state"], unique=False)
    op.create_index("ix_instance_started_at", "instance", ["started_at", "id"], unique=False)
    op.create_index("ix_instance_state_started_at", "instance", ["state", "started_at", "id"], unique=False)
    op.create_table(
        "job",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("instance_id", sa.String(length=64), nullable=True),
        sa.Column("key", sa.Integer(), nullable=True),
        sa.Column("element_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("handler", sa.String(length=200), nullable=True),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("due_at", Utc(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("lease_until", Utc(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("stack", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_job")),
        sa.UniqueConstraint("id", name=op.f("uq_job_id")),
    )
    op.create_index(op.f("ix_job_instance_id"), "job", ["instance_id"], unique=False)
    op.create_index("ix_job_state_due_at", "job", ["state", "due_at", "number"], unique=False)
    op.create_table(
        "kept_message",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("correlation_key", sa.String(length=255), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_kept_message")),
        sa.UniqueConstraint("id", name=op.f("uq_kept_message_id")),
    )
    op.create_index(op.f("ix_kept_message_expires_at"), "kept_message", ["expires_at"], unique=False)
    op.create_index("ix_kept_message_name_correlation_key", "kept_message", ["name", "correlation_key"], unique=False)
    op.create_table(
        "model_draft",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("process_id", sa.String(length=200), nullable=True),
        sa.Column("based_on", sa.String(length=255), nullable=True),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.Column("xml", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_draft")),
    )
    op.create_index(op.f("ix_model_draft_owner"), "model_draft", ["owner"], unique=False)
    op.create_table(
        "note",
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("media_type", sa.String(length=128), nullable=True),
        sa.PrimaryKeyConstraint("instance_id", "seq", name=op.f("pk_note")),
    )
    op.create_table(
        "record",
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("request_id", sa.String(length=128), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "seq", name=op.f("pk_record")),
        sa.UniqueConstraint("request_id", name=op.f("uq_record_request_id")),
    )
    op.create_index(op.f("ix_record_actor"), "record", ["actor"], unique=False)
    op.create_table(
        "snapshot",
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("engine_version", sa.String(length=32), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", name=op.f("pk_snapshot")),
    )
    op.create_table(
        "subscription",
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("correlation_key", sa.String(length=255), nullable=True),
        sa.Column("element_id", sa.String(length=200), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "key", name=op.f("pk_subscription")),
    )
    op.create_index("ix_subscription_kind_name_correlation_key", "subscription", ["kind", "name", "correlation_key"], unique=False)
    op.create_table(
        "task_candidate",
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "key", "kind", "name", name=op.f("pk_task_candidate")),
    )
    op.create_index("ix_task_candidate_kind_name", "task_candidate", ["kind", "name"], unique=False)
    op.create_table(
        "user_task",
        sa.Column("instance_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("definition_id", sa.String(length=255), nullable=False),
        sa.Column("process_id", sa.String(length=200), nullable=False),
        sa.Column("business_key", sa.String(length=255), nullable=True),
        sa.Column("element_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("assignee", sa.String(length=64), nullable=True),
        sa.Column("candidate_groups", sa.Text(), nullable=False),
        sa.Column("candidate_users", sa.Text(), nullable=False),
        sa.Column("excludes", sa.Text(), nullable=False),
        sa.Column("excluded_users", sa.Text(), nullable=False),
        sa.Column("form_key", sa.String(length=255), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("due", Utc(), nullable=True),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("ended_at", Utc(), nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("instance_id", "key", name=op.f("pk_user_task")),
    )
    op.create_index("ix_user_task_assignee_state", "user_task", ["assignee", "state", "due"], unique=False)
    op.create_index("ix_user_task_definition_id_element_id", "user_task", ["definition_id", "element_id", "state"], unique=False)
    op.create_index("ix_user_task_state_due", "user_task", ["state", "due"], unique=False)
    op.create_table(
        "api_token",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=128), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=True),
        sa.Column("last_used", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["account.id"], name=op.f("fk_api_token_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_token_secret_hash")),
    )
    op.create_index(op.f("ix_api_token_user_id"), "api_token", ["user_id"], unique=False)
    op.create_table(
        "deployment_file",
        sa.Column("deployment_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployment.id"], name=op.f("fk_deployment_file_deployment_id")),
        sa.PrimaryKeyConstraint("deployment_id", "name", name=op.f("pk_deployment_file")),
    )
    op.create_table(
        "process_definition",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("process_id", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("deployment_id", sa.String(length=64), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("file", sa.String(length=255), nullable=False),
        sa.Column("called", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployment.id"], name=op.f("fk_process_definition_deployment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_process_definition")),
        sa.UniqueConstraint("process_id", "version", name=op.f("uq_process_definition_process_id_version")),
    )
    op.create_table(
        "session",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("seen_at", Utc(), nullable=False),
        sa.Column("expires_at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["account.id"], name=op.f("fk_session_user_id")),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_user_id"), "session", ["user_id"], unique=False)
    op.create_table(
        "start_trigger",
        sa.Column("definition_id", sa.String(length=255), nullable=False),
        sa.Column("element_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("process_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("schedule", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["definition_id"], ["process_definition.id"], name=op.f("fk_start_trigger_definition_id")),
        sa.PrimaryKeyConstraint("definition_id", "element_id", "number", name=op.f("pk_start_trigger")),
    )
    op.create_index("ix_start_trigger_kind_name", "start_trigger", ["kind", "name"], unique=False)
    op.create_index(op.f("ix_start_trigger_process_id"), "start_trigger", ["process_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_start_trigger_process_id"), table_name="start_trigger")
    op.drop_index("ix_start_trigger_kind_name", table_name="start_trigger")
    op.drop_table("start_trigger")
    op.drop_index(op.f("ix_session_user_id"), table_name="session")
    op.drop_table("session")
    op.drop_table("process_definition")
    op.drop_table("deployment_file")
    op.drop_index(op.f("ix_api_token_user_id"), table_name="api_token")
    op.drop_table("api_token")
    op.drop_index("ix_user_task_state_due", table_name="user_task")
    op.drop_index("ix_user_task_definition_id_element_id", table_name="user_task")
    op.drop_index("ix_user_task_assignee_state", table_name="user_task")
    op.drop_table("user_task")
    op.drop_index("ix_task_candidate_kind_name", table_name="task_candidate")
    op.drop_table("task_candidate")
    op.drop_index("ix_subscription_kind_name_correlation_key", table_name="subscription")
    op.drop_table("subscription")
    op.drop_table("snapshot")
    op.drop_index(op.f("ix_record_actor"), table_name="record")
    op.drop_table("record")
    op.drop_table("note")
    op.drop_index(op.f("ix_model_draft_owner"), table_name="model_draft")
    op.drop_table("model_draft")
    op.drop_index("ix_kept_message_name_correlation_key", table_name="kept_message")
    op.drop_index(op.f("ix_kept_message_expires_at"), table_name="kept_message")
    op.drop_table("kept_message")
    op.drop_index("ix_job_state_due_at", table_name="job")
    op.drop_index(op.f("ix_job_instance_id"), table_name="job")
    op.drop_table("job")
    op.drop_index("ix_instance_state_started_at", table_name="instance")
    op.drop_index("ix_instance_started_at", table_name="instance")
    op.drop_index("ix_instance_process_id_state", table_name="instance")
    op.drop_index(op.f("ix_instance_definition_id"), table_name="instance")
    op.drop_index(op.f("ix_instance_business_key"), table_name="instance")
    op.drop_table("instance")
    op.drop_index(op.f("ix_incident_resolved_at"), table_name="incident")
    op.drop_index(op.f("ix_incident_definition_id"), table_name="incident")
    op.drop_table("incident")
    op.drop_table("form_draft")
    op.drop_index(op.f("ix_deployment_content_hash"), table_name="deployment")
    op.drop_table("deployment")
    op.drop_table("blob")
    op.drop_table("account")
