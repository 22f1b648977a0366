"""The verifiable log: tree, chain, notes, checkpoints and receipts, as pure functions of bytes."""
