package dev.weft.run.pipeline;

import dev.weft.models.heads.HeadKind;
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
    /// @param text     the whole text with it in place of the mask
    public record Filling(double score, int id, String token, String word, String text) {}

    private final Batches batches;
    private final Tokenizer tokenizer;
    private final int mask;

    private MaskFiller(Batches batches) {
        this.batches = batches;
        tokenizer = batches.tokenizer();
        String token = tokenizer.specialTokens().get("mask_token");
        if (token == null) {
            batches.close();
            throw new IllegalArgumentException("The tokenizer names no mask_token, only " + tokenizer.specialTokens());
        }
        mask = tokenizer.id(token).orElseThrow();
    }

    static MaskFiller open(Path folder) {
        return new MaskFiller(Batches.open(folder, HeadKind.MASKED_LANGUAGE, HeadKind.PRETRAINING));
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
        return fill(text, best, new int[0]);
    }

    /// The same among words of one's own.
    ///
    /// @throws IllegalArgumentException if a word is no single token, naming those that begin it
    public List<List<Filling>> fillAmong(String text, List<String> words) {
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
        return fill(text, ids.size(), ids.stream().mapToInt(id -> id).toArray());
    }

    private List<List<Filling>> fill(String text, int best, int[] among) {
        Encoding encoding = tokenizer.encode(text);
        int[] places = IntStream.range(0, encoding.size()).filter(i -> encoding.ids()[i] == mask).toArray();
        if (places.length == 0) {
            throw new IllegalArgumentException("There is no %s in the text to fill".formatted(maskToken()));
        }
        return batches.map(List.of(encoding), List.of(logits()), (outputs, same) -> {
            var all = new ArrayList<List<Filling>>();
            for (int place : places) {
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
        }).getFirst();
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
                tokenizer.decode(ids, true));
    }

    @Override
    public void close() {
        batches.close();
    }
}
