package dev.weft.text;

import java.io.Reader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Strings to ids and back, by the pipeline of a Hugging Face `tokenizer.json`:
///
/// ```
/// text ─▶ added tokens ─▶ normalizer ─▶ pre-tokenizer ─▶ model ─▶ post-processor ─▶ ids
/// ids  ─▶ tokens ─▶ decoder ─▶ text
/// ```
///
/// Immutable, and safe to share between threads. Surrogates without a partner count as U+FFFD. Truncation and padding are
/// done where they are asked for ([#with(Truncation)], [#with(Padding)]), as Hugging Face's `transformers` has it; those
/// in a file are kept for when it is written again.
public final class Tokenizer {
    private static final String PAD = "pad_token";

    private final TokenizerParts parts;
    private final Vocabulary all;
    private final BitSet special = new BitSet();
    private final AddedTokens rawAdded;
    private final AddedTokens normalizedAdded;
    private final boolean gpt2Bytes;
    private final WordCache<int[]> idsOfWord = new WordCache<>();
    private final @Nullable Truncation truncation;
    private final @Nullable Padding padding;

    /// What it is made of.
    TokenizerParts parts() {
        return parts;
    }

    Tokenizer(TokenizerParts parts, Vocabulary all) {
        this(parts, all, null, null);
    }

    private Tokenizer(TokenizerParts parts, Vocabulary all, @Nullable Truncation truncation,
            @Nullable Padding padding) {
        this.truncation = truncation;
        this.padding = padding;
        this.parts = parts;
        this.all = all;
        rawAdded = new AddedTokens(parts.addedTokens().stream().filter(token -> !token.normalized()).toList(), null);
        normalizedAdded = new AddedTokens(parts.addedTokens().stream().filter(AddedToken::normalized).toList(),
                parts.normalizer());
        parts.addedTokens().stream().filter(AddedToken::special).forEach(token -> special.set(token.id()));
        gpt2Bytes = parts.cutsGpt2Bytes();
    }

    /// Reads a tokenizer: a folder, or a file in it. In a folder the first of these counts: `tokenizer.json`; a model of
    /// SentencePiece (`spiece.model`, `tokenizer.model`, `sentencepiece.bpe.model`, …; Marian's `source.spm` with
    /// `vocab.json`); `vocab.json` with `merges.txt`; `vocab.txt`; tiktoken's ranks (`.tiktoken`, and Llama 3's
    /// `tokenizer.model`). But for the first, `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`
    /// beside it say which family it is and which special tokens it has.
    ///
    /// A model of SentencePiece whose family nothing says gives what the sentencepiece library gives: special pieces are
    /// neither found in a text nor put around it.
    ///
    /// @throws IllegalArgumentException if there is no tokenizer or it cannot be used, naming the file and the reason
    /// @throws java.io.UncheckedIOException if a file cannot be read
    public static Tokenizer load(Path folderOrFile) {
        return TokenizerFiles.load(folderOrFile);
    }

    /// The tokenizer of a vocabulary that was found in a GGUF file.
    ///
    /// @throws IllegalArgumentException if the vocabulary cannot be used, saying why
    public static Tokenizer of(GgufVocabulary vocabulary) {
        return vocabulary.tokenizer();
    }

    /// The tokens of a text, with the special tokens its family puts around it.
    ///
    /// @throws IllegalArgumentException if a character has no token and there is no unk token, naming character and place
    public Encoding encode(String text) {
        return encode(text, true);
    }

    /// The tokens of a text, with or without the special tokens its family puts around it. Special tokens that are
    /// written in the text are recognised either way.
    ///
    /// @throws IllegalArgumentException if a character has no token and there is no unk token, naming character and place
    public Encoding encode(String text, boolean addSpecialTokens) {
        return encode(List.of(Source.text(text)), addSpecialTokens);
    }

    /// The tokens of a pair of texts, such as question and context; places are relative to the text the token is from.
    public Encoding encodePair(String first, String second) {
        return encodePair(first, second, true);
    }

    /// The tokens of a pair of texts, with or without the special tokens its family puts around them.
    public Encoding encodePair(String first, String second, boolean addSpecialTokens) {
        return encode(List.of(Source.text(first), Source.text(second)), addSpecialTokens);
    }

    /// The tokens of a text that came in words, as labelled data does. A token's word id is the number of its word in
    /// the list, its place is relative to that word.
    public Encoding encodeWords(List<String> words) {
        return encode(List.of(Source.words(words)), true);
    }

