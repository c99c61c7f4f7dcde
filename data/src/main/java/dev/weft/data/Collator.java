package dev.weft.data;

import dev.weft.data.Example.Feature;
import dev.weft.tensor.Tensor;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation.Side;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/// Examples to a batch: tensors under the examples' names, filled up to the longest, and an `attention_mask` that is 0
/// where it was. Labels are filled with −100, which counts for nothing. Vectors in place of tokens are filled up like ids; other
/// arrays have one size, or come with a mask of their own.
///
/// @param padId      what `input_ids` are filled with
/// @param side       the end that is filled up; what a decoder of an encoder-decoder sees always ends at the right
/// @param multipleOf lengths are rounded up to a multiple of this
public record Collator(int padId, Side side, int multipleOf) {
    public Collator {
        if (multipleOf < 1) {
            throw new IllegalArgumentException("lengths are multiples of one at least, asked for " + multipleOf);
        }
    }

    /// With the tokenizer's `pad_token`, at the end that its files want.
    ///
    /// @throws IllegalArgumentException if it has no such token
    public static Collator of(Tokenizer tokenizer) {
        String token = tokenizer.specialTokens().get("pad_token");
        if (token == null || tokenizer.id(token).isEmpty()) {
            throw new IllegalArgumentException(
                    "the tokenizer has no pad_token to fill up shorter examples with; choose one, such as its "
                            + "eos_token, with withSpecialToken");
        }
        return new Collator(tokenizer.id(token).getAsInt(), tokenizer.paddingSide(), 1);
    }

    public Collator at(Side other) {
        return new Collator(padId, other, multipleOf);
    }

    public Collator multipleOf(int multiple) {
        return new Collator(padId, side, multiple);
    }

    /// A batch, born in the scope that is open.
    ///
    /// @throws IllegalArgumentException if the examples do not hold the same features
    public Map<String, Tensor> collate(List<Example> examples) {
        if (examples.isEmpty()) {
            throw new IllegalArgumentException("a batch needs one example at least");
        }
        var names = new TreeSet<String>();
        examples.forEach(example -> names.addAll(example.features().keySet()));
        boolean decodes = names.contains("decoder_input_ids");
        var batch = new TreeMap<String, Tensor>();
        for (String name : names) {
            boolean decoded = decodes && (name.equals("labels") || name.startsWith("decoder_"));
            batch.put(name, batch(name, examples, decoded ? Side.RIGHT : side));
        }
        for (String ids : names) {
            // What a decoder is given needs no mask; the two texts of a pair need one each.
            String mask = ids.replaceFirst("(input_ids|inputs_embeds)$", "attention_mask");
            if (!mask.equals(ids) && !ids.startsWith("decoder_") && !names.contains(mask)) {
                batch.put(mask, batch(mask,
                        examples.stream().map(each -> each.with(mask, ones(each.features().get(ids)))).toList(),
                        side));
            }
        }
        return batch;
    }

    private static Feature ones(Feature ids) {
        return switch (ids) {
            case Feature.Choices(int[][] values) ->
                new Feature.Choices(Arrays.stream(values).map(Collator::ones).toArray(int[][]::new));
            case Feature.Sequence(int[] values) -> new Feature.Sequence(ones(values));
            case Feature.Whole whole -> whole;
            case Feature.Number number -> number;
            case Feature.Array array -> new Feature.Sequence(ones(new int[array.length()]));
        };
    }

    private static int[] ones(int[] values) {
        int[] ones = new int[values.length];
        Arrays.fill(ones, 1);
        return ones;
    }

    private int filling(String name) {
        if (name.endsWith("input_ids")) {
            return padId;
        }
        if (name.endsWith("labels")) {
            return Example.IGNORED;
        }
        return switch (name) {
            case "special_tokens_mask" -> 1;
            case "word_ids" -> -1;
            default -> 0;
        };
    }

    private Feature of(Example example, String name) {
        Feature found = example.features().get(name);
        if (found != null) {
            return found;
        }
        // An example of one text among pairs.
        if (name.equals("token_type_ids") && example.features().get("input_ids") instanceof Feature ids) {
            return switch (ids) {
                case Feature.Choices(int[][] values) -> new Feature.Choices(
                        Arrays.stream(values).map(each -> new int[each.length]).toArray(int[][]::new));
                default -> new Feature.Sequence(new int[ids.length()]);
            };
        }
        throw new IllegalArgumentException(
                "an example of the batch has no \"%s\", which others have; it has %s".formatted(name,
                        example.features().keySet()));
    }

