package dev.weft.run;

import dev.weft.nn.LanguageModel;
import dev.weft.run.Generation.EarlyStopping;
import dev.weft.tensor.Gradients;
import dev.weft.tensor.Randomness;
import dev.weft.tensor.Tensor;
import dev.weft.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Beam search (Sutskever et al. 2014, §3.2) with the rules of the Python library since its version 4.50.
///
/// Each prompt has as many unfinished texts as beams. In a step the best continuations of all of them are found, some
/// more than there are beams, so that as many can go on however many end. Those that end, if they are among the first
/// as many as there are beams, compete with the finished ones by their score; of the others the best go on.
final class BeamSearch {
    /// Beside it no log probability counts: the score of a text that must not be chosen.
    private static final float OUT = -1e9f;

    private final LanguageModel model;
    private final Map<String, Tensor> inputs;
    private final Prompts prompts;
    private final Generation options;
    private final List<ScoreStep> steps;
    private final Stop stop;
    private final Room room;
    private final int beams;
    private final Sequences sequences;
    /// Log probabilities of the unfinished texts, `[prompts][beams]`, best first.
    private final float[][] running;
    private final List<List<Generated.Text>> finished = new ArrayList<>();
    /// Whether an unfinished text of this prompt may still become one of the finished.
    private final boolean[] mayImprove;

    BeamSearch(LanguageModel model, Map<String, Tensor> inputs, Prompts prompts, Generation options,
            List<ScoreStep> steps, Stop stop) {
        this.model = model;
        this.inputs = inputs;
        this.prompts = prompts;
        this.options = options;
        this.steps = steps;
        this.stop = stop;
        beams = options.beams().numBeams();
        if (options.numReturnSequences() > beams) {
            throw new IllegalArgumentException("num_return_sequences (%d) must not be above num_beams (%d)"
                    .formatted(options.numReturnSequences(), beams));
        }
        if ((long) candidates() > (long) beams * model.vocabSize()) {
            throw new IllegalArgumentException("num_beams (%d) is too many for a vocabulary of %d".formatted(beams,
                    model.vocabSize()));
        }
        room = Room.of(model, prompts, options);
        int[][] begin = new int[prompts.rows() * beams][];
        Arrays.setAll(begin, row -> prompts.ids()[row / beams]);
        sequences = new Sequences(begin);
        running = new float[prompts.rows()][beams];
        mayImprove = new boolean[prompts.rows()];
        Arrays.fill(mayImprove, true);
        for (float[] scores : running) {
            // All beams are alike at first: let one be continued, or all would go the same way.
            Arrays.fill(scores, 1, beams, OUT);
            finished.add(new ArrayList<>());
        }
    }

    /// Continuations looked at for each prompt, so many that there are enough even if every beam meets every end id.
    private int candidates() {
        return Math.max(2, 1 + options.limits().endIds().size()) * beams;
    }

    /// Continuations of one prompt, best first: which beam, by which id, and the log probability of the whole.
    private record Candidates(int[] beam, int[] id, float[] logProbability) {}

    Generated run() {
        try (var decoding = new Decoding(model, inputs, prompts, beams);
                var randomness = Randomness.seeded(options.sampling().seed())) {
            int[] ids = new int[0];
            for (boolean goesOn = true; goesOn;) {
                List<Candidates> all;
                try (var off = Gradients.off(); var scope = TensorScope.open()) {
                    all = best(sequences.newTokens() == 0 ? decoding.begin() : decoding.next(sequences), randomness);
                }
                ids = new int[prompts.rows() * beams];
                int[] origins = new int[ids.length];
                boolean anyOpen = false;
                for (int prompt = 0; prompt < prompts.rows(); prompt++) {
                    anyOpen |= advance(prompt, all.get(prompt), ids, origins);
                }
                sequences.reorder(origins);
                sequences.append(ids);
                goesOn = anyOpen && mayGoOn();
                if (goesOn && !inOrder(origins)) {
                    decoding.reorder(origins);
                }
            }
        }
        var texts = new ArrayList<Generated.Text>();
        finished.forEach(each -> texts.addAll(each.subList(0, Math.min(each.size(), options.numReturnSequences()))));
        return new Generated(prompts, List.copyOf(texts));
    }

    /// @param logits `[prompts · beams, vocab]`
    private List<Candidates> best(Tensor logits, Randomness randomness) {
        long vocab = logits.size(-1);
        Tensor scores = logits.logSoftmax(-1);
        for (ScoreStep step : steps) {
            scores = step.apply(sequences, scores);
        }
        int rows = prompts.rows();
        float[] soFar = new float[rows * beams];
        for (int row = 0; row < soFar.length; row++) {
            soFar[row] = running[row / beams][row % beams];
        }
        Tensor whole = scores.add(Tensor.of(soFar, soFar.length, 1).to(scores.device())).reshape(rows, beams * vocab);
        Tensor order = options.samples()
                ? whole.add(gumbel(randomness, rows, beams * vocab).to(whole.device()))
                : whole;
        Tensor indices = order.topK(candidates(), -1).indices();
        float[] values = whole.gather(-1, indices).toFloats();
        int[] places = indices.toInts();
        var all = new ArrayList<Candidates>();
        for (int from = 0; from < places.length; from += candidates()) {
            int[] part = Arrays.copyOfRange(places, from, from + candidates());
            all.add(new Candidates(Arrays.stream(part).map(place -> (int) (place / vocab)).toArray(),
                    Arrays.stream(part).map(place -> (int) (place % vocab)).toArray(),
                    Arrays.copyOfRange(values, from, from + candidates())));
        }
        return all;
    }