    /// The tokens of a pair of texts that came in words.
    public Encoding encodeWords(List<String> first, List<String> second) {
        return encode(List.of(Source.words(first), Source.words(second)), true);
    }

    /// The tokens of many texts, computed on all processors; with [#with(Padding)] all of one length.
    public List<Encoding> encodeAll(List<String> texts) {
        return all(texts.size(), i -> List.of(Source.text(texts.get(i))));
    }

    /// The tokens of many pairs of texts, computed on all processors; with [#with(Padding)] all of one length.
    ///
    /// @throws IllegalArgumentException if there are not as many second texts as first ones
    public List<Encoding> encodeAllPairs(List<String> first, List<String> second) {
        if (first.size() != second.size()) {
            throw new IllegalArgumentException("pairs need as many second texts as first ones, found %d and %d"
                    .formatted(first.size(), second.size()));
        }
        return all(first.size(), i -> List.of(Source.text(first.get(i)), Source.text(second.get(i))));
    }

    private List<Encoding> all(int count, IntFunction<List<Source>> texts) {
        return padded(IntStream.range(0, count).parallel().mapToObj(i -> cut(texts.apply(i), true)).toList());
    }

    private Encoding encode(List<Source> texts, boolean addSpecialTokens) {
        return padded(List.of(cut(texts, addSpecialTokens))).getFirst();
    }

    private Encoding cut(List<Source> texts, boolean addSpecialTokens) {
        List<Encoding> plain = plain(texts);
        if (truncation == null) {
            return framed(plain, texts, addSpecialTokens);
        }
        int[] lengths = lengths(truncation, plain, addSpecialTokens);
        return framed(IntStream.range(0, lengths.length)
                .mapToObj(i -> plain.get(i).cut(lengths[i], truncation.side())).toList(), texts, addSpecialTokens);
    }

    /// The tokens of each text, with nothing around them.
    List<Encoding> plain(List<Source> texts) {
        return IntStream.range(0, texts.size()).mapToObj(i -> encodeOne(texts.get(i), i)).toList();
    }

    /// How many tokens of each text stay when special tokens are to have their place too.
    int[] lengths(Truncation to, List<Encoding> plain, boolean addSpecialTokens) {
        int around = framed(plain.stream().map(text -> text.slice(0, 0)).toList(), List.of(), addSpecialTokens).size();
        if (around >= to.maxLength()) {
            throw new IllegalArgumentException(
                    "max_length %d has no room for text: this tokenizer puts %d special tokens around it"
                            .formatted(to.maxLength(), around));
        }
        return to.lengths(plain.stream().mapToInt(Encoding::size).toArray(), to.maxLength() - around);
    }

    /// The texts' tokens with what the post-processor puts around them.
    Encoding framed(List<Encoding> plain, List<Source> texts, boolean addSpecialTokens) {
        PostProcessor postProcessor = parts.postProcessor();
        return Encoding.join(postProcessor == null
                ? plain
                : postProcessor.process(plain, (text, word) -> texts.get(text).around(word), addSpecialTokens));
    }

    List<Encoding> padded(List<Encoding> encodings) {
        if (padding == null) {
            return encodings;
        }
        int length = padding.target(encodings.stream().mapToInt(Encoding::size).max().orElse(0));
        String token = parts.specialTokens().get(PAD);
        int id = all.idOrNone(token);
        int typeId = parts.config().path("pad_token_type_id").intValue(0);
        return encodings.stream().map(each -> each.padded(length, padding.side(), id, token, typeId)).toList();
    }

    private Encoding encodeOne(Source source, int sequence) {
        int length = source.words().stream().mapToInt(String::length).sum() / 3 + 8;
        var ids = new IntList(length);
        var starts = new IntList(length);
        var ends = new IntList(length);
        var words = new IntList(length);
        var tokens = new ArrayList<String>(length);
        for (int i = 0; i < source.words().size(); i++) {
            int[] word = {i};
            cut(source.words().get(i), piece -> {
                if (piece.addedToken >= 0) {
                    ids.add(piece.addedToken);
                    tokens.add(piece.text);
                    starts.add(piece.start(0));
                    ends.add(piece.end(piece.text.length()));
                    words.add(word[0]);
                } else {
                    Model.Word known = parts.model().word(piece);
                    for (int at = 0; at < known.ids().length; at++) {
                        ids.add(known.ids()[at]);
                        tokens.add(known.ids()[at] == parts.model().idShownAsText()
                                ? piece.text.substring(known.starts()[at], known.ends()[at])
                                : all.token(known.ids()[at]));
                        starts.add(piece.start(known.starts()[at]));
                        ends.add(piece.end(known.ends()[at]));
                        words.add(word[0]);
                    }
                }
                word[0] += source.apart() ? 0 : 1;
            });
        }
        return Encoding.of(ids.toArray(), tokens.toArray(String[]::new), starts.toArray(), ends.toArray(),
                words.toArray(), sequence);
    }

