package dev.weft.text;

import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;

/// What a new tokenizer does around its model: how text becomes the words that training counts, and how tokens become
/// text again. All texts are cut alike in training and afterwards.
public final class TrainingPipeline {
    /// What stands for a space.
    private static final String MARK = "\u2581";

    private final @Nullable Normalizer normalizer;
    private final PreTokenizer preTokenizer;
    private final Decoder decoder;
    /// Set around texts, if the vocabulary has the tokens for it.
    private final Function<Vocabulary, @Nullable PostProcessor> frame;
    /// Whether training looks at each line by itself, without its end.
    private final boolean lines;

    private TrainingPipeline(@Nullable Normalizer normalizer, PreTokenizer preTokenizer, Decoder decoder,
            Function<Vocabulary, @Nullable PostProcessor> frame, boolean lines) {
        this.normalizer = normalizer;
        this.preTokenizer = preTokenizer;
        this.decoder = decoder;
        this.frame = frame;
        this.lines = lines;
    }

    /// GPT-2's words, each written in 256 characters that stand for bytes: every text can be encoded and comes back
    /// unchanged.
    public static TrainingPipeline byteLevel() {
        return new TrainingPipeline(null, new PreTokenizer.ByteLevel(false, true, true),
                new Decoder.ByteLevel(true, true, true), vocabulary -> new PostProcessor.ByteLevel(true, false, true),
                false);
    }

    /// BERT's: controls go, ideographs stand alone, words end at white space and at punctuation; texts are framed by
    /// `[CLS]` and `[SEP]`.
    ///
    /// @param lowercase  whether capitals and accents go too
    public static TrainingPipeline bert(boolean lowercase) {
        return new TrainingPipeline(new Normalizer.Bert(true, true, null, lowercase), new PreTokenizer.Bert(),
                new Decoder.WordPiece("##", true), TrainingPipeline::clsAndSep, false);
    }

    /// SentencePiece's, as for T5: compatible characters are one (NFKC), white space is one space, and `▁` stands for it,
    /// also before the text; texts end with `</s>`.
    public static TrainingPipeline metaspace() {
        return new TrainingPipeline(
                new Normalizer.Sequence(List.of(new Normalizer.Nmt(), new Normalizer.Unicode(Form.NFKC),
                        new Normalizer.Replace(SplitPattern.regex(" {2,}"), " "))),
                new PreTokenizer.Metaspace(MARK, PreTokenizer.PrependScheme.ALWAYS, true),
                new Decoder.Metaspace(MARK, PreTokenizer.PrependScheme.ALWAYS, true),
                vocabulary -> framed(vocabulary, List.of("A", "</s>"), List.of("A", "</s>", "B", "</s>"), 0), true);
    }

    /// Llama's: nothing is rewritten but spaces, for which `▁` stands, also before the text; texts begin with `<s>`.
    public static TrainingPipeline llama() {
        return new TrainingPipeline(
                new Normalizer.Sequence(List.of(new Normalizer.Prepend(MARK),
                        new Normalizer.Replace(SplitPattern.literal(" "), MARK))),
                new PreTokenizer.Split(SplitPattern.literal(MARK), PreTokenizer.Behavior.MERGED_WITH_NEXT, false),
                new Decoder.Sequence(List.of(new Decoder.Replace(SplitPattern.literal(MARK), " "), new Decoder.Fuse(),
                        new Decoder.Strip(" ", 1, 0))),
                vocabulary -> framed(vocabulary, List.of("<s>", "A"), List.of("<s>", "A", "<s>", "B"), 1), true);
    }

    /// What a `.model` file of SentencePiece can say to the letter ([Tokenizer#saveSentencePiece]): nothing is rewritten but
    /// spaces, of which runs become one and those at the ends go; `▁` stands for them, also before the text. Texts begin
    /// with `<s>` if it is a special token, as Llama's, else end with `</s>` if that is one, as T5's. One special token
    /// must be `<unk>`.
    public static TrainingPipeline sentencePiece() {
        return new TrainingPipeline(new Normalizer.SentencePiece(SentencePieceRules.identity()),
                new PreTokenizer.Split(SplitPattern.literal(MARK), PreTokenizer.Behavior.MERGED_WITH_NEXT, false),
                new Decoder.Metaspace(MARK, PreTokenizer.PrependScheme.ALWAYS, true), vocabulary -> {
                    PostProcessor begun = framed(vocabulary, List.of("<s>", "A"), List.of("<s>", "A", "<s>", "B"), 1);
                    return begun != null
                            ? begun
                            : framed(vocabulary, List.of("A", "</s>"), List.of("A", "</s>", "B", "</s>"), 0);
                }, true);
    }

