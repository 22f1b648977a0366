package aegis.bench;

import java.nio.file.Path;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.Stores;

/** The decider's work in Kafka Streams: exactly-once-v2, one thread. Argument: the work as JSON. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Work work = Work.read(Path.of(arguments[0]));
        KafkaStreams streams = new KafkaStreams(topology(work), settings(work));
        CountDownLatch ended = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            ended.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
        ended.await();
        System.exit(1);
    }

    private static Topology topology(Work work) {
        Topology topology = new Topology()
                .addSource("in", new ByteArrayDeserializer(), new ByteArrayDeserializer(),
                        work.text("proposals"))
                .addProcessor("decide", () -> new Decider(work), "in");
        for (String name : new String[] {Decider.HEADS, Decider.DRIFT, Decider.PROPOSALS}) {
            topology.addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(name),
                    Serdes.Bytes(), Serdes.ByteArray()).withCachingEnabled(), "decide");
        }
        return topology
                .addSink(Log.AUDIT, work.text("audit"), new ByteArraySerializer(),
                        new ByteArraySerializer(), "decide")
                .addSink(Log.DEAD_LETTERS, work.text("dead_letters"), new ByteArraySerializer(),
                        new ByteArraySerializer(), "decide");
    }

    private static Properties settings(Work work) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, work.text("name"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, work.text("bootstrap"));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, work.text("state"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, work.number("commit_ms"));
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
        settings.put(StreamsConfig.producerPrefix("compression.type"), "zstd");
        settings.put(StreamsConfig.producerPrefix("batch.size"), 200_000);
        settings.put(StreamsConfig.consumerPrefix("max.poll.records"), 5_000);
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        return settings;
    }
}
