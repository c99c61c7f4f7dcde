package dev.weft.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.function.IntSupplier;

/// What a command did, run in this process.
record Ran(int status, String out, String err) {
    static Ran weft(String... arguments) {
        return of(() -> Weft.run(arguments));
    }

    /// What something else in this process printed.
    static Ran with(Runnable body) {
        return of(() -> {
            body.run();
            return 0;
        });
    }

    private static Ran of(IntSupplier body) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        var outBytes = new ByteArrayOutputStream();
        var errBytes = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(errBytes, true, StandardCharsets.UTF_8));
            int status = body.getAsInt();
            return new Ran(status, outBytes.toString(StandardCharsets.UTF_8),
                    errBytes.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    /// The one line with which a command refused.
    String refusal() {
        return err.lines().filter(line -> line.startsWith("weft: ")).reduce("", (first, second) -> first + second);
    }
}
