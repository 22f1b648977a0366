"""Bytes: records, the verifiable log, signatures, keys, and who is to be believed."""
