"""Kafka: the exactly-once decision stream."""
