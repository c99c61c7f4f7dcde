package dev.weft.examples;

import dev.weft.data.Chats;
import dev.weft.data.Collator;
import dev.weft.data.ExampleFile;
import dev.weft.data.Format;
import dev.weft.data.Labels;
import dev.weft.data.LengthBatches;
import dev.weft.data.Packing;
import dev.weft.data.RowEncoder;
import dev.weft.data.Rows;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import dev.weft.text.chat.ChatTemplate;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// From a file of labelled texts to the batches of a model.
public final class PrepareData {
    private PrepareData() {}

    /// `PrepareData models/bert-base-uncased train.csv cache`, with columns `sentence` and `label`.
    public static void main(String... args) {
        System.out.println(classified(Tokenizer.load(Path.of(args[0])), args[1], Path.of(args[2])));
    }

    /// How many of the tokens of an epoch are no padding.
    static double classified(Tokenizer tokenizer, String file, Path cache) {
        Rows rows = Rows.of(file).named(Map.of("text", "sentence"));
        Rows.Split split = rows.split(0.1, 42);
        Labels labels = Labels.of(split.training(), "label"); // sorted; an unseen one later is told with its row
        var encoder = new RowEncoder.Texts(tokenizer, Truncation.to(128), new RowEncoder.Target.OneOf(labels));
        long tokens = 0;
        long places = 0;
        try (ExampleFile examples = ExampleFile.of(split.training(), encoder, cache, done -> {})) {
            var batches = new LengthBatches(examples.lengths(), 4096, 64, 42);
            Collator collator = Collator.of(tokenizer);
            for (int[] batch : batches.epoch(0)) {
                try (var scope = TensorScope.open()) {
                    Map<String, Tensor> tensors = collator
                            .collate(Arrays.stream(batch).mapToObj(examples::read).toList());
                    tokens += (long) tensors.get("attention_mask").sum().item(); // input_ids, attention_mask, labels
                    places += tensors.get("attention_mask").count();
                }
            }
        }
        return (double) tokens / places;
    }

    static Rows asked(Path folder) {
        return Rows.sql("select text, label from '" + folder + "/part-*.parquet' where length(text) > 20");
    }

    static Rows stream(List<String> files, long rowsTaken) {
        return Rows.of(files, Format.tsv()).shuffled(42, 10_000).skip(rowsTaken); // goes on where it was
    }

    static Rows parallel(String english, String german) {
        return Rows.parallel("source", Rows.of(List.of(english), new Format.Lines()),
                "target", Rows.of(List.of(german), new Format.Lines()));
    }

    static void warnOfDuplicates(Rows training, Rows test) {
        long both = test.alsoIn(training, Set.of("text"));
        if (both > 0) {
            System.err.println(both + " rows of the test data stand in the training data, too");
        }
    }

    static void chats(ChatTemplate template, String file) {
        Rows.of(file).forEach(row -> System.out.println(template.render(Chats.conversation(row))));
    }

    static List<int[]> packed(ExampleFile examples, int padId, long epoch) {
        var packing = new Packing(1024, padId, true);
        return packing.rows(examples.lengths(), 42, epoch); // collate() makes a batch of some of these rows
    }
}
