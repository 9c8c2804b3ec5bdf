"""The source's snapshots, and the copies that we make of them. Imports `flow` and `aws`."""
