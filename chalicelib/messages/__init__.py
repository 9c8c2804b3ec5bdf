"""The events that come in, and the announcements and notifications that go out.

- rules, events: the patterns of EventBridge rules, and the events as values
- publishing: the announcements on the event bus
- notifications, advice, commands: the notifications to people, with the commands that they paste

May import: flow, observability, ports, settings.
"""
