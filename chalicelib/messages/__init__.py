"""The events that come in, and the announcements and notifications that go out.

- event_patterns, events: the patterns of EventBridge rules, and the events as values
- publishing: the announcements on the event bus
- notifications, advice, commands, target_naming, previous_target: the notifications to people, with
  the commands that they paste, and how they name the target and the previous one

May import: flow, observability, ports, settings.
"""
