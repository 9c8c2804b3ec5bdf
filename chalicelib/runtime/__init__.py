"""What happens to an event: it is routed, an operation starts, or a step runs.

- router: every event comes in here
- starting, reruns, repeated_steps, rollbacks, plans: the start of operations, and their plans
- present_cluster: the refusal of a request for a cluster that is no longer the target
- cancellations: the end of operations on request
- unnamed: the answer to a cancellation or a rollback that names no operation
- runner, lease: claims an operation for a while, runs its step and writes the outcome
- heartbeat, republishing: the tick of every minute, which announces overdue operations again
- catch_up: the check of the plans, and of snapshots whose event never came

May import: aws, flow, messages, observability, ports, records, settings, snapshots, steps, target.
"""
