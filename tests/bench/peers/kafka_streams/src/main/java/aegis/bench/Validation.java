package aegis.bench;

import java.util.Map;

/** The bounds of a proposal in schema order, as aegis_codecs.records.validation has them. */
final class Validation {
    private static final String UNIT = "a finite number from 0 to 1";
    private static final String FINITE = "a finite number";
    private static final String ID = "1 to 128 characters, none of them a control character";
    private static final long LAST_MILLISECOND = 253_402_300_799_999L;

    private Validation() {}

    /** Returns the detail of the first fault, null if there is none. */
    static String fault(Proposal p) {
        String found = texts(p);
        return found != null ? found : (found = numbers(p)) != null ? found : rest(p);
    }

    static boolean isIdentifier(String text) {
        int length = text.codePointCount(0, text.length());
        return 0 < length && length <= 128 && text.chars().noneMatch(Character::isISOControl);
    }

    private static String texts(Proposal p) {
        if (!isIdentifier(p.proposalId)) {
            return detail("proposal_id", quoted(p.proposalId), ID);
        }
        if (p.submittedAt < 0 || p.submittedAt > LAST_MILLISECOND) {
            return detail("submitted_at", p.submittedAt,
                    "milliseconds since 1970-01-01T00:00:00Z, up to the year 9999");
        }
        if (!isIdentifier(p.agentId)) {
            return detail("agent_id", quoted(p.agentId), ID);
        }
        if (!p.sessionId.isEmpty() && !isIdentifier(p.sessionId)) {
            return detail("session_id", quoted(p.sessionId),
                    "at most 128 characters, none of them a control character");
        }
        if (p.summary.length() > 4096 || p.summary.isBlank()) {
            return detail("proposal_summary", quoted(p.summary),
                    "1 to 4096 characters, not only spaces");
        }
        return null;
    }

    private static String numbers(Proposal p) {
        if (!unit(p.riskBaseline)) {
            return detail("risk_baseline", p.riskBaseline, UNIT);
        }
        if (!unit(p.riskProposed)) {
            return detail("risk_proposed", p.riskProposed, UNIT);
        }
        if (!Double.isFinite(p.profitBaseline)) {
            return detail("profit_baseline", p.profitBaseline, FINITE);
        }
        if (!Double.isFinite(p.profitProposed)) {
            return detail("profit_proposed", p.profitProposed, FINITE);
        }
        if (!unit(p.novelty)) {
            return detail("novelty_score", p.novelty, UNIT);
        }
        if (!unit(p.complexity)) {
            return detail("complexity_score", p.complexity, UNIT);
        }
        if (!unit(p.quality)) {
            return detail("quality_score", p.quality, UNIT);
        }
        boolean sound = 0 < p.subscores.length && p.subscores.length <= 10_000;
        for (double score : p.subscores) {
            sound &= unit(score);
        }
        return sound ? null : detail("quality_subscores", java.util.Arrays.toString(p.subscores),
                "a list of 1 to 10000 finite numbers from 0 to 1");
    }

    private static String rest(Proposal p) {
        if (p.hasUtility && !Double.isFinite(p.mean)) {
            return detail("utility_result.mean", p.mean, FINITE);
        }
        if (p.hasUtility && !(p.variance >= 0.0 && Double.isFinite(p.variance))) {
            return detail("utility_result.variance", p.variance, "a finite number of at least 0");
        }
        if (p.metadata.size() > 64) {
            return detail("metadata", p.metadata.size(), "at most 64 entries");
        }
        for (Map.Entry<String, String> entry : p.metadata.entrySet()) {
            if (entry.getKey().length() > 128) {
                return detail("metadata", quoted(entry.getKey()), "keys of at most 128 characters");
            }
            if (entry.getValue().length() > 2048) {
                return detail("metadata", quoted(entry.getValue()),
                        "texts of at most 2048 characters");
            }
        }
        return null;
    }

    private static boolean unit(double value) {
        return 0.0 <= value && value <= 1.0;
    }

    private static String quoted(String text) {
        return "'" + text + "'";
    }

    private static String detail(String field, Object value, String allowed) {
        String shown = value.toString();
        shown = shown.substring(0, Math.min(160, shown.length()));
        return field + ": " + shown + " is not accepted; use " + allowed;
    }
}
