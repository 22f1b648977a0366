package aegis.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;

/** What bench.peers hands over: names, addresses, genesis heads, parameters, schemas. */
record Work(JsonNode json) {
    static Work read(Path path) throws IOException {
        return new Work(new ObjectMapper().readTree(path.toFile()));
    }

    String text(String name) {
        return json.get(name).textValue();
    }

    int number(String name) {
        return json.get(name).intValue();
    }

    JsonNode parameters() {
        return json.get("parameters");
    }

    int schemaId(String record) {
        return json.get("schema_ids").get(record).intValue();
    }

    static double[] doubles(JsonNode array) {
        double[] found = new double[array.size()];
        for (int i = 0; i < found.length; i++) {
            found[i] = array.get(i).doubleValue();
        }
        return found;
    }
}
