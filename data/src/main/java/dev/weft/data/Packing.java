package dev.weft.data;

import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/// Several short examples in one row of a batch, so that nothing is padding. Each begins at position 0 and sees only
/// itself: the loss is that of the examples apart.
///
/// @param seq         tokens in a row at most
/// @param padId       what a row's rest is filled with
/// @param predictNext whether a label is predicted one place before it (language models): then the first one of each
///                    example counts for nothing, since what stands before it is another example
public record Packing(int seq, int padId, boolean predictNext) {
    /// Rows that are open at once; more would fill them little better, and take longer.
    private static final int OPEN_ROWS = 64;

    public Packing {
        if (seq < 1) {
            throw new IllegalArgumentException("a row has one token at least, asked for " + seq);
        }
    }

    /// Which examples go into which row in an epoch: each once, an order by chance, and each into the first row that has
    /// room.
    ///
    /// @throws IllegalArgumentException if an example is longer than a row
    public List<int[]> rows(int[] lengths, long seed, long epoch) {
        var random = new SplittableRandom(Randomness.mix(seed, epoch));
        int[] order = new int[lengths.length];
        Arrays.setAll(order, i -> i);
        for (int i = order.length - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            int held = order[i];
            order[i] = order[other];
            order[other] = held;
        }
        record Filled(List<Integer> examples, int[] tokens) {}
        var full = new ArrayList<int[]>();
        var open = new ArrayList<Filled>();
        for (int example : order) {
            int length = lengths[example];
            if (length > seq) {
                throw new IllegalArgumentException(
                        "Example %d has %d tokens, a row has room for %d; cut it or make rows longer".formatted(example,
                                length, seq));
            }
            Filled row = open.stream().filter(each -> each.tokens()[0] + length <= seq).findFirst().orElse(null);
            if (row == null) {
                if (open.size() == OPEN_ROWS) {
                    full.add(numbers(open.removeFirst().examples()));
                }
                row = new Filled(new ArrayList<>(), new int[1]);
                open.add(row);
            }
            row.examples().add(example);
            row.tokens()[0] += length;
        }
        open.forEach(row -> full.add(numbers(row.examples())));
        return full;
    }

    private static int[] numbers(List<Integer> examples) {
        return examples.stream().mapToInt(Integer::intValue).toArray();
    }

    /// A batch of rows of examples: `input_ids`, `labels` where there are some and `position_ids`, `[batch, seq]` each, and
    /// the `attention_mask` `[batch, 1, seq, seq]`, true where a token may see another. Born in the scope that is open.
    ///
    /// @throws IllegalArgumentException if a row's examples have more tokens than it has room for
    public Map<String, Tensor> collate(List<List<Example>> rows) {
        int width = rows.stream()
                .mapToInt(row -> row.stream().mapToInt(each -> each.sequence("input_ids").length).sum()).max()
                .orElseThrow(() -> new IllegalArgumentException("a batch needs one row at least"));
        if (width > seq) {
            throw new IllegalArgumentException("A row has room for %d tokens, given are %d".formatted(seq, width));
        }
        boolean labelled = rows.stream().flatMap(List::stream).anyMatch(each -> each.features().containsKey("labels"));
        long[] ids = new long[Math.multiplyExact(rows.size(), width)];
        long[] labels = new long[ids.length];
        long[] positions = new long[ids.length];
        boolean[] sees = new boolean[Math.multiplyExact(ids.length, width)];
        Arrays.fill(ids, padId);
        Arrays.fill(labels, Example.IGNORED);
        for (int row = 0; row < rows.size(); row++) {
            int at = 0;
            for (Example example : rows.get(row)) {
                int[] tokens = example.sequence("input_ids");
                for (int i = 0; i < tokens.length; i++) {
                    int place = row * width + at + i;
                    ids[place] = tokens[i];
                    positions[place] = i;
                    if (labelled && (i > 0 || !predictNext)) {
                        labels[place] = example.sequence("labels")[i];
                    }
                }
                see(sees, row, width, at, at + tokens.length);
                at += tokens.length;
            }
            // Padding sees padding: a token that sees nothing would have no softmax.
            see(sees, row, width, at, width);
        }
        var batch = new TreeMap<String, Tensor>();
        batch.put("input_ids", Tensor.of(ids, rows.size(), width));
        batch.put("position_ids", Tensor.of(positions, rows.size(), width));
        batch.put("attention_mask", Tensor.of(sees, rows.size(), 1, width, width));
        if (labelled) {
            batch.put("labels", Tensor.of(labels, rows.size(), width));
        }
        return batch;
    }

    private static void see(boolean[] sees, int row, int width, int from, int to) {
        for (int query = from; query < to; query++) {
            int start = (row * width + query) * width;
            Arrays.fill(sees, start + from, start + to, true);
        }
    }
}