    /// The words of a text, and the added tokens between them.
    private void cut(String text, Consumer<Piece> words) {
        rawAdded.cut(Piece.of(text), raw -> {
            if (raw.addedToken >= 0) {
                words.accept(raw);
                return;
            }
            Normalizer normalizer = parts.normalizer();
            normalizedAdded.cut(normalizer == null ? raw : normalizer.apply(raw), piece -> {
                PreTokenizer preTokenizer = parts.preTokenizer();
                if (piece.addedToken >= 0 || preTokenizer == null) {
                    words.accept(piece);
                } else {
                    preTokenizer.cut(piece, words);
                }
            });
        });
    }

    /// Only the ids, as fast as they can be had: no special tokens are added, but those written in the text are
    /// recognised. Equal to `encode(text, false).ids()`.
    ///
    /// @throws IllegalArgumentException if a character has no token and there is no unk token, naming character and place
    public int[] ids(String text) {
        String whole = Utf8.wellFormed(text);
        var ids = new IntList(whole.length() / 3 + 8);
        if (gpt2Bytes) {
            rawAdded.cut(Piece.of(whole), raw -> {
                if (raw.addedToken >= 0) {
                    ids.add(raw.addedToken);
                } else {
                    normalizedAdded.cut(raw, piece -> gpt2Ids(piece, ids));
                }
            });
        } else {
            cut(whole, piece -> {
                if (piece.addedToken >= 0) {
                    ids.add(piece.addedToken);
                } else {
                    ids.addAll(parts.model().word(piece).ids());
                }
            });
        }
        return ids.toArray();
    }

    private void gpt2Ids(Piece piece, IntList ids) {
        if (piece.addedToken >= 0) {
            ids.add(piece.addedToken);
            return;
        }
        String text = piece.text;
        for (int from = 0; from < text.length();) {
            int to = Gpt2Words.end(text, from, text.length());
            int[] known = idsOfWord.find(text, from, to);
            if (known == null) {
                known = parts.model().word(Piece.of(ByteAlphabet.encode(text, from, to))).ids();
                idsOfWord.keep(text.substring(from, to), known);
            }
            ids.addAll(known);
            from = to;
        }
    }

    /// The text of ids, special tokens included. Ids that no token has give no text.
    ///
    /// @throws IllegalArgumentException if an id is negative
    public String decode(int[] ids) {
        return decode(ids, false);
    }

    /// The text of ids. Ids that no token has give no text.
    ///
    /// @throws IllegalArgumentException if an id is negative
    public String decode(int[] ids, boolean skipSpecialTokens) {
        StreamingDecoder decoder = streamingDecoder(skipSpecialTokens);
        var text = new StringBuilder(ids.length * 4);
        for (int id : ids) {
            decoder.push(id, text);
        }
        return text.append(decoder.flush()).toString();
    }

    /// Takes out the spaces before punctuation and English contractions that word tokenizers leave, as Hugging Face's
    /// `transformers` does after decoding where `clean_up_tokenization_spaces` is set. [#decode] does not: it would no
    /// longer give back what was encoded.
    public static String tidied(String decoded) {
        return decoded.replace(" .", ".").replace(" ?", "?").replace(" !", "!").replace(" ,", ",").replace(" ' ", "'")
                .replace(" n't", "n't").replace(" 'm", "'m").replace(" 's", "'s").replace(" 've", "'ve")
                .replace(" 're", "'re");
    }

    /// The bytes that each id adds to a text, special tokens with their names; none for ids that no token has. A token may
    /// hold a part of a character.
    ///
    /// @param first for ids at the beginning of a text, where some tokenizers leave a space out
    /// @throws IllegalArgumentException if the text of an id depends on the one after it
    public byte[][] bytesOfIds(boolean first) {
        return IdBytes.of(this, parts.decoder(), first);
    }

