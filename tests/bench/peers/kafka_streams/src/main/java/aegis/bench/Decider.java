package aegis.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The decider as a processor of one partition: check, gates, state, leaves. State is in three stores
 * with changelogs; windows are also kept decoded, as the product does.
 */
final class Decider implements Processor<byte[], byte[], byte[], byte[]> {
    static final String HEADS = "heads", DRIFT = "drift", PROPOSALS = "proposals";
    private static final Bytes HEAD = Bytes.wrap("head".getBytes(StandardCharsets.UTF_8));

    private final Work work;
    private final Wire wire;
    private final Bodies bodies;
    private final Gates gates;
    private final Drift drift;
    private final Rule rule;
    private final Map<String, Baseline> baselines;
    private final Map<String, AgentDrift> agents = new HashMap<>();
    private final int proposalSchema;
    private final long validMs;
    private KeyValueStore<Bytes, byte[]> heads, windows;
    private Horizon horizon;
    private Head head;
    private Log log;

    Decider(Work work) {
        this.work = work;
        Numerics numerics = new Numerics(work.json().get("tables"));
        wire = new Wire(Path.of(work.text("schemas")));
        bodies = new Bodies(wire, work);
        gates = new Gates(work.parameters(), numerics);
        drift = new Drift(work.parameters(), numerics);
        rule = new Rule(work.parameters());
        baselines = Baseline.byAgent(work.parameters(), drift);
        proposalSchema = work.schemaId("ProposalSubmitted");
        validMs = hours("decision_valid_hours");
    }

    private long hours(String name) {
        return (long) (work.parameters().get(name).doubleValue() * 3_600_000);
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
        heads = context.getStateStore(HEADS);
        windows = context.getStateStore(DRIFT);
        horizon = new Horizon(context.getStateStore(PROPOSALS), hours("horizon_hours"),
                work.parameters().get("horizon_count").intValue());
        head = new Head(work.json().get("heads").get(context.taskId().partition()));
        byte[] kept = heads.get(HEAD);
        if (kept != null) {
            head.restore(kept);
        }
        log = new Log(work, wire, head, context);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        RecordMetadata at = log.metadata();
        if (head.nextOffset > at.offset()) {
            throw new IllegalStateException("offset " + at.offset() + " was already decided");
        }
        head.nextOffset = at.offset() + 1;
        head.leafTime = Math.max(head.leafTime, record.timestamp());
        horizon.expire(head.leafTime);
        Input input = new Input(at.topic(), at.partition(), at.offset(), record.timestamp(),
                record.key(), record.value(), wire.sha256(record.value()));
        Proposal proposal = wire.proposal(record.value(), proposalSchema);
        checkRoute(input, proposal);
        String fault = Validation.fault(proposal);
        if (fault == null) {
            byte[] content = wire.sha256(wire.encode(new byte[0], proposal::write));
            propose(input, proposal, content);
        } else {
            refuse(input, proposal, fault);
        }
        heads.put(HEAD, head.toBytes());
    }

    private void checkRoute(Input input, Proposal proposal) {
        int partition = Utils.toPositive(Utils.murmur2(input.key())) % work.number("partitions");
        byte[] agent = proposal.agentId.getBytes(StandardCharsets.UTF_8);
        if (!Arrays.equals(agent, input.key()) || partition != input.partition()) {
            throw new IllegalStateException("the workload holds no misrouted records");
        }
    }

    private void propose(Input input, Proposal p, byte[] content) {
        Bytes key = Horizon.key(p.agentId, p.proposalId);
        Horizon.Seen seen = horizon.find(key);
        if (seen != null && Arrays.equals(seen.content(), content)) {
            log.repeated(input, p, seen, bodies.repeated(input, head.leafTime, p, seen));
            return;
        }
        String id = decisionId(input);
        if (seen != null || horizon.full()) {
            String reason = seen != null ? "duplicate_id" : "horizon_full";
            String detail = seen != null
                    ? "proposal_id: already used by other content, decided as " + seen.decisionId()
                            + "; use a new id"
                    : "proposal_id: " + horizon.count() + " ids are remembered, which is the limit; "
                            + "wait for the horizon to pass or raise horizon_count by an approved "
                            + "parameter change";
            log.decision(input, p, id, "halt",
                    bodies.refusal(input, head.leafTime, id, p, true, content, reason, detail));
            return;
        }
        evaluate(input, p, content, id);
        horizon.remember(key, head.leafTime, content, id);
    }

