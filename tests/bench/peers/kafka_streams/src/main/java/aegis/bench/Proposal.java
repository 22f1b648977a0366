package aegis.bench;

import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.Encoder;

/** A proposal, fields as in ProposalSubmitted.avsc; read and written field by field. */
final class Proposal {
    static final String[] PHASES = {"plan", "execute", "verify"};
    static final String[] IMPACTS = {"low", "medium", "high", "critical"};

    String proposalId, agentId, sessionId, summary;
    long submittedAt;
    int phase, impact;
    double riskBaseline, riskProposed, profitBaseline, profitProposed, novelty, complexity, quality;
    double[] subscores, driftBaseline;
    boolean hasUtility;
    double mean, variance;
    Double lcb, zScore;
    Map<String, Double> components;
    boolean asksForPerson, timeSensitive, reversible, dryRun;
    Map<String, String> metadata;

    static Proposal read(BinaryDecoder in) throws IOException {
        Proposal p = new Proposal();
        p.proposalId = in.readString();
        p.submittedAt = in.readLong();
        p.agentId = in.readString();
        p.sessionId = in.readString();
        p.phase = in.readEnum();
        p.summary = in.readString();
        p.impact = in.readEnum();
        p.riskBaseline = in.readDouble();
        p.riskProposed = in.readDouble();
        p.profitBaseline = in.readDouble();
        p.profitProposed = in.readDouble();
        p.novelty = in.readDouble();
        p.complexity = in.readDouble();
        p.quality = in.readDouble();
        p.subscores = readDoubles(in);
        p.hasUtility = in.readIndex() == 1;
        if (p.hasUtility) {
            p.readUtility(in);
        }
        p.asksForPerson = in.readBoolean();
        p.timeSensitive = in.readBoolean();
        p.reversible = in.readBoolean();
        p.dryRun = in.readBoolean();
        p.driftBaseline = in.readIndex() == 0 ? null : readDoubles(in);
        p.metadata = new TreeMap<>();
        for (long n = in.readMapStart(); n != 0; n = in.mapNext()) {
            for (long i = 0; i < n; i++) {
                p.metadata.put(in.readString(), in.readString());
            }
        }
        return p;
    }

    private void readUtility(BinaryDecoder in) throws IOException {
        mean = in.readDouble();
        variance = in.readDouble();
        lcb = in.readIndex() == 0 ? null : in.readDouble();
        zScore = in.readIndex() == 0 ? null : in.readDouble();
        components = new TreeMap<>();
        for (long n = in.readMapStart(); n != 0; n = in.mapNext()) {
            for (long i = 0; i < n; i++) {
                components.put(in.readString(), in.readDouble());
            }
        }
    }

    private static double[] readDoubles(BinaryDecoder in) throws IOException {
        double[] found = new double[0];
        for (long n = in.readArrayStart(); n != 0; n = in.arrayNext()) {
            int at = found.length;
            found = java.util.Arrays.copyOf(found, at + (int) n);
            for (int i = 0; i < n; i++) {
                found[at + i] = in.readDouble();
            }
        }
        return found;
    }

    /** The canonical encoding, over which the content hash is taken: maps in the order of keys. */
    void write(Encoder out) throws IOException {
        out.writeString(proposalId);
        out.writeLong(submittedAt);
        out.writeString(agentId);
        out.writeString(sessionId);
        out.writeEnum(phase);
        out.writeString(summary);
        out.writeEnum(impact);
        out.writeDouble(riskBaseline);
        out.writeDouble(riskProposed);
        out.writeDouble(profitBaseline);
        out.writeDouble(profitProposed);
        out.writeDouble(novelty);
        out.writeDouble(complexity);
        out.writeDouble(quality);
        writeDoubles(out, subscores);
        out.writeIndex(hasUtility ? 1 : 0);
        if (hasUtility) {
            writeUtility(out);
        }
        out.writeBoolean(asksForPerson);
        out.writeBoolean(timeSensitive);
        out.writeBoolean(reversible);
        out.writeBoolean(dryRun);
        out.writeIndex(driftBaseline == null ? 0 : 1);
        if (driftBaseline != null) {
            writeDoubles(out, driftBaseline);
        }
        out.writeMapStart();
        out.setItemCount(metadata.size());
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
            out.startItem();
            out.writeString(entry.getKey());
            out.writeString(entry.getValue());
        }
        out.writeMapEnd();
    }

    private void writeUtility(Encoder out) throws IOException {
        out.writeDouble(mean);
        out.writeDouble(variance);
        Wire.optionalDouble(out, lcb);
        Wire.optionalDouble(out, zScore);
        out.writeMapStart();
        out.setItemCount(components.size());
        for (Map.Entry<String, Double> entry : components.entrySet()) {
            out.startItem();
            out.writeString(entry.getKey());
            out.writeDouble(entry.getValue());
        }
        out.writeMapEnd();
    }

    private static void writeDoubles(Encoder out, double[] values) throws IOException {
        out.writeArrayStart();
        out.setItemCount(values.length);
        for (double value : values) {
            out.startItem();
            out.writeDouble(value);
        }
        out.writeArrayEnd();
    }
}
