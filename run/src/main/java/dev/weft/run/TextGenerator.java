package dev.weft.run;

import dev.weft.checkpoint.Json;
import dev.weft.checkpoint.ModelFolder;
import dev.weft.models.Models;
import dev.weft.nn.LanguageModel;
import dev.weft.nn.Model;
import dev.weft.tensor.Device;
import dev.weft.text.StreamingDecoder;
import dev.weft.text.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/// Text in, text out, from a model folder or a run folder.
///
/// ```java
/// try (var writer = TextGenerator.open(Path.of("runs/mine"))) {
///     writer.stream("ROMEO:", writer.options().withMaxNewTokens(200)).forEach(System.out::print);
/// }
/// ```
public final class TextGenerator implements AutoCloseable {
    private final LanguageModel model;
    private final Tokenizer tokenizer;
    private final Generation defaults;

    private TextGenerator(LanguageModel model, Tokenizer tokenizer, Generation defaults) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.defaults = defaults;
    }

    /// Opens a model folder with its tokenizer, or a run folder; of a run without a model yet, its newest checkpoint.
    ///
    /// @throws IllegalArgumentException if there is none, or model and tokenizer do not belong together
    public static TextGenerator open(Path folder) {
        Path home = home(folder);
        Model loaded = Models.load(home);
        if (!(loaded instanceof LanguageModel model)) {
            loaded.close();
            throw new IllegalArgumentException(home + " is no language model: it does not continue texts");
        }
        try {
            Tokenizer tokenizer = Tokenizer.load(home);
            if (tokenizer.vocabSize() > model.vocabSize()) {
                throw new IllegalArgumentException(
                        "%s: the tokenizer has %d entries, the model only %d; they do not belong together"
                                .formatted(home, tokenizer.vocabSize(), model.vocabSize()));
            }
            ModelFolder opened = ModelFolder.open(home);
            Json generation = opened.generationConfig()
                    .orElseGet(() -> Json.of("generation_config.json", Json.object()));
            return new TextGenerator(model, tokenizer, Generation.fromJson(generation, opened.config()));
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    private static Path home(Path folder) {
        Path checkpoints = folder.resolve("checkpoints");
        if (Files.exists(folder.resolve("config.json")) || !Files.isDirectory(checkpoints)) {
            return folder;
        }
        try (Stream<Path> entries = Files.list(checkpoints)) {
            return entries.filter(entry -> entry.getFileName().toString().startsWith("step-")).max(Path::compareTo)
                    .orElse(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(checkpoints + " cannot be read: " + e.getMessage(), e);
        }
    }

    /// The folder's defaults, to change from.
    public Generation options() {
        return defaults;
    }

    public Tokenizer tokenizer() {
        return tokenizer;
    }

    public LanguageModel model() {
        return model;
    }

    /// The continuation of one prompt.
    public String generate(String prompt, Generation options) {
        if (options.beams().count() > 1) {
            return generate(List.of(prompt), options).getFirst();
        }
        var text = new StringBuilder();
        try (Stream<String> pieces = stream(prompt, options)) {
            pieces.forEach(text::append);
        }
        return text.toString();
    }

    /// The continuations of many prompts, computed together; each is what its prompt would get alone.
    public List<String> generate(List<String> prompts, Generation options) {
        List<int[]> ids = prompts.stream().map(prompt -> tokenizer.encode(prompt, true).ids()).toList();
        var texts = new ArrayList<String>();
        for (List<Generator.Generated> continuations : new Generator(model, Device.CPU).generate(ids, options,
                Generator.Listener.SILENT)) {
            var stop = new StopText(options.ends().strings());
            String whole = stop.push(tokenizer.decode(continuations.getFirst().ids(), true));
            texts.add(stop.stopped() ? whole : whole + stop.flush());
        }
        return texts;
    }

    /// The continuation in pieces as they are made: whole characters, and nothing of a stop string. Close the stream, or
    /// read it to its end.
    public Stream<String> stream(String prompt, Generation options) {
        int[] ids = tokenizer.encode(prompt, true).ids();
        var decoding = new Decoding(model, Device.CPU, List.of(ids), options);
        var pieces = new Pieces(decoding, tokenizer.streamingDecoder(true), new StopText(options.ends().strings()));
        return StreamSupport
                .stream(Spliterators.spliteratorUnknownSize(pieces, Spliterator.ORDERED | Spliterator.NONNULL), false)
                .onClose(decoding::close);
    }

    private static final class Pieces implements Iterator<String> {
        private final Decoding decoding;
        private final StreamingDecoder decoder;
        private final StopText stop;
        private @Nullable String next;
        private boolean over;

        Pieces(Decoding decoding, StreamingDecoder decoder, StopText stop) {
            this.decoding = decoding;
            this.decoder = decoder;
            this.stop = stop;
        }

        @Override
        public boolean hasNext() {
            while ((next == null || next.isEmpty()) && !over) {
                next = advance();
            }
            return next != null && !next.isEmpty();
        }

        private String advance() {
            if (!decoding.active()) {
                over = true;
                decoding.close();
                String rest = stop.push(decoder.flush());
                return stop.stopped() ? rest : rest + stop.flush();
            }
            String shown = stop.push(decoder.push(decoding.next()[0]));
            if (stop.stopped()) {
                over = true;
                decoding.close();
            }
            return shown;
        }

        @Override
        public String next() {
            if (!hasNext()) {
                throw new NoSuchElementException("The text is over");
            }
            String piece = next;
            next = null;
            return piece;
        }
    }

    @Override
    public void close() {
        model.close();
    }
}