    /// A decoder for ids that come one at a time.
    public StreamingDecoder streamingDecoder(boolean skipSpecialTokens) {
        return new StreamingDecoder(this, skipSpecialTokens, parts.decoder().begin());
    }

    /// Cuts a text of any size into pieces of about `targetChars` UTF-16 units whose ids, one piece after the other, are
    /// the ids of the whole. Holds little more than one piece in memory and reads on only when asked for the next.
    ///
    /// A piece is longer where the text has no safe place to cut, for instance one word of a megabyte. A tokenizer for
    /// whose pre-tokenizer no safe place is known gives the whole text as one piece. The reader stays open; its
    /// exceptions arrive as [java.io.UncheckedIOException].
    public Iterator<String> pieces(Reader text, int targetChars) {
        return new TextPieces(text, targetChars, SafeCuts.of(parts, rawAdded, normalizedAdded));
    }

    /// Number of ids a model needs to know: the highest id + 1, added tokens included.
    public int vocabSize() {
        return all.size();
    }

    /// The id of a token as the vocabulary spells it.
    public OptionalInt id(String token) {
        return all.id(token);
    }

    /// The vocabulary's spelling of an id, or null if no token has it.
    ///
    /// @throws IllegalArgumentException if the id is negative
    public @Nullable String token(int id) {
        if (id < 0) {
            throw new IllegalArgumentException("a token id is 0 or more, found " + id);
        }
        return all.token(id);
    }

    /// Whether an id is left out when decoding without special tokens.
    public boolean isSpecial(int id) {
        return special.get(id);
    }

    /// The tokens that are found in a text before all else, in the order of the file.
    public List<AddedToken> addedTokens() {
        return parts.addedTokens();
    }

    /// The parts special tokens play, by the names of `tokenizer_config.json`: `eos_token` to `<|endoftext|>`.
    public Map<String, String> specialTokens() {
        return parts.specialTokens();
    }

    /// This tokenizer, cutting what is too long.
    public Tokenizer with(Truncation limit) {
        return new Tokenizer(parts, all, limit, padding);
    }

    /// This tokenizer, spreading what is too long over windows.
    public WindowTokenizer with(Truncation.Windows windows) {
        return new WindowTokenizer(this, windows);
    }

    /// This tokenizer, filling up what is too short.
    ///
    /// @throws IllegalArgumentException if it has no `pad_token`
    public Tokenizer with(Padding filling) {
        if (!parts.specialTokens().containsKey(PAD)) {
            throw new IllegalArgumentException("this tokenizer has no pad_token; choose one with "
                    + "withSpecialToken(\"pad_token\", ...), such as its eos_token: " + parts.specialTokens());
        }
        return new Tokenizer(parts, all, truncation, filling);
    }

    /// The end that the files of this tokenizer want padded (`padding_side`), else the right one.
    public Truncation.Side paddingSide() {
        return parts.config().path("padding_side").stringValue("right").equals("left")
                ? Truncation.Side.LEFT
                : Truncation.Side.RIGHT;
    }

    /// The longest input that the files of this tokenizer name for its model (`model_max_length`), where they do.
    public OptionalInt modelMaxLength() {
        double length = parts.config().path("model_max_length").asDouble(0);
        // Python writes 1e30 where nobody said anything.
        return length >= 1 && length <= Integer.MAX_VALUE ? OptionalInt.of((int) length) : OptionalInt.empty();
    }

    /// This tokenizer with a token in a part, such as `eos_token`.
    ///
    /// @throws IllegalArgumentException if the vocabulary does not hold the token
    public Tokenizer withSpecialToken(String part, String token) {
        OptionalInt id = all.id(token);
        if (id.isEmpty()) {
            throw new IllegalArgumentException(
                    "%s \"%s\" is not in the vocabulary of %d tokens; add it first (withAddedTokens)".formatted(part,
                            token, all.size()));
        }
        return new Tokenizer(parts.withRole(part, AddedToken.special(id.getAsInt(), token)), all, truncation, padding);
    }

