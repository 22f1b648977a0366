package aegis.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Drift as aegis_governance.drift judges it: sliding windows of raw values against histograms. */
final class Drift {
    static final String[] STATUSES = {"insufficient_data", "normal", "warning", "critical"};
    static final int INSUFFICIENT = 0, NORMAL = 1, WARNING = 2, CRITICAL = 3;

    private final Numerics numerics;
    private final int capacity, minimum;
    private final double warning, critical, pseudo;
    private final double[] masses, logMasses;

    Drift(JsonNode p, Numerics numerics) {
        this.numerics = numerics;
        capacity = p.get("drift_window").intValue();
        minimum = p.get("drift_minimum").intValue();
        warning = p.get("tau_warning").doubleValue();
        critical = p.get("tau_critical").doubleValue();
        pseudo = p.get("drift_pseudo_count").doubleValue();
        masses = masses(pseudo);
        logMasses = logs(masses);
    }

    Model model(JsonNode baseline) {
        return baseline == null || baseline.isNull() ? null : new Model(baseline);
    }

    Window window(Model model) {
        return new Window(model);
    }

    private double[] masses(double extra) {
        double[] found = new double[capacity + 1];
        for (int count = 0; count <= capacity; count++) {
            found[count] = count + extra;
        }
        return found;
    }

    private double[] logs(double[] values) {
        return Arrays.stream(values).map(numerics::ln).toArray();
    }

    /** What the windows of one feature are compared with. */
    final class Model {
        final String id;
        private final double[] edges, logShares, totals, logTotals;

        private Model(JsonNode baseline) {
            id = baseline.get("id").textValue();
            edges = Work.doubles(baseline.get("edges"));
            double[] counts = Work.doubles(baseline.get("counts"));
            double logTotal = numerics.ln(Arrays.stream(counts).sum() + pseudo * counts.length);
            logShares = Arrays.stream(counts).map(c -> numerics.ln(c + pseudo) - logTotal).toArray();
            totals = masses(counts.length * pseudo);
            logTotals = logs(totals);
        }

        private int bin(double value) {
            int at = 0;
            while (at < edges.length && edges[at] <= value) {
                at++;
            }
            return at;
        }

        private double divergence(int[] counts, int total) {
            double weighted = 0.0;
            for (int i = 0; i < logShares.length; i++) {
                weighted += masses[counts[i]] * (logMasses[counts[i]] - logShares[i]);
            }
            double found = weighted / totals[total] - logTotals[total];
            return found > 0.0 ? found : 0.0;
        }
    }

    /** The latest values of one feature of one agent, and the status that stands. */
    final class Window {
        final Model model;
        int rank = INSUFFICIENT;
        /** In nats; null while it is not judged. */
        Double divergence;
        private final double[] values = new double[capacity];
        private final int[] counts;
        private int size, next;

        private Window(Model model) {
            this.model = model;
            counts = model == null ? new int[0] : new int[model.edges.length + 1];
        }

        int size() {
            return size;
        }

        void observe(double value) {
            if (size < capacity) {
                values[size++] = value;
            } else {
                if (model != null) {
                    counts[model.bin(values[next])]--;
                }
                values[next] = value;
                next = next + 1 < capacity ? next + 1 : 0;
            }
            if (model != null) {
                counts[model.bin(value)]++;
                judge();
            }
        }

        private void judge() {
            divergence = size < minimum ? null : model.divergence(counts, size);
            if (divergence != null) {
                rank = divergence < warning ? NORMAL : divergence < critical ? WARNING : CRITICAL;
            }
        }

        int bytes() {
            return 3 * Integer.BYTES + Double.BYTES * size;
        }

        void write(ByteBuffer out) {
            out.putInt(rank).putInt(size).putInt(next);
            for (int i = 0; i < size; i++) {
                out.putDouble(values[i]);
            }
        }

        void read(ByteBuffer in) {
            int standing = in.getInt();
            size = in.getInt();
            next = in.getInt();
            for (int i = 0; i < size; i++) {
                values[i] = in.getDouble();
                if (model != null) {
                    counts[model.bin(values[i])]++;
                }
            }
            if (model != null) {
                judge();
            }
            rank = standing;
        }
    }
}
