"""What comes in and goes out: events, rules, notifications, commands that people paste."""
