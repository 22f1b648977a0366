package aegis.bench;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * The portable exp, erfc and ln of aegis_governance.numerics, operation for operation: the same
 * input gives the same bits. The tables are ours, handed over as shortest decimals, which Java reads
 * back exactly.
 */
final class Numerics {
    private static final double ROUNDER = 6755399441055744.0;
    private static final double SPLITTER = 134217729.0;
    private static final double SQRT_HALF = 0.7071067811865476;
    private static final double LARGEST = 709.782712893384;
    private static final double SMALLEST = -745.1332191019412;
    private static final double END = 27.5;
    private static final double TWO_FROM = -6.0;
    private static final double C3 = 1.0 / 6.0, C4 = 1.0 / 24.0, C5 = 1.0 / 120.0, C6 = 1.0 / 720.0;

    private final double stepHigh, stepLow, stepsPerUnit, ln2High, ln2Low;
    private final double[] rootHigh, rootLow;
    private final double[][] erfc;

    Numerics(JsonNode tables) {
        stepHigh = tables.get("step_high").doubleValue();
        stepLow = tables.get("step_low").doubleValue();
        stepsPerUnit = tables.get("steps_per_unit").doubleValue();
        ln2High = tables.get("ln2_high").doubleValue();
        ln2Low = tables.get("ln2_low").doubleValue();
        rootHigh = Work.doubles(tables.get("roots_high"));
        rootLow = Work.doubles(tables.get("roots_low"));
        JsonNode rows = tables.get("erfc");
        erfc = new double[rows.size()][];
        for (int i = 0; i < erfc.length; i++) {
            erfc[i] = Work.doubles(rows.get(i));
        }
    }

    private double expSum(double x, double low) {
        double k = (x * stepsPerUnit + ROUNDER) - ROUNDER;
        double r = ((x - k * stepHigh) - k * stepLow) + low;
        int n = (int) k;
        double high = rootHigh[n & 31];
        double p = r + r * r * (0.5 + r * (C3 + r * (C4 + r * (C5 + r * C6))));
        return Math.scalb(high + (rootLow[n & 31] + high * p), n >> 5);
    }

    double exp(double x) {
        if (SMALLEST <= x && x <= LARGEST) {
            return expSum(x, 0.0);
        }
        if (x > LARGEST) {
            return Double.POSITIVE_INFINITY;
        }
        return x < SMALLEST ? 0.0 : x;
    }

    double erfc(double x) {
        if (0.0 <= x && x < END) {
            return upper(x);
        }
        if (TWO_FROM < x && x < 0.0) {
            return 2.0 - upper(-x);
        }
        if (x >= END) {
            return 0.0;
        }
        return x <= TWO_FROM ? 2.0 : x;
    }

    private double upper(double x) {
        int index = (int) (x * 4.0);
        double d = x - (index * 0.25 + 0.125);
        double[] row = erfc[index];
        double w = row[0];
        for (int i = 1; i < row.length; i++) {
            w = w * d + row[i];
        }
        double scaled = x * SPLITTER;
        double high = scaled - (scaled - x);
        double low = x - high;
        double square = x * x;
        double rest = ((high * high - square) + 2.0 * high * low) + low * low;
        return expSum(-square, -rest) * w;
    }

    /** The standard normal distribution function. */
    double phi(double x) {
        return 0.5 * erfc(-x * SQRT_HALF);
    }

    /** The natural logarithm of a normal, positive x. */
    double ln(double x) {
        int e = Math.getExponent(x) + 1;
        double m = Math.scalb(x, -e);
        if (m < SQRT_HALF) {
            m += m;
            e -= 1;
        }
        double f = m - 1.0;
        double s = f / (2.0 + f);
        double z = s * s;
        double r = 0.0;
        for (int n = 25; n > 1; n -= 2) {
            r = (r + 2.0 / n) * z;
        }
        return e * ln2High + (f - (s * (f - r) - e * ln2Low));
    }
}
