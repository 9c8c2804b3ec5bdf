"""What ends the demo early: a sentence that says what happened and what to do."""


class DemoError(Exception):
    """The demo cannot go on; the message is what people read."""