    private void evaluate(Input input, Proposal p, byte[] content, String id) {
        gates.evaluate(p, baselines.get(p.agentId));
        AgentDrift agent = agents.computeIfAbsent(p.agentId, this::load);
        int risk = agent.risk.rank, profit = agent.profit.rank;
        if (!p.dryRun) {
            agent.risk.observe(p.riskProposed);
            agent.profit.observe(p.profitProposed);
            windows.put(agentKey(p.agentId), agent.toBytes());
        }
        Rule.Ruling ruling = rule.judge(p, gates, agent.rank());
        List<String> constraints = rule.constraints(p, gates, agent.rank());
        boolean released = ruling.status() == Rule.PROCEED && !p.dryRun;
        byte[] body = bodies.decision(input, head.leafTime, id, p, content, ruling, gates, agent,
                constraints, released ? head.leafTime + validMs : null);
        log.decision(input, p, id, Rule.STATUSES[ruling.status()], body);
        int ordinal = 1;
        if (agent.risk.rank != risk) {
            changed(input, ordinal++, p, "risk", risk, agent.risk);
        }
        if (agent.profit.rank != profit) {
            changed(input, ordinal, p, "profit", profit, agent.profit);
        }
    }

    private void changed(Input input, int ordinal, Proposal p, String feature, int former,
            Drift.Window window) {
        log.driftChanged(input, p.agentId, Drift.STATUSES[window.rank], bodies.driftChanged(
                input, ordinal, head.leafTime, p.agentId, feature, former, window));
    }

    private void refuse(Input input, Proposal p, String detail) {
        if (!Validation.isIdentifier(p.proposalId) || !Validation.isIdentifier(p.agentId)) {
            throw new IllegalStateException("the workload holds no unreadable ids");
        }
        Bytes key = Horizon.key(p.agentId, p.proposalId);
        byte[] content = input.sha256();
        Horizon.Seen seen = horizon.find(key);
        if (seen != null && Arrays.equals(seen.content(), content)) {
            log.repeated(input, p, seen, bodies.repeated(input, head.leafTime, p, seen));
            return;
        }
        String id = decisionId(input);
        log.deadLetter(input, "field_invalid", detail, head.sequence);
        log.decision(input, p, id, "halt",
                bodies.refusal(input, head.leafTime, id, p, false, null, "field_invalid", detail));
        if (seen == null && !horizon.full()) {
            horizon.remember(key, head.leafTime, content, id);
        }
    }

    private AgentDrift load(String agentId) {
        AgentDrift agent = new AgentDrift(drift, baselines.get(agentId));
        byte[] kept = windows.get(agentKey(agentId));
        if (kept != null) {
            agent.restore(kept);
        }
        return agent;
    }

    private static Bytes agentKey(String agentId) {
        return Bytes.wrap(agentId.getBytes(StandardCharsets.UTF_8));
    }

    private String decisionId(Input input) {
        byte[] origin = (head.log + '\0' + input.topic() + '\0').getBytes(StandardCharsets.UTF_8);
        byte[] where = ByteBuffer.allocate(16)
                .putInt(input.partition()).putLong(input.offset()).putInt(0).array();
        String hex = HexFormat.of().formatHex(wire.sha256(origin, where), 0, 16);
        char variant = "89ab".charAt(Character.digit(hex.charAt(16), 16) % 4);
        return "d-" + hex.substring(0, 8) + '-' + hex.substring(8, 12) + "-8" + hex.substring(13, 16)
                + '-' + variant + hex.substring(17, 20) + '-' + hex.substring(20, 32);
    }
}
