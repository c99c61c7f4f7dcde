package dev.weft.tensor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;

/// Which Weft this is.
public final class Weft {
    private static final String VERSION = read();

    private Weft() {}

    /// As in the Maven coordinates, `1.2.3` or `1.2.3-SNAPSHOT`. Loads no native library.
    public static String version() {
        return VERSION;
    }

    private static String read() {
        var facts = new Properties();
        try (var file = Weft.class.getResourceAsStream("weft.properties")) {
            facts.load(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return facts.getProperty("version");
    }
}
