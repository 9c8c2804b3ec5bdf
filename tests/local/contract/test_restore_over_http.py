"""Restoring, over HTTP."""

from tests.aurora.test_restore import *  # noqa: F403  (each test runs again, with this folder's fixtures)
