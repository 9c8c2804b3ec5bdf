"""An AWS account as it is, only read: the observers that deployment and doctor share.

Whose credentials these are (`identity`), clients that refuse every changing call
(`reading_clients`), a stage's parameters, functions, roles, rules and stacks, each read once
(`state`, `stack`), and how a resource of each type is looked up (`resource_types`). It may import
`stages`, `reading_ports` and chalicelib; deployment and doctor import it.
"""
