package dev.weft.data;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/// The folder of public data that may lie beside the project; tests that need it are skipped without it.
final class SharedData {
    private SharedData() {}

    static String path(String name) {
        Path path = Path.of(System.getProperty("weft.shared", "../../shared"), "data", name);
        Assumptions.assumeTrue(Files.exists(path), () -> path + " is not there; set -Dweft.shared to the data folder");
        return path.toString();
    }
}
