package dev.weft.recipe;

import dev.weft.data.Example;
import dev.weft.data.Row;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// What a task asks of a model for each example, and what is made of the answers. Holds the data and nothing of a model, so
/// that it serves again when the model has learned more.
///
/// @param <A> the answer to one example
interface TaskScore<A> {
    /// What the model is given; none where it is asked in another way.
    List<Example> examples();

    /// Names of the outputs that are read.
    List<String> outputs();

    /// @param number of the example
    /// @param its    each output of this example, `[...]` with the padding, which stands at the end
    A answer(int number, Map<String, float[]> its);

    /// The answers of a batch.
    ///
    /// @param numbers of its examples
    default List<A> answers(int[] numbers, Map<String, Tensor> inputs, Map<String, Tensor> outputs) {
        Map<String, float[]> flat = new TreeMap<>();
        for (String name : outputs()) {
            flat.put(name, outputs.get(name).to(DType.FLOAT32).to(Device.CPU).toFloats());
        }
        var answers = new ArrayList<A>(numbers.length);
        for (int row = 0; row < numbers.length; row++) {
            var its = new TreeMap<String, float[]>();
            for (Map.Entry<String, float[]> output : flat.entrySet()) {
                int size = output.getValue().length / numbers.length;
                its.put(output.getKey(), Arrays.copyOfRange(output.getValue(), row * size, (row + 1) * size));
            }
            answers.add(answer(numbers[row], its));
        }
        return answers;
    }

    /// Whether the loss of the model's own task is wanted beside what [#result] finds.
    default boolean wantsLoss() {
        return true;
    }

    /// @param answers to the examples, in their order
    Assessment.Result result(List<A> answers, Assessment.Progress progress);

    /// Rows that are asked about in another way than by the outputs of their examples.
    interface Asking extends TaskScore<Boolean> {
        @Override
        default List<String> outputs() {
            return List.of();
        }

        @Override
        default Boolean answer(int number, Map<String, float[]> its) {
            return true;
        }
    }

    /// The place of the highest of `count` numbers from `from` on.
    ///
    /// @throws IllegalArgumentException if one is not a number
    static int best(float[] scores, int from, int count, Row row) {
        int best = from;
        for (int i = from; i < from + count; i++) {
            if (Float.isNaN(scores[i])) {
                throw new IllegalArgumentException(
                        "%s: the model's answer is not a number; look for an overflow in its weights or a diverged training"
                                .formatted(row.place()));
            }
            best = scores[i] > scores[best] ? i : best;
        }
        return best - from;
    }
}
