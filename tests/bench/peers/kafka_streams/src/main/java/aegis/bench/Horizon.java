package aegis.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/** Proposal ids seen within the horizon; an entry holds time, content hash and decision id. */
final class Horizon {
    private static final int HASH = 32;

    private final KeyValueStore<Bytes, byte[]> store;
    private final long horizonMs;
    private final int capacity;
    private final ArrayDeque<Age> ages;

    private record Age(long time, Bytes key) {}

    /** What is remembered of an id. */
    record Seen(byte[] content, String decisionId) {}

    Horizon(KeyValueStore<Bytes, byte[]> store, long horizonMs, int capacity) {
        this.store = store;
        this.horizonMs = horizonMs;
        this.capacity = capacity;
        List<Age> found = new ArrayList<>();
        try (KeyValueIterator<Bytes, byte[]> all = store.all()) {
            while (all.hasNext()) {
                KeyValue<Bytes, byte[]> entry = all.next();
                found.add(new Age(ByteBuffer.wrap(entry.value).getLong(), entry.key));
            }
        }
        found.sort(Comparator.comparingLong(Age::time));
        ages = new ArrayDeque<>(found);
    }

    static Bytes key(String agentId, String proposalId) {
        return Bytes.wrap((agentId + '\0' + proposalId).getBytes(StandardCharsets.UTF_8));
    }

    boolean full() {
        return ages.size() >= capacity;
    }

    int count() {
        return ages.size();
    }

    void expire(long now) {
        while (!ages.isEmpty() && ages.peek().time + horizonMs <= now) {
            store.delete(ages.poll().key);
        }
    }

    Seen find(Bytes key) {
        byte[] data = store.get(key);
        if (data == null) {
            return null;
        }
        byte[] content = Arrays.copyOfRange(data, Long.BYTES, Long.BYTES + HASH);
        int from = Long.BYTES + HASH;
        return new Seen(content, new String(data, from, data.length - from, StandardCharsets.US_ASCII));
    }

    void remember(Bytes key, long time, byte[] content, String decisionId) {
        byte[] id = decisionId.getBytes(StandardCharsets.US_ASCII);
        store.put(key, ByteBuffer.allocate(Long.BYTES + HASH + id.length)
                .putLong(time).put(content).put(id).array());
        ages.add(new Age(time, key));
    }
}
