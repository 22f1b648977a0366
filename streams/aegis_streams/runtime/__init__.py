"""What every worker is made of besides its work: metrics, health, logs, transport settings."""
