package aegis.bench;

import com.fasterxml.jackson.databind.JsonNode;

/** The six gates of aegis_governance, evaluator 1; an instance holds what the last call found. */
final class Gates {
    static final int PASSED = 0, FAILED = 1, NOT_EVALUATED = 2;
    static final int RISK = 0, PROFIT = 1, NOVELTY = 2, COMPLEXITY = 3, QUALITY = 4, UTILITY = 5;
    static final int COUNT = 6;

    final int[] outcomes = new int[COUNT];
    final double[] values = new double[COUNT];
    final double[] thresholds = new double[COUNT];
    final double[] confidences = new double[COUNT];
    /** Least confidence of the evaluated gates. */
    double confidence;

    private final Numerics numerics;
    private final double epsilonRisk, epsilonProfit, trigger, riskCeiling, profitFloor;
    private final boolean drop, atLeast;
    private final double riskDistance, profitDistance, weight, scale;
    private final double noveltyMiddle, noveltySteepness, noveltyThreshold;
    private final double complexityFloor, qualityMinimum, utilityZ, utilityTheta;

    Gates(JsonNode p, Numerics numerics) {
        this.numerics = numerics;
        epsilonRisk = p.get("epsilon_R").doubleValue();
        epsilonProfit = p.get("epsilon_P").doubleValue();
        trigger = p.get("trigger_confidence_prob").doubleValue();
        riskCeiling = p.get("risk_ceiling").doubleValue();
        JsonNode floor = p.get("profit_floor");
        profitFloor = floor.isNull() ? Double.NEGATIVE_INFINITY : floor.doubleValue();
        drop = p.get("profit_direction").textValue().equals("drop");
        atLeast = p.get("novelty_direction").textValue().equals("at_least");
        double prior = p.get("prior_sigma").doubleValue();
        double likelihood = p.get("likelihood_sigma").doubleValue();
        double variance = 1.0 / (1.0 / (prior * prior) + 1.0 / (likelihood * likelihood));
        double constant = variance * (0.0 / (prior * prior));
        double extra = p.get("predictive").booleanValue() ? likelihood * likelihood : 0.0;
        weight = variance / (likelihood * likelihood);
        scale = 1.0 / (Math.sqrt(variance + extra) * Math.sqrt(2.0));
        riskDistance = p.get("risk_trigger_factor").doubleValue() - constant;
        profitDistance = p.get("profit_trigger_factor").doubleValue() - constant;
        noveltyMiddle = p.get("novelty_N0").doubleValue();
        noveltySteepness = -p.get("novelty_k").doubleValue();
        noveltyThreshold = p.get("novelty_threshold").doubleValue();
        complexityFloor = p.get("complexity_floor").doubleValue();
        qualityMinimum = p.get("quality_min_score").doubleValue();
        utilityZ = p.get("utility_z").doubleValue();
        utilityTheta = p.get("utility_theta").doubleValue();
    }

    void evaluate(Proposal p, Baseline approved) {
        boolean known = approved != null;
        risk(known && approved.risk() != null ? approved.risk() : p.riskBaseline, p.riskProposed);
        profit(known && approved.profit() != null ? approved.profit() : p.profitBaseline,
                p.profitProposed);
        double g = 1.0 / (1.0 + numerics.exp(noveltySteepness * (p.novelty - noveltyMiddle)));
        boolean novel = atLeast ? g >= noveltyThreshold : g <= noveltyThreshold;
        found(NOVELTY, novel, g, noveltyThreshold, 1.0);
        found(COMPLEXITY, p.complexity >= complexityFloor, p.complexity, complexityFloor, 1.0);
        boolean good = p.quality >= qualityMinimum;
        for (double score : p.subscores) {
            good &= score != 0.0;
        }
        found(QUALITY, good, p.quality, qualityMinimum, 1.0);
        utility(p);
        confidence = 1.0;
        for (int gate = 0; gate < COUNT; gate++) {
            if (outcomes[gate] != NOT_EVALUATED && confidences[gate] < confidence) {
                confidence = confidences[gate];
            }
        }
    }

    boolean anyFailed() {
        for (int outcome : outcomes) {
            if (outcome == FAILED) {
                return true;
            }
        }
        return false;
    }

    double riskCeiling() {
        return riskCeiling;
    }

    double profitFloor() {
        return profitFloor;
    }

    private void risk(double baseline, double proposed) {
        if (!(proposed <= riskCeiling)) {
            found(RISK, false, proposed, riskCeiling, 1.0);
            return;
        }
        double divisor = baseline > epsilonRisk ? baseline : epsilonRisk;
        probable(RISK, riskDistance, (proposed - baseline) / divisor);
    }

    private void profit(double baseline, double proposed) {
        if (!(proposed >= profitFloor)) {
            found(PROFIT, false, proposed, profitFloor, 1.0);
            return;
        }
        double size = baseline >= 0.0 ? baseline : -baseline;
        double change = drop ? baseline - proposed : proposed - baseline;
        probable(PROFIT, profitDistance, change / (size > epsilonProfit ? size : epsilonProfit));
    }

    private void probable(int gate, double distance, double change) {
        double p = 0.5 * numerics.erfc((distance - weight * change) * scale);
        boolean good = p <= trigger;
        found(gate, good, p, trigger, good ? 1.0 - p : p);
    }

    private void utility(Proposal p) {
        if (!p.hasUtility) {
            outcomes[UTILITY] = NOT_EVALUATED;
            values[UTILITY] = thresholds[UTILITY] = confidences[UTILITY] = 0.0;
            return;
        }
        double sigma = Math.sqrt(p.variance);
        double bound = p.mean - utilityZ * sigma;
        boolean good = bound > utilityTheta;
        double sure = 1.0;
        if (sigma > 0.0) {
            double distance = (p.mean - utilityTheta) / sigma;
            sure = numerics.phi(good ? distance : -distance);
        }
        found(UTILITY, good, bound, utilityTheta, sure);
    }

    private void found(int gate, boolean good, double value, double threshold, double sure) {
        outcomes[gate] = good ? PASSED : FAILED;
        values[gate] = value;
        thresholds[gate] = threshold;
        confidences[gate] = sure;
    }
}
