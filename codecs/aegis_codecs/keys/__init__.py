"""Key files of this machine: seeds that only their owner can read."""

from aegis_codecs.keys.log import LogKeys, generate_log_keys, load_log_keys

__all__ = ["LogKeys", "generate_log_keys", "load_log_keys"]
