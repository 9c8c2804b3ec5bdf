"""Brings a stage into an account, up to date, and out of it again: what `make deploy` and `make destroy` run."""
