"""What happens to an event: it is routed, an operation starts, or a step runs.

- router: every event comes in here
- starting, reruns, repeated_steps, plans: the start of operations, and their plans
- runner: claims an operation, runs its step and writes the outcome
- heartbeat, sweep: the tick of every minute

May import: aws, flow, messages, observability, ports, records, settings, snapshots, steps, target.
"""
