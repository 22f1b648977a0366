package aegis.bench;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.Encoder;
import org.apache.avro.io.EncoderFactory;

/** Bytes: Confluent wire format, single-object encoding, digests. One thread. */
final class Wire {
    private static final int HEADER = 5;

    private final Path schemas;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(4096);
    private final MessageDigest sha256;
    private BinaryDecoder decoder;
    private BinaryEncoder encoder;

    Wire(Path schemas) {
        this.schemas = schemas;
        try {
            sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error);
        }
    }

    /** Writes the fields of a record. */
    interface Fields {
        void write(Encoder out) throws IOException;
    }

    byte[] encode(byte[] header, Fields fields) {
        try {
            bytes.reset();
            bytes.write(header);
            encoder = EncoderFactory.get().binaryEncoder(bytes, encoder);
            fields.write(encoder);
            encoder.flush();
            return bytes.toByteArray();
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    /** The header of Confluent's wire format. */
    static byte[] wireHeader(int schemaId) {
        return ByteBuffer.allocate(HEADER).put((byte) 0).putInt(schemaId).array();
    }

    /** The header of a leaf body: C3 01 and the schema's fingerprint, low byte first. */
    byte[] bodyHeader(String record) {
        try {
            Schema schema = new Schema.Parser().parse(schemas.resolve(record + ".avsc").toFile());
            return ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN)
                    .put((byte) 0xC3).put((byte) 0x01)
                    .putLong(SchemaNormalization.parsingFingerprint64(schema)).array();
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    Proposal proposal(byte[] value, int schemaId) {
        if (value.length < HEADER || ByteBuffer.wrap(value, 1, 4).getInt() != schemaId) {
            throw new IllegalStateException("the peer reads the pinned schema alone");
        }
        try {
            decoder = DecoderFactory.get()
                    .binaryDecoder(value, HEADER, value.length - HEADER, decoder);
            return Proposal.read(decoder);
        } catch (IOException error) {
            throw new IllegalStateException("the workload holds no undecodable bytes", error);
        }
    }

    byte[] sha256(byte[]... parts) {
        for (byte[] part : parts) {
            sha256.update(part);
        }
        return sha256.digest();
    }

    static void optional(Encoder out, String text) throws IOException {
        out.writeIndex(text == null ? 0 : 1);
        if (text != null) {
            out.writeString(text);
        }
    }

    static void optionalDouble(Encoder out, Double value) throws IOException {
        out.writeIndex(value == null ? 0 : 1);
        if (value != null) {
            out.writeDouble(value);
        }
    }

    static void optionalFixed(Encoder out, byte[] value) throws IOException {
        out.writeIndex(value == null ? 0 : 1);
        if (value != null) {
            out.writeFixed(value);
        }
    }
}
