"""The flow of a restore as values: states, record, plan, outcomes. Imports nothing else of ours."""
