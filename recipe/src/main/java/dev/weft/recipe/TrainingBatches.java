package dev.weft.recipe;

import dev.weft.data.Collator;
import dev.weft.data.Epochs;
import dev.weft.data.Example;
import dev.weft.data.Examples;
import dev.weft.data.LengthBatches;
import dev.weft.data.Packing;
import dev.weft.data.TokenBatch;
import dev.weft.data.TokenWindows;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.train.Batches;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/// What a run learns from: batches as a function of the step, in the names of the Python library.
interface TrainingBatches extends Batches<Map<String, Tensor>> {
    /// Examples that there are.
    long count();

    /// Steps in which each comes once; 0 where nothing comes in turn.
    long stepsPerEpoch();

    /// What makes of an example the one that is learned from: masks drawn anew each time it comes.
    interface Change {
        Example apply(Example example, RandomGenerator random);

        /// None.
        Change NONE = (example, random) -> example;
    }

    /// Windows anywhere in a long text.
    record Windows(TokenWindows windows, long seed) implements TrainingBatches {
        @Override
        public Map<String, Tensor> batch(long step, int micro) {
            return asMap(windows.random(seed, step, micro));
        }

        static Map<String, Tensor> asMap(TokenBatch batch) {
            return Map.of("input_ids", batch.inputs(), "shift_labels", batch.targets());
        }

        @Override
        public long count() {
            return windows.tokens().count();
        }

        @Override
        public long stepsPerEpoch() {
            return 0;
        }
    }

    /// Examples of about one length together, each once in an epoch.
    record OfExamples(Examples examples, Change change, LengthBatches plan, Collator collator, int microBatches,
            long seed) implements TrainingBatches {
        @Override
        public Map<String, Tensor> batch(long step, int micro) {
            int[] all = plan.at(step);
            int parts = parts(step, microBatches);
            int[] part = Arrays.copyOfRange(all, all.length * micro / parts, all.length * (micro + 1) / parts);
            return collator.collate(Arrays.stream(part).mapToObj(number -> change.apply(examples.read(number),
                    new SplittableRandom(Randomness.mix(seed, step, number)))).toList());
        }

        /// No part is empty.
        @Override
        public int parts(long step, int wanted) {
            return Math.min(wanted, plan.at(step).length);
        }

        @Override
        public long count() {
            return examples.count();
        }

        @Override
        public long stepsPerEpoch() {
            return plan.steps(0);
        }
    }

    /// Several examples in a row, so many rows in a batch.
    final class Packed implements TrainingBatches {
        private final Examples examples;
        private final Packing packing;
        private final int microBatches;
        private final Epochs<List<int[]>> epochs;

        Packed(Examples examples, Packing packing, int rows, int microBatches, long seed) {
            this.examples = examples;
            this.packing = packing;
            this.microBatches = microBatches;
            epochs = new Epochs<>(epoch -> cut(packing.rows(examples.lengths(), seed, epoch), rows));
        }

        private static List<List<int[]>> cut(List<int[]> rows, int each) {
            var steps = new ArrayList<List<int[]>>();
            for (int from = 0; from < rows.size(); from += each) {
                steps.add(rows.subList(from, Math.min(rows.size(), from + each)));
            }
            return steps;
        }

        @Override
        public Map<String, Tensor> batch(long step, int micro) {
            List<int[]> all = epochs.at(step);
            int parts = parts(step, microBatches);
            List<int[]> part = all.subList(all.size() * micro / parts, all.size() * (micro + 1) / parts);
            return packing.collate(part.stream()
                    .map(row -> Arrays.stream(row).mapToObj(examples::read).toList()).toList());
        }

        @Override
        public int parts(long step, int wanted) {
            return Math.min(wanted, epochs.at(step).size());
        }

        @Override
        public long count() {
            return examples.count();
        }

        @Override
        public long stepsPerEpoch() {
            return epochs.steps(0);
        }
    }
}
