"""The audit sink: Kafka Connect writes the leaves to PostgreSQL, a guard there checks each."""
