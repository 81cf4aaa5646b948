"""Every way in which a process can die, tried out: see ``__main__`` for how to run it."""
