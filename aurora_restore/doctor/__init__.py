"""Looks at a deployed stage and says what is wrong, and what to do: what `make doctor` runs.

It changes nothing.
"""
