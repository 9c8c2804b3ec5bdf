"""Looks at a deployed stage and says what is wrong, and what to do: what `make doctor` runs.

It changes nothing. `runner` runs the checks of `checks`; each other module has the checks of one
subject, which yield findings. It may import `account`, `deployment` (what a deployment would have
made is what a stage is compared with), `packaging` and chalicelib; nothing but the command line
imports it.
"""
