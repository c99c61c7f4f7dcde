package dev.weft.cli;

import java.text.MessageFormat;
import java.util.ResourceBundle;
import org.jspecify.annotations.Nullable;

/// How the command tells what the library logs: a line that begins with `note:` on the error stream, as everything else that is
/// no result; no dates and no names of classes.
public final class Voice extends System.LoggerFinder {
    private static final String MODELS = "dev.weft.models";
    private static volatile boolean notesAreTold;

    /// For commands that show a model's notes among their own results.
    static void tellsNotesItself() {
        notesAreTold = true;
    }

    /// At the start of a command.
    static void tellsNotes() {
        notesAreTold = false;
    }

    @Override
    public System.Logger getLogger(String name, Module module) {
        return new Line(name);
    }

    private record Line(String name) implements System.Logger {
        @Override
        public String getName() {
            return name;
        }

        @Override
        public boolean isLoggable(Level level) {
            return level.getSeverity() >= Level.WARNING.getSeverity()
                    && !(notesAreTold && name.startsWith(MODELS));
        }

        @Override
        public void log(Level level, @Nullable ResourceBundle bundle, @Nullable String message,
                @Nullable Throwable thrown) {
            if (isLoggable(level)) {
                System.err.println("note: " + message + (thrown == null ? "" : " (" + thrown.getMessage() + ")"));
            }
        }

        @Override
        public void log(Level level, @Nullable ResourceBundle bundle, @Nullable String format,
                @Nullable Object... parameters) {
            log(level, bundle, parameters == null || parameters.length == 0
                    ? format
                    : MessageFormat.format(format == null ? "" : format, parameters), (Throwable) null);
        }
    }
}
