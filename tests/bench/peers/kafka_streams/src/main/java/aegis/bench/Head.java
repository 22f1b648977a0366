package aegis.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.util.HexFormat;

/** Where the log of a partition stands. */
final class Head {
    final String log;
    long sequence;
    byte[] entryHash;
    long leafTime;
    long nextOffset;

    /** The head that genesis wrote. */
    Head(JsonNode genesis) {
        log = genesis.get("log").textValue();
        sequence = genesis.get("sequence").longValue();
        entryHash = HexFormat.of().parseHex(genesis.get("entry_hash").textValue());
        leafTime = genesis.get("leaf_time").longValue();
    }

    byte[] toBytes() {
        return ByteBuffer.allocate(3 * Long.BYTES + entryHash.length)
                .putLong(sequence).putLong(leafTime).putLong(nextOffset).put(entryHash).array();
    }

    void restore(byte[] data) {
        ByteBuffer in = ByteBuffer.wrap(data);
        sequence = in.getLong();
        leafTime = in.getLong();
        nextOffset = in.getLong();
        in.get(entryHash);
    }
}
