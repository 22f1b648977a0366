"""Running one worker: its app, its metrics and health, its start and its end."""
