package dev.weft.run.pipeline;

import dev.weft.run.Task;
import dev.weft.models.Loading;
import dev.weft.models.heads.Pretraining;
import dev.weft.tensor.Tensor;
import dev.weft.text.Encoding;
import dev.weft.text.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.stream.IntStream;

/// Words in place of the mask. The Python library's `fill-mask`. Safe to share between threads.
public final class MaskFiller implements AutoCloseable {
    /// A token for a mask.
    ///
    /// @param token    the vocabulary's spelling
    /// @param word     the token as text
    /// @param text     the whole text with it in place of the mask; other masks stay
    public record Filling(double score, int id, String token, String word, String text) {}

    private final Batches batches;
    private final Tokenizer tokenizer;
    private final int mask;
    private final boolean truncates;

    private MaskFiller(Batches batches, boolean truncates) {
        this.batches = batches;
        this.truncates = truncates;
        tokenizer = batches.tokenizer();
        String token = tokenizer.specialTokens().get("mask_token");
        if (token == null) {
            batches.close();
            throw new IllegalArgumentException("The tokenizer names no mask_token, only " + tokenizer.specialTokens());
        }
        mask = tokenizer.id(token).orElseThrow();
    }

    static MaskFiller open(Path folder, Loading loading) {
        return new MaskFiller(Batches.open(folder, loading, Task.FILL_MASK), false);
    }

    /// This one, cutting texts that are longer than the model's positions. Both are closed by either.
    public MaskFiller truncating() {
        return new MaskFiller(batches, true);
    }

    /// How the mask is written in a text.
    public String maskToken() {
        return tokenizer.specialTokens().get("mask_token");
    }

    /// The best tokens for the only mask of a text, best first.
    public List<Filling> fill(String text, int best) {
        List<List<Filling>> all = fillAll(text, best);
        if (all.size() > 1) {
            throw new IllegalArgumentException("The text has %d masks; use fillAll".formatted(all.size()));
        }
        return all.getFirst();
    }

    /// The best tokens for each mask of a text, each found with the other masks in place.
    ///
    /// @throws IllegalArgumentException if there is no mask
    public List<List<Filling>> fillAll(String text, int best) {
        return fillAll(List.of(text), best).getFirst();
    }

    /// The same for many texts.
    ///
    /// @throws RefusedTexts if a text has no mask, is empty or longer than the model's positions
    public List<List<List<Filling>>> fillAll(List<String> texts, int best) {
        return fill(texts, best, new int[0]);
    }

    /// The same among words of one's own.
    ///
    /// @throws IllegalArgumentException if a word is no single token, naming those that begin it
    public List<List<Filling>> fillAmong(String text, List<String> words) {
        return fillAmong(List.of(text), words).getFirst();
    }

    /// The same for many texts.
    public List<List<List<Filling>>> fillAmong(List<String> texts, List<String> words) {
        var ids = new LinkedHashSet<Integer>();
        for (String word : words) {
            int[] tokens = tokenizer.id(word).isPresent()
                    ? new int[]{tokenizer.id(word).getAsInt()}
                    : tokenizer.encode(word, false).ids();
            if (tokens.length != 1) {
                throw new IllegalArgumentException("\"%s\" is no single token of this vocabulary but %s".formatted(word,
                        Arrays.stream(tokens).mapToObj(tokenizer::token).toList()));
            }
            ids.add(tokens[0]);
        }
        return fill(texts, ids.size(), ids.stream().mapToInt(id -> id).toArray());
    }

    private int[] places(Encoding encoding) {
        return IntStream.range(0, encoding.size()).filter(i -> encoding.ids()[i] == mask).toArray();
    }

    private List<List<List<Filling>>> fill(List<String> texts, int best, int[] among) {
        if (best < 1) {
            throw new IllegalArgumentException("So many words for a mask must be above 0, found " + best);
        }
        List<Encoding> encodings = batches.encode(texts, truncates);
        RefusedTexts.check(texts.size(), i -> places(encodings.get(i)).length > 0
                ? null
                : "has no %s to fill; write it where a word is wanted".formatted(maskToken()));
        return batches.map(encodings, List.of(logits()), (outputs, encoding) -> {
            List<List<Filling>> all = new ArrayList<>();
            for (int place : places(encoding)) {
                Tensor scores = outputs.get(logits()).select(0, place).softmax(-1);
                int[] ids;
                if (among.length > 0) {
                    Tensor theirs = scores.indexSelect(0, Tensor.of(among, among.length));
                    ids = Arrays.stream(theirs.topK(among.length, 0).indices().toInts()).map(i -> among[i])
                            .toArray();
                } else {
                    ids = scores.topK(Math.min(best, (int) scores.size(0)), 0).indices().toInts();
                }
                float[] values = scores.indexSelect(0, Tensor.of(ids, ids.length)).toFloats();
                all.add(IntStream.range(0, ids.length)
                        .mapToObj(i -> filling(encoding, place, ids[i], values[i])).toList());
            }
            return all;
        });
    }

    /// What the head calls its scores of words.
    private String logits() {
        return batches.head() instanceof Pretraining ? "prediction_logits" : "logits";
    }

    private Filling filling(Encoding encoding, int place, int id, double score) {
        int[] ids = encoding.ids().clone();
        ids[place] = id;
        String token = tokenizer.token(id);
        return new Filling(score, id, token == null ? "" : token, tokenizer.decode(new int[]{id}).strip(),
                tokenizer.decode(
                        IntStream.of(ids).filter(each -> each == mask || !tokenizer.isSpecial(each)).toArray()));
    }

    @Override
    public void close() {
        batches.close();
    }
}
