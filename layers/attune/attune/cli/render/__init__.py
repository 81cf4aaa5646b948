"""Drawing: from plain data to something that rich can print. Nothing here reads a clock or a terminal."""
