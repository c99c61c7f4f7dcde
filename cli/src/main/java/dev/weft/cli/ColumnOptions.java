package dev.weft.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;
import org.jspecify.annotations.Nullable;

/// How the columns of a user's data are called: an option for each name that [dev.weft.data.RowEncoder] knows.
final class ColumnOptions {
    private static final String ENDING = "-column";

    @Option(names = "--text-column", paramLabel = "NAME", description = "Texts. Default: text.")
    @Nullable
    String text;

    @Option(names = "--text-pair-column", paramLabel = "NAME", description = "Second texts, read together with the first. Default: text_pair, where there is one.")
    @Nullable
    String textPair;

    @Option(names = "--label-column", paramLabel = "NAME", description = "The label, the number, or which choice is right, from 0. Default: label.")
    @Nullable
    String label;

    @Option(names = "--labels-column", paramLabel = "NAME", description = "A list of labels. Default: labels.")
    @Nullable
    String labels;

    @Option(names = "--tokens-column", paramLabel = "NAME", description = "A list of words. Default: tokens.")
    @Nullable
    String tokens;

    @Option(names = "--tags-column", paramLabel = "NAME", description = "A tag for each word. Default: tags.")
    @Nullable
    String tags;

    @Option(names = "--question-column", paramLabel = "NAME", description = "Default: question.")
    @Nullable
    String question;

    @Option(names = "--context-column", paramLabel = "NAME", description = "The text that may answer it. Default: context.")
    @Nullable
    String context;

    @Option(names = "--answers-column", paramLabel = "NAME", description = "Answers with their places, as in SQuAD. Default: answers.")
    @Nullable
    String answers;

    @Option(names = "--source-column", paramLabel = "NAME", description = "What is translated or summarized. Default: source.")
    @Nullable
    String source;

    @Option(names = "--target-column", paramLabel = "NAME", description = "What becomes of it, a text or a list of them. Default: target.")
    @Nullable
    String target;

    @Option(names = "--choices-column", paramLabel = "NAME", description = "A list of what may follow. Default: choices.")
    @Nullable
    String choices;

    @Spec(Target.MIXEE)
    CommandSpec spec;

    /// The columns that were named: the encoder's name to the data's.
    Map<String, String> given() {
        var given = new LinkedHashMap<String, String>();
        for (OptionSpec option : spec.commandLine().getParseResult().matchedOptions()) {
            String name = option.longestName();
            if (name.endsWith(ENDING)) {
                given.put(name.substring(2, name.length() - ENDING.length()).replace('-', '_'), option.getValue());
            }
        }
        return given;
    }
}