    /// −log(−log u): the largest of log probabilities with this noise added are a sample without replacement
    /// (Kool et al. 2019).
    private static Tensor gumbel(Randomness randomness, long... shape) {
        return randomness.uniform(1e-20, 1, shape).log().neg().clampMin(1e-20).log().neg();
    }

    /// Sorts the candidates of one prompt into finished and running; writes the rows of the latter.
    ///
    /// @return whether any candidate can be carried on
    private boolean advance(int prompt, Candidates candidates, int[] ids, int[] origins) {
        int count = candidates.id().length;
        int made = sequences.newTokens() + 1;
        boolean takesMore = mayImprove[prompt] && !(full(prompt) && stopsWhenFull());
        var ended = new ArrayList<Integer>();
        var open = new ArrayList<Integer>();
        var fresh = new ArrayList<Generated.Text>();
        for (int i = 0; i < count; i++) {
            int origin = prompt * beams + candidates.beam()[i];
            Finish finish = finish(prompt, origin, candidates.id()[i], made);
            (finish == null ? open : ended).add(i);
            if (finish != null && i < beams && takesMore && isPossible(candidates, i)) {
                float score = (float) (candidates.logProbability()[i] / power(made));
                fresh.add(new Generated.Text(prompt, extended(sequences.generated(origin), candidates.id()[i]), finish,
                        score));
            }
        }
        List<Generated.Text> best = finished.get(prompt);
        best.addAll(fresh);
        best.sort(Comparator.comparingDouble(Generated.Text::score).reversed());
        if (best.size() > beams) {
            best.subList(beams, best.size()).clear();
        }
        boolean anyOpen = open.stream().anyMatch(i -> isPossible(candidates, i));
        // Where too few go on, ended ones keep their places, out of the running.
        int going = open.size();
        open.addAll(ended);
        for (int beam = 0; beam < beams; beam++) {
            int i = open.get(beam);
            int row = prompt * beams + beam;
            ids[row] = candidates.id()[i];
            origins[row] = prompt * beams + candidates.beam()[i];
            running[prompt][beam] = candidates.logProbability()[i] + (beam < going ? 0 : OUT);
        }
        mayImprove[prompt] &= !full(prompt) || bestPossible(prompt, made) > best.getLast().score();
        return anyOpen;
    }

    /// Where a step rules out most ids, there may be fewer candidates than are looked at.
    private static boolean isPossible(Candidates candidates, int i) {
        return candidates.logProbability()[i] > Float.NEGATIVE_INFINITY;
    }

    private @Nullable Finish finish(int prompt, int origin, int id, int made) {
        if (options.limits().endIds().contains(id)) {
            return Finish.END_ID;
        }
        if (stop != Stop.NEVER && stop.reached(extended(sequences.row(origin), id), sequences.promptLength())) {
            return Finish.STOP_STRING;
        }
        return made >= room.of(prompt) ? room.finish(prompt) : null;
    }

    private static int[] extended(int[] ids, int id) {
        int[] longer = Arrays.copyOf(ids, ids.length + 1);
        longer[ids.length] = id;
        return longer;
    }

    private boolean full(int prompt) {
        return finished.get(prompt).size() == beams;
    }

    private boolean stopsWhenFull() {
        return options.beams().earlyStopping() == EarlyStopping.TRUE;
    }

    private boolean mayGoOn() {
        boolean improves = false;
        boolean allFull = true;
        for (int prompt = 0; prompt < prompts.rows(); prompt++) {
            improves |= mayImprove[prompt];
            allFull &= full(prompt);
        }
        return improves && !(allFull && stopsWhenFull());
    }

    /// What the best unfinished text may score yet: as long as it is now, or, where length is rewarded and nothing may be
    /// missed, as long as it may become.
    private double bestPossible(int prompt, int made) {
        boolean never = options.beams().earlyStopping() == EarlyStopping.NEVER;
        int length = never && options.beams().lengthPenalty() > 0 ? room.of(prompt) : made;
        return running[prompt][0] / power(length);
    }

    private double power(int length) {
        return Math.pow(length, options.beams().lengthPenalty());
    }

    private static boolean inOrder(int[] origins) {
        for (int i = 0; i < origins.length; i++) {
            if (origins[i] != i) {
                return false;
            }
        }
        return true;
    }
}
