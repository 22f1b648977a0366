"""SEAL: committed leaves become signed decisions and checkpoints. The only holder of keys."""
