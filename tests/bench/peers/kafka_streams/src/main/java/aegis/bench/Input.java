package aegis.bench;

/** An input record, with the SHA-256 of its value. */
record Input(String topic, int partition, long offset, long timestamp, byte[] key, byte[] value,
        byte[] sha256) {}