    /// That of another tokenizer, which may have been read from any `tokenizer.json`: to learn a new vocabulary for a model
    /// of the same kind. Special tokens are set around texts if the new tokenizer has those too.
    ///
    /// @throws IllegalArgumentException if that tokenizer does not cut text into words
    public static TrainingPipeline of(Tokenizer tokenizer) {
        TokenizerParts parts = tokenizer.parts();
        PreTokenizer preTokenizer = parts.preTokenizer();
        if (preTokenizer == null) {
            throw new IllegalArgumentException(
                    "that tokenizer has no pre-tokenizer: to it a whole text is one word; begin with another pipeline, such as TrainingPipeline.llama()");
        }
        PostProcessor postProcessor = parts.postProcessor();
        return new TrainingPipeline(parts.normalizer(), preTokenizer, parts.decoder(),
                vocabulary -> postProcessor == null ? null : renumbered(postProcessor, vocabulary), false);
    }

    /// The same with the ids of another vocabulary; null if that lacks one of the tokens.
    private static @Nullable PostProcessor renumbered(PostProcessor old, Vocabulary ids) {
        return switch (old) {
            case PostProcessor.ByteLevel bytes -> bytes;
            case PostProcessor.Roberta(PostProcessor.Special sep, PostProcessor.Special cls, boolean trimOffsets, boolean addPrefixSpace) ->
                knows(ids, List.of(sep, cls))
                        ? new PostProcessor.Roberta(renumbered(sep, ids), renumbered(cls, ids), trimOffsets,
                                addPrefixSpace)
                        : null;
            case PostProcessor.Bert(PostProcessor.Special sep, PostProcessor.Special cls) ->
                knows(ids, List.of(sep, cls))
                        ? new PostProcessor.Bert(renumbered(sep, ids), renumbered(cls, ids))
                        : null;
            case PostProcessor.Template template -> {
                var specials = new LinkedHashMap<String, List<PostProcessor.Special>>();
                template.specialTokens().forEach((name, tokens) -> specials.put(name,
                        tokens.stream().map(token -> renumbered(token, ids)).toList()));
                yield template.specialTokens().values().stream().allMatch(tokens -> knows(ids, tokens))
                        ? new PostProcessor.Template(template.single(), template.pair(), specials)
                        : null;
            }
            case PostProcessor.Sequence(List<PostProcessor> steps) -> {
                List<@Nullable PostProcessor> renumbered = new ArrayList<>();
                steps.forEach(step -> renumbered.add(renumbered(step, ids)));
                yield new PostProcessor.Sequence(renumbered.stream().filter(Objects::nonNull).toList());
            }
        };
    }

    private static PostProcessor.Special renumbered(PostProcessor.Special special, Vocabulary ids) {
        return new PostProcessor.Special(special.token(), ids.idOrNone(special.token()));
    }

    private static boolean knows(Vocabulary ids, List<PostProcessor.Special> specials) {
        return specials.stream().allMatch(special -> ids.idOrNone(special.token()) >= 0);
    }

    private static @Nullable PostProcessor clsAndSep(Vocabulary vocabulary) {
        return framed(vocabulary, List.of("[CLS]", "A", "[SEP]"), List.of("[CLS]", "A", "[SEP]", "B", "[SEP]"), 1);
    }

    /// A template of texts A and B and of special tokens; null if the vocabulary lacks one of these.
    ///
    /// @param secondType  the type id of what follows the first text and its end
    private static @Nullable PostProcessor framed(Vocabulary vocabulary, List<String> single, List<String> pair,
            int secondType) {
        var specials = new LinkedHashMap<String, List<PostProcessor.Special>>();
        for (String name : single) {
            if (!name.equals("A")) {
                int id = vocabulary.idOrNone(name);
                if (id < 0) {
                    return null;
                }
                specials.put(name, List.of(new PostProcessor.Special(name, id)));
            }
        }
        return new PostProcessor.Template(parts(single, single.size(), 0), parts(pair, single.size(), secondType),
                specials);
    }

