package dev.weft.run;

import dev.weft.nn.LanguageModel;
import dev.weft.run.Decoding.Finish;
import dev.weft.tensor.Device;
import java.util.ArrayList;
import java.util.List;

/// Continues token ids: greedily, by sampling, or by beam search.
public record Generator(LanguageModel model, Device device) {
    /// One continuation.
    ///
    /// @param ids    what was generated, an end id included
    /// @param score  in beam search the text's score, else 0
    public record Generated(int[] ids, Finish finish, double score) {}

    /// Sees tokens as they are made.
    @FunctionalInterface
    public interface Listener {
        Listener SILENT = (row, id) -> {};

        void token(int row, int id);
    }

    /// For each prompt its continuations, as many as [Generation.Beams#returned] in beam search, best first, else one.
    ///
    /// @throws IllegalArgumentException if a prompt is empty, longer than the model's context, or has an unknown id
    public List<List<Generated>> generate(List<int[]> prompts, Generation options, Listener listener) {
        if (options.beams().count() > 1) {
            return BeamSearch.run(model, device, prompts, options).stream()
                    .map(texts -> texts.stream().map(text -> beam(text, options)).toList()).toList();
        }
        try (var decoding = new Decoding(model, device, prompts, options)) {
            while (decoding.active()) {
                boolean[] open = new boolean[prompts.size()];
                for (int row = 0; row < open.length; row++) {
                    open[row] = decoding.finish(row) == null;
                }
                int[] ids = decoding.next();
                for (int row = 0; row < ids.length; row++) {
                    if (open[row]) {
                        listener.token(row, ids[row]);
                    }
                }
            }
            var results = new ArrayList<List<Generated>>();
            for (int row = 0; row < prompts.size(); row++) {
                Finish finish = decoding.finish(row);
                results.add(
                        List.of(new Generated(decoding.continuation(row), finish == null ? Finish.LENGTH : finish, 0)));
            }
            return results;
        }
    }

    private static Generated beam(BeamSearch.Finished text, Generation options) {
        int[] ids = text.history().continuation();
        boolean end = ids.length > 0 && options.ends().ids().contains(ids[ids.length - 1]);
        return new Generated(ids, end ? Finish.END_ID : Finish.LENGTH, text.score());
    }
}
