package aegis.bench;

import java.nio.ByteBuffer;

/** The windows of one agent. */
final class AgentDrift {
    final Drift.Window risk, profit;

    AgentDrift(Drift drift, Baseline approved) {
        risk = drift.window(approved == null ? null : approved.riskModel());
        profit = drift.window(approved == null ? null : approved.profitModel());
    }

    int rank() {
        return Math.max(risk.rank, profit.rank);
    }

    byte[] toBytes() {
        ByteBuffer out = ByteBuffer.allocate(risk.bytes() + profit.bytes());
        risk.write(out);
        profit.write(out);
        return out.array();
    }

    void restore(byte[] data) {
        ByteBuffer in = ByteBuffer.wrap(data);
        risk.read(in);
        profit.read(in);
    }
}
