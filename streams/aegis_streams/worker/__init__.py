"""Running one worker from start to end."""
