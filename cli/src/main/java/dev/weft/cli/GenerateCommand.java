package dev.weft.cli;

import dev.weft.run.Completion;
import dev.weft.run.Generation;
import dev.weft.run.PromptCache;
import dev.weft.run.TextGenerator;
import dev.weft.grammar.Constraint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `weft generate`: a model goes on with a text.
@Command(name = "generate", mixinStandardHelpOptions = true, sortOptions = false, description = {
        "Let a model go on with a prompt. What is not given comes from the folder's generation_config.json.",
        "It samples if one of --temperature, --top-k, --top-p, --min-p or --seed is given, else takes the best token each time."}, footer = {
                "",
                "Example:  weft generate runs/mine --prompt \"ROMEO:\" --max-new-tokens 200 --temperature 0.8 --top-p 0.95 --seed 7"})
final class GenerateCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FOLDER", description = "A run folder, a model folder with its tokenizer, or an adapter's beside its base.")
    Path folder;

    @Option(names = "--prompt", required = true, description = "The text to go on with.")
    String prompt;

    @Option(names = "--max-new-tokens", defaultValue = "100", description = "Tokens at most. Default: ${DEFAULT-VALUE}.")
    int maxNewTokens;

    @Option(names = "--beams", defaultValue = "1", description = "Beam search of this width. Default: ${DEFAULT-VALUE}.")
    int beams;

    @Option(names = "--assistant", paramLabel = "FOLDER", description = "A smaller model of the same tokenizer, which guesses tokens for this one to check: the same text, sooner.")
    @Nullable
    Path assistant;

    @Option(names = "--prompt-lookup", paramLabel = "N", description = "Guess N tokens from what followed before in the text: the same text, sooner where it repeats itself.")
    @Nullable
    Integer promptLookup;

    @Option(names = "--json-schema", paramLabel = "FILE", description = "Write JSON that holds to the schema in this file.")
    @Nullable
    Path jsonSchema;

    @Option(names = "--regex", description = "Write a text that matches this expression as a whole.")
    @Nullable
    String regex;

    @Option(names = "--choice", paramLabel = "TEXT", description = "Write one of these texts; can be repeated.")
    List<String> choices = List.of();

    @Option(names = "--constrain-after", paramLabel = "MARKER", description = "Only what follows on this text has to be so, such as </think>.")
    @Nullable
    String constrainAfter;

    @Option(names = "--prompt-cache", paramLabel = "FILE", description = "Begin where the text in this file ends, as far as the prompt is alike, and leave the prompt there for the next time.")
    @Nullable
    Path promptCache;

    @Mixin
    GenerationOptions generation;

    @Mixin
    LoadingOptions opening;

    @Mixin
    Output output;

    @Override
    public Integer call() {
        if (maxNewTokens < 1) {
            throw new IllegalArgumentException("--max-new-tokens must be at least 1, found " + maxNewTokens);
        }
        Constraint constraint = constraint();
        try (var opened = TextGenerator.open(folder, opening.loading());
                var smaller = assistant == null ? null : TextGenerator.open(assistant, opening.loading());
                var beginning = promptCache == null ? null : beginning(opened)) {
            TextGenerator begun = beginning == null ? opened : opened.withPromptCache(beginning);
            TextGenerator guessing = smaller == null ? begun : begun.withAssistant(smaller);
            TextGenerator writer = constraint == null ? guessing : guessing.withConstraint(constraint);
            Generation options = generation.over(writer.defaults().withMaxNewTokens(maxNewTokens).withNumBeams(beams));
            options = promptLookup == null ? options : options.withPromptLookupNumTokens(promptLookup);
            boolean searches = options.beams().numBeams() > 1;
            options = beams > 1 ? options.withDoSample(false) : options;
            if (output.json || searches) {
                Completion text = writer.complete(prompt, options).getFirst();
                if (output.json) {
                    var facts = new LinkedHashMap<String, Object>();
                    facts.put("prompt", prompt);
                    facts.put("text", text.text());
                    facts.put("prompt tokens", text.promptTokens());
                    facts.put("new tokens", text.newTokens());
                    facts.put("log probabilities", text.logProbabilities());
                    facts.put("finish", text.finish().toString().toLowerCase(Locale.ROOT));
                    output.facts(facts);
                } else {
                    System.out.println(prompt + text.text());
                }
                return 0;
            }
            try (Stream<String> pieces = writer.stream(prompt, options)) {
                var iterator = pieces.iterator();
                // Asked for before the prompt is shown: what is refused is refused with nothing printed.
                boolean any = iterator.hasNext();
                System.out.print(prompt);
                while (any) {
                    System.out.print(iterator.next());
                    System.out.flush();
                    any = iterator.hasNext();
                }
                System.out.println();
            }
        }
        return 0;
    }

    /// The prompt, computed, and left in the file for the next time.
    private PromptCache beginning(TextGenerator writer) {
        if (!Files.exists(promptCache)) {
            PromptCache computed = writer.promptCache(prompt);
            writer.save(computed, promptCache);
            return computed;
        }
        try (PromptCache known = writer.promptCache(promptCache)) {
            PromptCache computed = writer.withPromptCache(known).promptCache(prompt);
            writer.save(computed, promptCache);
            return computed;
        }
    }

    private @Nullable Constraint constraint() {
        var all = new ArrayList<Constraint>();
        if (jsonSchema != null) {
            try {
                all.add(Constraint.jsonSchema(Files.readString(jsonSchema)));
            } catch (NoSuchFileException e) {
                throw new UncheckedIOException(jsonSchema + ": there is no such file", e);
            } catch (IOException e) {
                throw new UncheckedIOException(jsonSchema + " cannot be read: " + e.getMessage(), e);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(jsonSchema + ": " + e.getMessage(), e);
            }
        }
        if (regex != null) {
            all.add(Constraint.regex(regex));
        }
        if (!choices.isEmpty()) {
            all.add(Constraint.choice(choices));
        }
        if (all.size() > 1 || all.isEmpty() && constrainAfter != null) {
            throw new IllegalArgumentException(all.isEmpty()
                    ? "--constrain-after needs one of --json-schema, --regex and --choice"
                    : "Of --json-schema, --regex and --choice only one can be given");
        }
        return all.isEmpty()
                ? null
                : constrainAfter == null ? all.getFirst() : all.getFirst().after(constrainAfter);
    }
}
