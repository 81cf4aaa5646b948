"""What single messages from outside set off: events, timers, dead letters, and looking after them."""
