package aegis.bench;

import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/** Appends leaves to the log of a partition: hashes, chain, entries, dead letters. */
final class Log {
    static final String AUDIT = "audit", DEAD_LETTERS = "dead-letters";
    private static final byte[] LEAF = {0};

    private final Wire wire;
    private final Head head;
    private final ProcessorContext<byte[], byte[]> context;
    private final byte[] auditHeader, letterHeader;

    Log(Work work, Wire wire, Head head, ProcessorContext<byte[], byte[]> context) {
        this.wire = wire;
        this.head = head;
        this.context = context;
        auditHeader = Wire.wireHeader(work.schemaId("AuditEntry"));
        letterHeader = Wire.wireHeader(work.schemaId("DeadLetter"));
    }

    RecordMetadata metadata() {
        return context.recordMetadata().orElseThrow();
    }

    void decision(Input input, Proposal p, String id, String status, byte[] body) {
        append(input, "DecisionMade", p.agentId, p.proposalId, id, status, body);
    }

    void repeated(Input input, Proposal p, Horizon.Seen seen, byte[] body) {
        append(input, "ProposalRepeated", p.agentId, p.proposalId, seen.decisionId(), null, body);
    }

    void driftChanged(Input input, String agentId, String status, byte[] body) {
        append(input, "DriftChanged", agentId, null, null, status, body);
    }

    private void append(Input input, String kind, String agent, String proposal, String decision,
            String status, byte[] body) {
        byte[] leaf = wire.sha256(LEAF, body);
        byte[] entry = wire.sha256(head.entryHash, leaf);
        byte[] value = wire.encode(auditHeader, out -> {
            out.writeString(head.log);
            out.writeLong(head.sequence);
            out.writeFixed(head.entryHash);
            out.writeFixed(leaf);
            out.writeFixed(entry);
            out.writeBytes(body);
            out.writeString(kind);
            out.writeLong(head.leafTime);
            Wire.optional(out, agent);
            Wire.optional(out, proposal);
            Wire.optional(out, decision);
            Wire.optional(out, status);
            Wire.optional(out, null);
        });
        context.forward(new Record<>(input.key(), value, input.timestamp()), AUDIT);
        head.sequence++;
        head.entryHash = entry;
    }

    void deadLetter(Input input, String reason, String detail, long sequence) {
        byte[] value = wire.encode(letterHeader, out -> {
            out.writeString(reason);
            out.writeString(detail);
            out.writeString(input.topic());
            out.writeInt(input.partition());
            out.writeLong(input.offset());
            out.writeLong(input.timestamp());
            out.writeIndex(1);
            out.writeBytes(input.key());
            out.writeBytes(input.value());
            out.writeLong(input.value().length);
            out.writeFixed(input.sha256());
            out.writeMapStart();
            out.setItemCount(0);
            out.writeMapEnd();
            out.writeBoolean(false);
            out.writeString(head.log);
            out.writeLong(sequence);
        });
        context.forward(new Record<>(input.key(), value, input.timestamp()), DEAD_LETTERS);
    }
}
