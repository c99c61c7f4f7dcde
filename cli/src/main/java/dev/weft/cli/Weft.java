package dev.weft.cli;

import dev.weft.tensor.TensorException;
import dev.weft.train.TrainingFailed;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/// The command: `weft COMMAND`.
@Command(name = "weft", mixinStandardHelpOptions = true, versionProvider = Weft.Version.class, sortOptions = false, description = "Transformers for the JVM: train, run and look inside Transformer models.", synopsisSubcommandLabel = "COMMAND", subcommands = QuickstartCommand.class, footer = {
        "", "Begin with:  weft quickstart",
        "Then:        weft train --text corpus.txt --out runs/mine",
        "             weft generate runs/mine --prompt \"Once\"", "",
        "weft COMMAND --help explains each option."})
public final class Weft {
    @Option(names = "--stacktrace", scope = ScopeType.INHERIT, description = "When something fails, show where in the code.")
    boolean stacktrace;

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[]{"weft " + dev.weft.tensor.Weft.version()};
        }
    }

    private static final List<Class<?>> OTHERS = List.of(GenerateCommand.class, ChatCommand.class, SearchCommand.class,
            EvalCommand.class, MergeCommand.class, ImportCommand.class, RunCommand.class, TokenizerCommand.class,
            ChatTemplateCommand.class,
            InfoCommand.class, DoctorCommand.class, ParityCommand.class, AutoComplete.GenerateCompletion.class);

    private Weft() {}

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    /// Runs a command in this process.
    ///
    /// @return 0, or 1 when it failed, 2 when it was asked wrongly
    static int run(String... arguments) {
        var weft = new Weft();
        Voice.tellsNotes();
        var line = new CommandLine(weft);
        boolean shown = Stream.of(arguments).anyMatch(each -> List.of("--help", "-h").contains(each));
        // Options of training are made from the keys of recipes, which an annotation cannot say.
        for (var kind : TrainingCommand.Kind.values()) {
            line.addSubcommand(TrainingCommand.spec(kind, shown));
        }
        OTHERS.forEach(command -> line.addSubcommand(new CommandLine(command)));
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setUsageHelpAutoWidth(true);
        line.setOverwrittenOptionsAllowed(true);
        line.setExecutionExceptionHandler((failure, command, parsed) -> {
            if (weft.stacktrace) {
                failure.printStackTrace(command.getErr());
            } else {
                command.getErr().println("weft: " + explained(failure));
            }
            return 1;
        });
        line.setParameterExceptionHandler((wrong, given) -> {
            var command = wrong.getCommandLine();
            // Choices as the help writes them, not as Java names its constants.
            command.getErr().println("weft: " + Pattern.compile("\\[[A-Z_, ]+\\] \\(case-insensitive\\)")
                    .matcher(wrong.getMessage())
                    .replaceAll(found -> found.group().replace(" (case-insensitive)", "").toLowerCase(Locale.ROOT)));
            command.getErr().println("Try: " + command.getCommandSpec().qualifiedName() + " --help");
            return 2;
        });
        return Interrupts.whole(() -> {
            try {
                return line.execute(arguments);
            } catch (ExceptionInInitializerError failure) {
                // Native libraries that are missing end the first class that needs them.
                line.getErr().println("weft: " + explained(failure));
                return 1;
            }
        });
    }

    /// One line that a user can act on. What was foreseen explains itself; the rest says what it is.
    private static String explained(Throwable failure) {
        if (failure instanceof ExceptionInInitializerError && failure.getCause() != null) {
            return explained(failure.getCause());
        }
        boolean foreseen = failure instanceof IllegalArgumentException || failure instanceof IllegalStateException
                || failure instanceof UncheckedIOException || failure instanceof TrainingFailed
                || failure instanceof TensorException;
        if (foreseen && failure.getMessage() != null) {
            return failure.getMessage().strip().replaceAll("\\s*\\n\\s*", " ");
        }
        if (failure instanceof OutOfMemoryError) {
            return "Java's heap is full (" + failure.getMessage()
                    + "); give it more, for instance WEFT_JAVA_OPTS=-Xmx4g";
        }
        return "Something unforeseen happened (" + failure + "); run again with --stacktrace to see where";
    }
}
