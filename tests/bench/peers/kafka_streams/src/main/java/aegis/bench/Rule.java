package aegis.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** The decision rule of aegis_governance, evaluator 1. */
final class Rule {
    static final int PROCEED = 0, PAUSE = 1, HALT = 2, ESCALATE = 3;
    static final String[] STATUSES = {"proceed", "pause", "halt", "escalate"};
    private static final int HIGH = 2, CRITICAL = 3;

    /** What is decided. */
    record Ruling(int status, String reason, boolean overrideEligible) {}

    private static final Ruling DRIFT_CRITICAL = new Ruling(HALT, "drift_critical", false);
    private static final Ruling COMPLEXITY_FLOOR = new Ruling(HALT, "complexity_floor", false);
    private static final Ruling HIGH_IMPACT = new Ruling(ESCALATE, "high_impact_gate_failed", true);
    private static final Ruling GATE_FAILED = new Ruling(HALT, "gate_failed", true);
    private static final Ruling HUMAN_REVIEW = new Ruling(PAUSE, "human_review", false);
    private static final Ruling DRIFT_WARNING = new Ruling(PROCEED, "drift_warning", false);
    private static final Ruling ALL_PASSED = new Ruling(PROCEED, "all_gates_passed", false);

    private final boolean enforced;
    private final int utilityRequiredFrom;

    Rule(JsonNode parameters) {
        enforced = parameters.get("mode").textValue().equals("enforce");
        int from = List.of(Proposal.IMPACTS)
                .indexOf(parameters.get("utility_required_from").textValue());
        utilityRequiredFrom = from < 0 ? Proposal.IMPACTS.length : from;
    }

    Ruling judge(Proposal p, Gates gates, int drift) {
        int standing = enforced ? drift : Drift.NORMAL;
        if (standing == Drift.CRITICAL) {
            return DRIFT_CRITICAL;
        }
        boolean small = p.impact < HIGH;
        if (gates.anyFailed()) {
            if (gates.outcomes[Gates.COMPLEXITY] == Gates.FAILED) {
                return COMPLEXITY_FLOOR;
            }
            return small ? GATE_FAILED : HIGH_IMPACT;
        }
        if (p.asksForPerson || utilityMissing(p)) {
            return HUMAN_REVIEW;
        }
        if (!small && (!p.reversible || p.impact == CRITICAL)) {
            return HUMAN_REVIEW;
        }
        return standing == Drift.WARNING ? DRIFT_WARNING : ALL_PASSED;
    }

    List<String> constraints(Proposal p, Gates gates, int drift) {
        boolean warns = enforced && drift == Drift.WARNING;
        if (!(gates.anyFailed() || utilityMissing(p) || warns || p.driftBaseline != null)) {
            return List.of();
        }
        List<String> found = new ArrayList<>();
        add(found, warns, "drift_warning");
        add(found, !(p.riskProposed <= gates.riskCeiling()), "risk_ceiling");
        add(found, !(p.profitProposed >= gates.profitFloor()), "profit_floor");
        add(found, utilityMissing(p), "utility_required");
        add(found, p.driftBaseline != null, "advisory_baseline");
        return found;
    }

    private boolean utilityMissing(Proposal p) {
        return !p.hasUtility && p.impact >= utilityRequiredFrom;
    }

    private static void add(List<String> found, boolean applies, String code) {
        if (applies) {
            found.add(code);
        }
    }
}