    private Tensor batch(String name, List<Example> examples, Side at) {
        List<Feature> features = examples.stream().map(example -> of(example, name)).toList();
        int n = features.size();
        return switch (features.getFirst()) {
            case Feature.Sequence first ->
                padded(name, all(name, features, Feature.Sequence.class).map(Feature.Sequence::values)
                        .toArray(int[][]::new), at);
            case Feature.Choices(int[][] first) -> {
                int[][] rows = all(name, features, Feature.Choices.class).map(Feature.Choices::values)
                        .peek(each -> require(each.length == first.length, name, "have different numbers of choices"))
                        .flatMap(Arrays::stream).toArray(int[][]::new);
                Tensor flat = padded(name, rows, at);
                yield flat.view(n, first.length, flat.size(1));
            }
            case Feature.Whole first -> {
                long[] values = all(name, features, Feature.Whole.class).mapToLong(Feature.Whole::value).toArray();
                if (at == Side.LEFT && name.endsWith("_positions")) {
                    int width = width(examples.stream().mapToInt(each -> each.sequence("input_ids").length).toArray());
                    for (int i = 0; i < n; i++) {
                        values[i] += width - examples.get(i).sequence("input_ids").length;
                    }
                }
                yield Tensor.of(values, n);
            }
            case Feature.Number first -> {
                float[] values = new float[n];
                List<Feature.Number> numbers = all(name, features, Feature.Number.class).toList();
                for (int i = 0; i < n; i++) {
                    values[i] = numbers.get(i).value();
                }
                yield Tensor.of(values, n);
            }
            case Feature.Array first -> filled(name, all(name, features, Feature.Array.class).toList(),
                    examples.getFirst(), at);
        };
    }

    /// Filled up with 0 to the largest along each axis.
    private Tensor filled(String name, List<Feature.Array> arrays, Example example, Side at) {
        int[] shape = arrays.getFirst().shape().clone();
        boolean equal = arrays.stream().allMatch(each -> Arrays.equals(each.shape(), shape));
        boolean masked = name.endsWith("inputs_embeds")
                || example.features().keySet().stream().anyMatch(other -> other.endsWith("_mask"));
        require(equal || masked && !name.endsWith("labels"), name, "have different sizes, and no mask says so");
        require(arrays.stream().allMatch(each -> each.shape().length == shape.length), name,
                "have different numbers of axes");
        for (Feature.Array each : arrays) {
            Arrays.setAll(shape, axis -> Math.max(shape[axis], each.shape()[axis]));
        }
        if (!equal) {
            shape[0] = width(new int[]{shape[0]});
        }
        long[] all = new long[shape.length + 1];
        Arrays.setAll(all, axis -> axis == 0 ? arrays.size() : shape[axis - 1]);
        int size = Arrays.stream(shape).reduce(1, Math::multiplyExact);
        float[] values = new float[Math.multiplyExact(arrays.size(), size)];
        for (int i = 0; i < arrays.size(); i++) {
            Feature.Array array = arrays.get(i);
            int before = at == Side.LEFT && shape.length > 0 ? (shape[0] - array.shape()[0]) * (size / shape[0]) : 0;
            place(array, 0, 0, array.values().length, values, i * size + before, size, shape);
        }
        return Tensor.of(values, all);
    }

    /// Copies the part of an array below an axis: from `count` numbers at `from` to `size` places at `to`.
    private static void place(Feature.Array array, int axis, int from, int count, float[] values, int to, int size,
            int[] shape) {
        if (axis >= shape.length - 1) {
            System.arraycopy(array.values(), from, values, to, count);
            return;
        }
        int rows = array.shape()[axis];
        for (int row = 0; row < rows; row++) {
            place(array, axis + 1, from + row * (count / rows), count / rows, values, to + row * (size / shape[axis]),
                    size / shape[axis], shape);
        }
    }

    private static <F extends Feature> Stream<F> all(String name, List<Feature> features,
            Class<F> kind) {
        return features.stream()
                .peek(each -> require(kind.isInstance(each), name, "are not all of one kind")).map(kind::cast);
    }

    private static void require(boolean holds, String name, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException("the \"%s\" of a batch %s".formatted(name, otherwise));
        }
    }

    private int width(int[] lengths) {
        return Math.ceilDiv(Math.max(1, Arrays.stream(lengths).max().orElseThrow()), multipleOf) * multipleOf;
    }

    private Tensor padded(String name, int[][] rows, Side at) {
        int width = width(Arrays.stream(rows).mapToInt(row -> row.length).toArray());
        long[] values = new long[Math.multiplyExact(rows.length, width)];
        Arrays.fill(values, filling(name));
        for (int row = 0; row < rows.length; row++) {
            int[] ids = rows[row];
            int from = row * width + (at == Side.LEFT ? width - ids.length : 0);
            for (int i = 0; i < ids.length; i++) {
                values[from + i] = ids[i];
            }
        }
        return Tensor.of(values, rows.length, width);
    }
}
