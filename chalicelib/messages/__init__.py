"""The events that come in, and the announcements and notifications that go out.

- event_patterns, envelopes, event_age: the patterns of EventBridge rules, what every event says of
  itself, and which come too late
- requests, rds_events: the events of people and of RDS as values
- announcements, publishing: the announcements, and how they come onto the event bus
- notifications, advice, commands, target_naming, previous_target: the notifications to people, with
  the commands that they paste, and how they name the target and the previous one

May import: flow, observability, ports, settings.
"""
