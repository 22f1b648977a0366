package aegis.bench;

import java.io.IOException;
import java.util.HexFormat;
import java.util.List;
import org.apache.avro.io.Encoder;

/** Leaf bodies, field by field in the order of their schemas. */
final class Bodies {
    private final Wire wire;
    private final byte[] made, repeated, changed;
    private final String mode;
    private final byte[] parametersSha256;
    private final int evaluator;

    Bodies(Wire wire, Work work) {
        this.wire = wire;
        made = wire.bodyHeader("DecisionMade");
        repeated = wire.bodyHeader("ProposalRepeated");
        changed = wire.bodyHeader("DriftChanged");
        mode = work.parameters().get("mode").textValue();
        parametersSha256 = HexFormat.of().parseHex(work.text("parameters_sha256"));
        evaluator = work.number("evaluator");
    }

    /** An evaluated decision. */
    byte[] decision(Input input, long time, String id, Proposal p, byte[] content, Rule.Ruling ruling,
            Gates gates, AgentDrift drift, List<String> constraints, Long validUntil) {
        return wire.encode(made, out -> {
            cause(out, input, 0, time);
            out.writeString(id);
            out.writeString(p.proposalId);
            out.writeString(p.agentId);
            out.writeString(p.sessionId);
            out.writeIndex(1);
            out.writeEnum(p.phase);
            out.writeIndex(1);
            out.writeEnum(p.impact);
            Wire.optionalFixed(out, content);
            out.writeEnum(ruling.status());
            out.writeString(ruling.reason());
            out.writeString("");
            out.writeDouble(gates.confidence);
            for (int gate = 0; gate < Gates.COUNT; gate++) {
                out.writeEnum(gates.outcomes[gate]);
                out.writeDouble(gates.values[gate]);
                out.writeDouble(gates.thresholds[gate]);
                out.writeDouble(gates.confidences[gate]);
            }
            out.writeString(Drift.STATUSES[drift.rank()]);
            Wire.optionalDouble(out, drift.risk.divergence);
            Wire.optionalDouble(out, drift.profit.divergence);
            out.writeArrayStart();
            out.setItemCount(constraints.size());
            for (String constraint : constraints) {
                out.startItem();
                out.writeString(constraint);
            }
            out.writeArrayEnd();
            ends(out, ruling.overrideEligible(), p.dryRun, validUntil);
        });
    }

    /** A HALT for which no gate was asked. */
    byte[] refusal(Input input, long time, String id, Proposal p, boolean sound, byte[] content,
            String reason, String detail) {
        return wire.encode(made, out -> {
            cause(out, input, 0, time);
            out.writeString(id);
            out.writeString(p.proposalId);
            out.writeString(p.agentId);
            out.writeString(sound ? p.sessionId : "");
            out.writeIndex(sound ? 1 : 0);
            if (sound) {
                out.writeEnum(p.phase);
            }
            out.writeIndex(sound ? 1 : 0);
            if (sound) {
                out.writeEnum(p.impact);
            }
            Wire.optionalFixed(out, content);
            out.writeEnum(Rule.HALT);
            out.writeString(reason);
            out.writeString(detail);
            out.writeDouble(0.0);
            for (int gate = 0; gate < Gates.COUNT; gate++) {
                out.writeEnum(Gates.NOT_EVALUATED);
                out.writeDouble(0.0);
                out.writeDouble(0.0);
                out.writeDouble(0.0);
            }
            out.writeString(Drift.STATUSES[Drift.INSUFFICIENT]);
            out.writeIndex(0);
            out.writeIndex(0);
            out.writeArrayStart();
            out.writeArrayEnd();
            ends(out, false, sound && p.dryRun, null);
        });
    }

    byte[] repeated(Input input, long time, Proposal p, Horizon.Seen seen) {
        return wire.encode(repeated, out -> {
            cause(out, input, 0, time);
            out.writeString(p.agentId);
            out.writeString(p.proposalId);
            out.writeFixed(seen.content());
            out.writeString(seen.decisionId());
            out.writeString(seen.decisionId());
        });
    }

    byte[] driftChanged(Input input, int ordinal, long time, String agentId, String feature, int former,
            Drift.Window window) {
        return wire.encode(changed, out -> {
            cause(out, input, ordinal, time);
            out.writeString(agentId);
            out.writeString(feature);
            out.writeString(Drift.STATUSES[former]);
            out.writeString(Drift.STATUSES[window.rank]);
            Wire.optionalDouble(out, window.divergence);
            out.writeInt(window.size());
            out.writeString(window.model == null ? "" : window.model.id);
        });
    }

    private static void cause(Encoder out, Input input, int ordinal, long time) throws IOException {
        out.writeString(input.topic());
        out.writeInt(input.partition());
        out.writeLong(input.offset());
        out.writeLong(input.timestamp());
        out.writeFixed(input.sha256());
        out.writeInt(ordinal);
        out.writeLong(time);
    }

    private void ends(Encoder out, boolean eligible, boolean dryRun, Long validUntil)
            throws IOException {
        out.writeBoolean(eligible);
        out.writeBoolean(dryRun);
        out.writeString(mode);
        out.writeFixed(parametersSha256);
        out.writeInt(evaluator);
        out.writeIndex(validUntil == null ? 0 : 1);
        if (validUntil != null) {
            out.writeLong(validUntil);
        }
        out.writeIndex(0);
    }
}
