"""Copies of snapshots, over HTTP."""

from tests.aurora.test_copies import *  # noqa: F403  (each test runs again, with this folder's fixtures)