    private static List<PostProcessor.Part> parts(List<String> names, int first, int secondType) {
        return IntStream.range(0, names.size()).mapToObj(i -> new PostProcessor.Part(names.get(i).length() == 1,
                names.get(i), i < first ? 0 : secondType)).toList();
    }

    /// The same, but in small letters.
    public TrainingPipeline withLowercase() {
        var steps = new ArrayList<Normalizer>();
        if (normalizer instanceof Normalizer.Sequence(List<Normalizer> before)) {
            steps.addAll(before);
        } else if (normalizer != null) {
            steps.add(normalizer);
        }
        steps.add(new Normalizer.Lowercase());
        return new TrainingPipeline(steps.size() == 1 ? steps.getFirst() : new Normalizer.Sequence(steps), preTokenizer,
                decoder, frame, lines);
    }

    /// Whether words consist of characters that stand for bytes.
    boolean inBytes() {
        return inBytes(preTokenizer) || normalizer instanceof Normalizer.ByteLevel;
    }

    private static boolean inBytes(PreTokenizer preTokenizer) {
        return preTokenizer instanceof PreTokenizer.ByteLevel
                || preTokenizer instanceof PreTokenizer.Sequence(List<PreTokenizer> steps)
                        && steps.stream().anyMatch(TrainingPipeline::inBytes);
    }

    private boolean plainGpt2() {
        return normalizer == null && preTokenizer instanceof PreTokenizer.ByteLevel bytes && bytes.useRegex()
                && !bytes.addPrefixSpace();
    }

    /// Where a long text may be cut without cutting a word; nowhere if only the pipeline itself can tell.
    SafeCuts cuts() {
        boolean byLine = lines || preTokenizer instanceof PreTokenizer.Bert
                || preTokenizer instanceof PreTokenizer.ByteLevel bytes && bytes.useRegex() && !bytes.addPrefixSpace();
        return plainGpt2() ? SafeCuts.GPT2 : byLine ? SafeCuts.LINES : SafeCuts.NOWHERE;
    }

    /// Gives the words of a text to `words`, each to be read by [#spelled].
    void words(String text, Consumer<String> words) {
        if (plainGpt2()) {
            for (int from = 0; from < text.length();) {
                int to = Gpt2Words.end(text, from, text.length());
                words.accept(text.substring(from, to));
                from = to;
            }
        } else if (lines) {
            text.lines().filter(line -> !line.isBlank()).forEach(line -> normalizedWords(line, words));
        } else {
            normalizedWords(text, words);
        }
    }

    private void normalizedWords(String text, Consumer<String> words) {
        Piece piece = normalizer == null ? Piece.of(text) : normalizer.apply(Piece.of(text));
        preTokenizer.cut(piece, word -> words.accept(word.text));
    }

    /// A word in the characters that the model sees; bytes are written out only once for each different word.
    String spelled(String word) {
        return plainGpt2() ? ByteAlphabet.encode(word, 0, word.length()) : word;
    }

    /// The same with another way from tokens to text.
    TrainingPipeline withDecoder(Decoder other) {
        return new TrainingPipeline(normalizer, preTokenizer, other, frame, lines);
    }

    /// The same, decoding the tokens that stand for bytes first.
    TrainingPipeline withByteFallback() {
        var steps = new ArrayList<Decoder>();
        steps.add(new Decoder.ByteFallback());
        steps.addAll(decoder instanceof Decoder.Sequence(List<Decoder> others) ? others : List.of(decoder));
        return withDecoder(new Decoder.Sequence(steps));
    }

    /// The tokenizer around a model that was learned from these words.
    ///
    /// @param specialTokens  entries of the vocabulary
    Tokenizer tokenizer(Model model, List<String> specialTokens) {
        Vocabulary vocabulary = model.vocabulary();
        List<AddedToken> added = specialTokens.stream()
                .map(token -> AddedToken.special(vocabulary.idOrNone(token), token)).toList();
        if (normalizer instanceof Normalizer.SentencePiece(SentencePieceRules rules)) {
            return SentencePieces.learned(SentencePieceModel.of(model, added, rules), added, frame);
        }
        var config = JsonNodeFactory.instance.objectNode();
        return new Tokenizer(
                new TokenizerParts(added, normalizer, preTokenizer, model, frame.apply(vocabulary), decoder,
                        SpecialTokens.roles(config, added), config, null, null),
                vocabulary);
    }
}
