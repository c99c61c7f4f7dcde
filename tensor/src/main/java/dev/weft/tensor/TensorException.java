package dev.weft.tensor;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What LibTorch refused, said in one line with the shapes that were given.
public final class TensorException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private static final Pattern FULL = Pattern.compile(
            "out of memory\\. Tried to allocate ([\\d.]+ \\w+)\\. GPU (\\d+) has a total capacity of ([\\d.]+ \\w+) of which ([\\d.]+ \\w+) is free");

    public TensorException(String message) {
        super(message);
    }

    TensorException(String message, Throwable cause) {
        super(message, cause);
    }

    /// LibTorch's message ends where its native backtrace begins.
    static TensorException refused(String operation, Tensor[] arguments, RuntimeException cause) {
        var text = new StringBuilder(operation).append('(');
        for (int i = 0; i < arguments.length; i++) {
            text.append(i == 0 ? "" : ", ").append(arguments[i].signature());
        }
        String message = String.valueOf(cause.getMessage());
        int backtrace = message.indexOf("\nException raised from");
        String reason = (backtrace < 0 ? message : message.substring(0, backtrace)).strip().replace('\n', ' ');
        return new TensorException(text.append("): ").append(full(reason)).toString(), cause);
    }

    /// What is said of a GPU without room: LibTorch's numbers, and what to do, in place of its advice on settings that a user
    /// of Java does not have.
    private static String full(String reason) {
        Matcher found = FULL.matcher(reason);
        return found.find()
                ? "GPU %s is full: %s were asked for, and of its %s only %s are free; take smaller batches or shorter texts, --precision bfloat16, or --device cpu"
                        .formatted(found.group(2), found.group(1), found.group(3), found.group(4))
                : reason;
    }
}
