package dev.weft.checkpoint;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A GGUF file, the format of llama.cpp: settings, vocabulary and weights of a model in one file.
/// <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
///
/// It is shown as the checkpoint of Hugging Face that it was made from: weights by their names and in their layout there,
/// settings as a `config.json`. That is known for the architectures llama (and what llama.cpp calls so, such as Mistral),
/// qwen2, qwen3, gemma, gemma2, gemma3, phi2, phi3 and gpt2; the tensors of another keep ggml's names. Plain numbers are views
/// of the mapped file; blocks of few bits are widened to float32 when they are asked for, and so is each weight that
/// llama.cpp stores in another way than the checkpoint: it turns the rows of queries and keys of a llama, adds one to the
/// norms of a gemma and transposes the projections of a gpt2.
///
/// The header is checked in full when the file is opened, so that what is there to be asked for can be read.
public final class Gguf implements TensorFile {
    private static final Pattern SPECIAL = Pattern.compile("tokenizer\\.ggml\\.(.+)_token_id");
    private static final Pattern ADDED = Pattern.compile("tokenizer\\.ggml\\.add_(.+?)(_token)?");

    /// The vocabulary of a tokenizer.
    ///
    /// @param model   `llama` is byte pairs with scores as SentencePiece has them, `gpt2` byte pairs with merges, `bert`
    ///                WordPiece, `t5` unigrams
    /// @param split   how llama.cpp calls the rule that cuts a text into words: `llama-bpe`, `qwen2`, …; may be empty
    /// @param tokens  by id
    /// @param scores  one for each token, or none
    /// @param kinds   one for each token, or none
    /// @param merges  pairs with a space between, the first to be merged first, or none
    /// @param special ids by role: `bos`, `eos`, `eot`, `unknown`, `padding`, …
    /// @param adds    whether these are done to a text: `bos`, `eos`, `space_prefix`, `remove_extra_whitespaces`, …
    /// @param charsMap SentencePiece's map of characters, or empty
    public record Vocabulary(String model, String split, List<String> tokens, List<Double> scores, List<Kind> kinds,
            List<String> merges, Map<String, Integer> special, Map<String, Boolean> adds, byte[] charsMap) {
        /// What a token is, in the order of the numbers that say it in the file, from 1 on.
        public enum Kind {
            NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE
        }
    }

    static final String SUFFIX = ".gguf";

    private final MappedFile file;
    private final GgufHeader header;
    private final Optional<GgufArchitecture> architecture;
    private final Map<String, GgufArchitecture.Weight> weights;

    private Gguf(MappedFile file) {
        this.file = file;
        header = GgufHeader.read(file);
        if (header.metadata().integer("split.count", 1) > 1) {
            throw file.error("one part of %d; join them with llama-gguf-split --merge"
                    .formatted(header.metadata().integer("split.count")));
        }
        architecture = GgufArchitecture.of(header.metadata().text("general.architecture", ""));
        weights = architecture.map(known -> known.weights(header)).orElseGet(() -> {
            var asStored = new LinkedHashMap<String, GgufArchitecture.Weight>();
            header.tensors().forEach((name, tensor) -> asStored.put(name,
                    new GgufArchitecture.Weight(tensor, new GgufArchitecture.Change.None())));
            return asStored;
        });
    }

    /// Maps a file and checks its header.
    ///
    /// @throws IllegalArgumentException if it is missing, cut off or malformed, or has weights that cannot be read
    public static Gguf open(Path path) {
        MappedFile file = MappedFile.open(path);
        try {
            return new Gguf(file);
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /// The settings as the checkpoint's `config.json` has them.
    ///
    /// @throws IllegalArgumentException if the architecture is unknown, or a setting is missing or wrong
    public Json config() {
        return architecture.map(known -> Json.of(file.path().toString(), new GgufSettings(known, header).config()))
                .orElseThrow(() -> file.error("holds a model of the architecture \"%s\"; Weft knows %s".formatted(
                        header.metadata().text("general.architecture", ""), GgufArchitecture.known())));
    }

    /// The settings as the file has them: `general.architecture`, `llama.block_count`, …; long lists are left out.
    public Json metadata() {
        return header.metadata();
    }

    /// The vocabulary, where the file has one.
    ///
    /// @throws IllegalArgumentException if its parts do not fit together
    public Optional<Vocabulary> vocabulary() {
        return header.texts("tokenizer.ggml.tokens").map(tokens -> {
            List<Double> scores = each("tokenizer.ggml.scores", tokens.size());
            List<Vocabulary.Kind> kinds = each("tokenizer.ggml.token_type", tokens.size()).stream().map(this::kind)
                    .toList();
            var special = new LinkedHashMap<String, Integer>();
            var adds = new LinkedHashMap<String, Boolean>();
            for (String name : metadata().names()) {
                Matcher id = SPECIAL.matcher(name);
                Matcher added = ADDED.matcher(name);
                if (id.matches()) {
                    special.put(id.group(1), id(name, tokens.size()));
                } else if (added.matches()) {
                    adds.put(added.group(1), metadata().flag(name));
                } else if (name.equals("tokenizer.ggml.remove_extra_whitespaces")) {
                    adds.put("remove_extra_whitespaces", metadata().flag(name));
                }
            }
            List<Double> map = header.numbers("tokenizer.ggml.precompiled_charsmap").orElse(List.of());
            byte[] charsMap = new byte[map.size()];
            for (int i = 0; i < charsMap.length; i++) {
                charsMap[i] = map.get(i).byteValue();
            }
            return new Vocabulary(metadata().text("tokenizer.ggml.model"), metadata().text("tokenizer.ggml.pre", ""),
                    Collections.unmodifiableList(tokens), scores, kinds,
                    header.texts("tokenizer.ggml.merges").orElse(List.of()), Collections.unmodifiableMap(special),
                    Collections.unmodifiableMap(adds), charsMap);
        });
    }

    /// The Jinja template of a conversation, where the file has one.
    public Optional<String> chatTemplate() {
        return Optional.of("tokenizer.chat_template").filter(metadata()::has).map(metadata()::text);
    }

    private List<Double> each(String name, int tokens) {
        List<Double> values = header.numbers(name).orElse(List.of());
        if (!values.isEmpty() && values.size() != tokens) {
            throw file.error("\"%s\" has %d values for %d tokens".formatted(name, values.size(), tokens));
        }
        return values;
    }

    private Vocabulary.Kind kind(double number) {
        Vocabulary.Kind[] kinds = Vocabulary.Kind.values();
        if (number < 1 || number > kinds.length) {
            throw file.error("\"tokenizer.ggml.token_type\" has the unknown type %.0f".formatted(number));
        }
        return kinds[(int) number - 1];
    }

    private int id(String name, int tokens) {
        int id = metadata().integer(name);
        if (id < 0 || id >= tokens) {
            throw metadata().mustBe(name, "an id below " + tokens);
        }
        return id;
    }

    @Override
    public Path file() {
        return file.path();
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(weights.keySet());
    }

    @Override
    public DType dtype(String name) {
        return weight(name).stored().type().dtype();
    }

    @Override
    public long[] shape(String name) {
        return weight(name).shape();
    }

    @Override
    public Tensor tensor(String name) {
        return TensorScope.tidy(weight(name)::read);
    }

    private GgufArchitecture.Weight weight(String name) {
        GgufArchitecture.Weight weight = weights.get(name);
        if (weight == null) {
            throw file.error("has no tensor `%s`".formatted(name));
        }
        return weight;
    }

    @Override
    public void close() {
        file.close();
    }
}
