package aegis.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;

/** What is approved for an agent: risk and profit to compare with, and drift models; nulls allowed. */
record Baseline(Double risk, Double profit, Drift.Model riskModel, Drift.Model profitModel) {

    /** Resolves the parameters' baselines per agent: its own first, gaps filled from its group's. */
    static Map<String, Baseline> byAgent(JsonNode parameters, Drift drift) {
        Map<String, Baseline> groups = all(parameters.get("group_baselines"), drift);
        Map<String, Baseline> found = new HashMap<>();
        for (Iterator<Map.Entry<String, JsonNode>> i = parameters.get("groups").fields(); i.hasNext(); ) {
            Map.Entry<String, JsonNode> member = i.next();
            found.put(member.getKey(), groups.get(member.getValue().textValue()));
        }
        all(parameters.get("agent_baselines"), drift)
                .forEach((agent, own) -> found.merge(agent, own, (group, mine) -> mine.over(group)));
        return found;
    }

    private static Map<String, Baseline> all(JsonNode named, Drift drift) {
        Map<String, Baseline> found = new HashMap<>();
        for (Iterator<Map.Entry<String, JsonNode>> i = named.fields(); i.hasNext(); ) {
            Map.Entry<String, JsonNode> entry = i.next();
            JsonNode one = entry.getValue();
            found.put(entry.getKey(), new Baseline(number(one.get("risk_baseline")),
                    number(one.get("profit_baseline")), drift.model(one.get("risk")),
                    drift.model(one.get("profit"))));
        }
        return found;
    }

    private Baseline over(Baseline other) {
        return new Baseline(risk != null ? risk : other.risk, profit != null ? profit : other.profit,
                riskModel != null ? riskModel : other.riskModel,
                profitModel != null ? profitModel : other.profitModel);
    }

    private static Double number(JsonNode value) {
        return value == null || value.isNull() ? null : value.doubleValue();
    }
}
