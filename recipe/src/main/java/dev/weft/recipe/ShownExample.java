package dev.weft.recipe;

import dev.weft.data.Example;
import dev.weft.tensor.Tensor;
import dev.weft.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// One example as text, as the model sees it: what it is to learn stands between « and ».
final class ShownExample {
    private static final int LONGEST = 600;

    private ShownExample() {}

    /// The first row of a batch.
    ///
    /// @param labels names of classes, where labels are classes
    static String of(Map<String, Tensor> batch, Tokenizer tokenizer, List<String> labels) {
        String text = batch.containsKey("chosen_input_ids")
                ? "chosen: %s%nrejected: %s".formatted(of(part("chosen_", batch), tokenizer, labels),
                        of(part("rejected_", batch), tokenizer, labels))
                : batch.containsKey("anchor_input_ids")
                        ? "anchor: %s%npositive: %s".formatted(of(part("anchor_", batch), tokenizer, labels),
                                of(part("positive_", batch), tokenizer, labels))
                        : one(batch, tokenizer, labels);
        String line = text.replace("\n", "⏎").replaceAll("⏎(?=(chosen|rejected|anchor|positive): )", "\n");
        return line.length() > LONGEST ? line.substring(0, LONGEST) + " …" : line;
    }

    private static Map<String, Tensor> part(String prefix, Map<String, Tensor> batch) {
        return batch.entrySet().stream().filter(each -> each.getKey().startsWith(prefix))
                .collect(Collectors.toMap(each -> each.getKey().substring(prefix.length()), Map.Entry::getValue));
    }

    private static String one(Map<String, Tensor> batch, Tokenizer tokenizer, List<String> labels) {
        Tensor inputs = batch.get("input_ids");
        long[] ids = row(inputs.dim() == 3 ? inputs.select(1, 0) : inputs, batch.get("attention_mask"));
        if (batch.containsKey("shift_labels")) {
            long[] targets = row(batch.get("shift_labels"), null);
            return decoded(ids, 0, 1, tokenizer) + marked(ids, targets, tokenizer);
        }
        if (batch.containsKey("start_positions")) {
            int from = (int) batch.get("start_positions").toLongs()[0];
            int to = (int) batch.get("end_positions").toLongs()[0] + 1;
            return decoded(ids, 0, from, tokenizer) + "«" + decoded(ids, from, to, tokenizer) + "»"
                    + decoded(ids, to, ids.length, tokenizer);
        }
        Tensor wanted = batch.get("labels");
        if (wanted == null) {
            return decoded(ids, 0, ids.length, tokenizer);
        }
        if (batch.containsKey("decoder_input_ids") || wanted.dim() == 2 && !wanted.dtype().isFloating()
                && wanted.size(1) != inputs.size(-1)) {
            return decoded(ids, 0, ids.length, tokenizer) + " → «" + kept(row(wanted, null), tokenizer) + "»";
        }
        if (wanted.dim() == 2 && !wanted.dtype().isFloating()) {
            long[] targets = Arrays.copyOf(row(wanted, batch.get("attention_mask")), ids.length);
            return labels.isEmpty() ? marked(ids, targets, tokenizer) : tagged(ids, targets, tokenizer, labels);
        }
        return decoded(ids, 0, ids.length, tokenizer) + " → «" + classes(wanted, labels) + "»";
    }

    private static String classes(Tensor wanted, List<String> labels) {
        if (wanted.dim() == 2) {
            float[] held = wanted.select(0, 0).toFloats();
            var names = new ArrayList<String>();
            for (int i = 0; i < held.length; i++) {
                if (held[i] > 0) {
                    names.add(labels.get(i));
                }
            }
            return String.join(", ", names);
        }
        if (wanted.dtype().isFloating()) {
            return Float.toString(wanted.toFloats()[0]);
        }
        long label = wanted.toLongs()[0];
        return label < labels.size() ? labels.get((int) label) : Long.toString(label);
    }

    /// The numbers of the first row, as far as a mask has tokens.
    private static long[] row(Tensor rows, @Nullable Tensor mask) {
        long[] all = rows.select(0, 0).toLongs();
        if (mask == null || mask.dim() != 2) {
            return all;
        }
        long[] held = mask.select(0, 0).toLongs();
        return IntStream.range(0, all.length).filter(i -> held[i] != 0).mapToLong(i -> all[i])
                .toArray();
    }

    private static String decoded(long[] ids, int from, int to, Tokenizer tokenizer) {
        int[] some = new int[Math.max(0, to - from)];
        for (int i = 0; i < some.length; i++) {
            some[i] = (int) ids[from + i];
        }
        return tokenizer.decode(some, false);
    }

    private static String kept(long[] ids, Tokenizer tokenizer) {
        long[] kept = Arrays.stream(ids).filter(id -> id != Example.IGNORED).toArray();
        return decoded(kept, 0, kept.length, tokenizer);
    }

    /// Runs of tokens that are trained as what they are to become, the others as they stand. A label that is another token
    /// than stands there follows it.
    private static String marked(long[] ids, long[] labels, Tokenizer tokenizer) {
        var text = new StringBuilder();
        int at = 0;
        while (at < ids.length) {
            int end = at;
            boolean trained = labels[at] != Example.IGNORED;
            while (end < ids.length && labels[end] != Example.IGNORED == trained) {
                end++;
            }
            String given = decoded(ids, at, end, tokenizer);
            String wanted = trained ? decoded(labels, at, end, tokenizer) : "";
            boolean follows = end - at == ids.length;
            text.append(!trained
                    ? given
                    : follows || given.equals(wanted)
                            ? "«" + wanted + "»"
                            : given + "«" + wanted.strip() + "»");
            at = end;
            if (!trained && at < ids.length) {
                text.append(text.length() > 0 && !Character.isWhitespace(text.charAt(text.length() - 1)) ? " " : "");
            }
        }
        return text.toString();
    }

    private static String tagged(long[] ids, long[] labels, Tokenizer tokenizer, List<String> names) {
        var text = new ArrayList<String>();
        for (int i = 0; i < ids.length; i++) {
            String piece = decoded(ids, i, i + 1, tokenizer).strip();
            text.add(labels[i] == Example.IGNORED ? piece : piece + "«" + names.get((int) labels[i]) + "»");
        }
        return String.join(" ", text);
    }
}
