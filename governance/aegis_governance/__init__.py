"""Pure governance decisions."""
