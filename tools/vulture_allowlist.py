"""Names that vulture cannot see in use; it reads this file as code."""

# Parameters of SpiffWorkflow's methods that engine/bpmn overrides: the names are called by keyword.
external_context
first_task
did_complete_task
will_complete_task
