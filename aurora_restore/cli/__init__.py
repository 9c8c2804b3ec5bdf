"""The command line of `aurora-restore`: one file per verb, each with its options and one call.

`verbs` puts them together, `parameters` has the options that several of them take, and `attempt`
turns errors into sentences and an exit status. It may import all of `aurora_restore`, and the demo;
only `aurora_restore.__main__` imports it.
"""