    /// This tokenizer with more tokens, which are found in a text before all else. A token that the vocabulary holds keeps
    /// its id, others get the next ones ([#vocabSize] grows; so must the embeddings of the model).
    ///
    /// @param special  whether they are left out when decoding without special tokens; they are then looked for in the
    ///                 text as it is, else in the normalized one
    /// @throws IllegalArgumentException if a token is empty
    public Tokenizer withAddedTokens(boolean special, String... contents) {
        Vocabulary more = all.copy();
        var tokens = new ArrayList<AddedToken>();
        for (String content : contents) {
            if (content.isEmpty()) {
                throw new IllegalArgumentException("an added token has one character at least");
            }
            tokens.add(new AddedToken(more.add(content), content, false, false, false, !special, special));
        }
        return new Tokenizer(parts.withAddedTokens(tokens), more, truncation, padding);
    }

    /// This tokenizer with merges left out by chance, each with that probability, so that a model in training sees a word
    /// in many forms (BPE-dropout, Provilkov et al. 2020); 0 turns off what a file asks for. The n-th word that a
    /// tokenizer encodes draws from the n-th stream of the seed: two of the same seed that encode the same texts in the
    /// same order give the same ids. A file that asks for dropout is read with the seed 0.
    ///
    /// @throws IllegalArgumentException if this is no byte-pair encoding, or the probability is not one
    public Tokenizer withDropout(double probability, long seed) {
        if (!(probability >= 0 && probability <= 1)) {
            throw new IllegalArgumentException("dropout is a probability from 0 to 1, found " + probability);
        }
        if (!(parts.model() instanceof Bpe bpe)) {
            throw new IllegalArgumentException(
                    "only byte-pair encoding has merges to leave out; this tokenizer is of the type "
                            + parts.model().getClass().getSimpleName());
        }
        return new Tokenizer(parts.withModel(bpe.withDropout(new Bpe.Dropout(probability, seed))), all);
    }

    /// The codes of the languages that a translator's tokenizer has tokens for: `de_DE`, `deu_Latn`, `de`. Empty for others.
    public List<String> languages() {
        return List.copyOf(Languages.in(parts.addedTokens()).keySet());
    }

    /// The token of a language, by its code, or by the beginning of a code where only one has it: `en` for `en_XX`.
    ///
    /// @throws IllegalArgumentException if there is none, with the codes there are
    public String languageToken(String language) {
        return Languages.token(Languages.in(parts.addedTokens()), language);
    }

    /// This tokenizer with another language for its texts: mBART, NLLB and M2M100 put its token around each.
    ///
    /// @throws IllegalArgumentException if there is no such language, or this tokenizer puts none around a text
    public Tokenizer withLanguage(String language) {
        String token = languageToken(language);
        PostProcessor postProcessor = parts.postProcessor();
        if (postProcessor == null) {
            throw new IllegalArgumentException("this tokenizer puts nothing around a text, so no language either");
        }
        return with(Languages.saying(postProcessor, token, all));
    }

    Tokenizer with(PostProcessor other) {
        return new Tokenizer(parts.withPostProcessor(other), all, truncation, padding);
    }

    Vocabulary vocabulary() {
        return all;
    }

    /// The `tokenizer.json` of this tokenizer, as Hugging Face's library reads it.
    public String json() {
        return TokenizerFiles.json(parts);
    }

    /// This tokenizer as Marian has it, whose model cuts the texts of both languages: the same pieces, `</s>` first,
    /// `<unk>` next and `<pad>` last; `</s>` ends a text. [#save] writes the files that the Python library's
    /// `MarianTokenizer` reads.
    ///
    /// @param from the language of the texts, `en`
    /// @param to   that of their translations, `de`
    /// @throws IllegalArgumentException if a SentencePiece model cannot say what this tokenizer does, with the reason
    public Tokenizer asMarian(String from, String to) {
        return MarianFiles.of(SentencePieceModel.of(parts), from, to);
    }

    /// Writes a `.model` file, as the sentencepiece library and the slow classes of the Python library read it. Special
    /// tokens are in it, but that library does not find them in a text; added tokens behind the vocabulary are not.
    ///
    /// @throws IllegalArgumentException if such a file cannot say what this tokenizer does, with the reason
    /// @throws java.io.UncheckedIOException if the file cannot be written
    public void saveSentencePiece(Path file) {
        TokenizerFiles.saveModel(SentencePieceModel.of(parts), file);
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json` into a folder, which is made if need be; a tokenizer of Marian
    /// ([#asMarian]) is written as `source.spm`, `target.spm` and `vocab.json` instead. Each file appears whole or not at
    /// all, also when the machine stops in between.
    ///
    /// @throws java.io.UncheckedIOException if a file cannot be written
    public void save(Path folder) {
        TokenizerFiles.save(parts, folder);
    }
}
