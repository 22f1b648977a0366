"""Bytes: Avro, signatures, the verifiable log, keys."""
