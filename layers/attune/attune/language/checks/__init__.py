"""What is wrong or doubtful about a draft, whichever dialect it was written in."""
