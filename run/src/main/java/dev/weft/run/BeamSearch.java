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
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Beam search (Sutskever et al. 2014, §3.2) with the rules of the Python library since its version 4.50.
///
/// Each prompt has as many unfinished texts as beams. In a step the best continuations of all of them are found, some
/// more than there are beams, so that as many can go on however many end. Those that end, if they are among the first
/// as many as there are beams, compete with the finished ones by their score; of the others the best go on.
///
/// **In groups** (Vijayakumar et al. 2016) each group of a prompt's beams is a search of its own; only, an id costs it as
/// much more as earlier groups chose it in the same step. **With phrases that must appear** ([ForcedWords]) what brings a
/// text further in them is looked at beside the best continuations, and those that go on are the best of each bank in
/// turn, where a bank is all that has come equally far. These two have the rules that the Python library last had for
/// them, in its versions up to 4.55: they end by the best of all continuations, not by the best that goes on.
final class BeamSearch {
    /// Beside it no log probability counts: the score of a text that must not be chosen.
    private static final float OUT = -1e9f;
    private static final Comparator<Generated.Text> BEST = Comparator.comparingDouble(Generated.Text::score).reversed();

    private final LanguageModel model;
    private final Map<String, Tensor> inputs;
    private final Prompts prompts;
    private final Generation options;
    private final List<ScoreStep> steps;
    private final Stop stop;
    private final TokenBudget budget;
    private final int beams;
    private final int groups;
    /// Beams in a group.
    private final int size;
    private final Sequences sequences;
    /// Log probabilities of the unfinished texts, `[prompts · beams]`.
    private final float[] running;
    /// Finished texts of each group of each prompt, best first.
    private final List<List<Generated.Text>> finished = new ArrayList<>();
    /// Whether a group of a prompt takes no more texts.
    private final boolean[] done;
    private final @Nullable ForcedWords forced;
    /// How far each row has come in the phrases.
    private ForcedWords.@Nullable Progress[] progress;

    /// What each row goes on from and by in this step; the groups fill it one after the other.
    private final int[] origins;
    private final int[] ids;
    private final float[] logs;
    private int group;
    private final @Nullable PromptCache remembered;

    /// @param own steps of the user's own
    BeamSearch(LanguageModel model, Map<String, Tensor> inputs, Prompts prompts, Generation options, int[][] source,
            List<ScoreStep> own, Stop stop, @Nullable PromptCache remembered) {
        this.model = model;
        this.remembered = remembered;
        this.inputs = inputs;
        this.prompts = prompts;
        this.options = options;
        this.stop = stop;
        beams = options.beams().numBeams();
        groups = options.beams().numBeamGroups();
        size = beams / groups;
        steps = ScoreStep.of(options, prompts, source, own, groups == 1 ? List.of() : List.of(this::diverse));
        if ((long) candidates() > (long) size * model.vocabSize()) {
            throw new IllegalArgumentException("num_beams (%d) is too many for a vocabulary of %d".formatted(beams,
                    model.vocabSize()));
        }
        budget = TokenBudget.of(model, prompts, options);
        int rows = prompts.rows() * beams;
        int[][] begin = new int[rows][];
        Arrays.setAll(begin, row -> prompts.ids()[row / beams]);
        sequences = new Sequences(begin);
        origins = new int[rows];
        ids = new int[rows];
        logs = new float[rows];
        running = new float[rows];
        // The beams of a group are alike at first: let one be continued, or all would go the same way.
        for (int row = 0; row < rows; row++) {
            running[row] = row % size == 0 ? 0 : OUT;
        }
        done = new boolean[prompts.rows() * groups];
        for (int slot = 0; slot < done.length; slot++) {
            finished.add(new ArrayList<>());
        }
        List<List<List<Integer>>> words = options.words().forceWordsIds();
        forced = words.isEmpty() ? null : new ForcedWords(words, model.vocabSize());
        progress = new ForcedWords.Progress[forced == null ? 0 : rows];
        for (int row = 0; row < progress.length; row++) {
            progress[row] = begun(row / beams);
        }
    }

    private ForcedWords.Progress begun(int prompt) {
        ForcedWords.Progress so = forced.begin();
        for (int i = 0; i < prompts.length(); i++) {
            so = prompts.real()[prompt][i] ? so.after(prompts.ids()[prompt][i]) : so;
        }
        return so;
    }

    /// Continuations looked at for each group, so many that there are enough even if every beam meets every end id.
    private int candidates() {
        return Math.max(2, 1 + options.limits().endIds().size()) * size;
    }

    /// One way to go on.
    ///
    /// @param origin the row it goes on from
    /// @param score  log probability of the whole text
    /// @param log    log probability of the id
    private record Candidate(int origin, int id, float score, float log) {}

    Generated run() {
        try (var passes = new CachedPasses(model, inputs, prompts, beams, remembered)
                .withRoom(prompts.length() + budget.asked());
                var guidance = Guidance.of(model, prompts, beams, options);
                var randomness = Randomness.seeded(options.sampling().seed())) {
            for (boolean goesOn = true; goesOn;) {
                if (Thread.currentThread().isInterrupted()) {
                    throw TokenLoop.interrupted(sequences.newTokens());
                }
                try (var off = Gradients.off(); var scope = TensorScope.open()) {
                    Tensor logits = sequences.newTokens() == 0 ? passes.begin() : passes.next(sequences);
                    Tensor scores = logits.logSoftmax(-1);
                    step(guidance == null ? scores : guidance.apply(sequences, scores), randomness);
                }
                if (forced != null) {
                    ForcedWords.Progress[] before = progress.clone();
                    Arrays.setAll(progress, row -> before[origins[row]].after(ids[row]));
                }
                sequences.reorder(origins);
                sequences.append(ids, logs);
                goesOn = IntStream.range(0, done.length).anyMatch(slot -> !done[slot]);
                if (goesOn && !inOrder(origins)) {
                    passes.reorder(origins);
                    if (guidance != null) {
                        guidance.reorder(origins);
                    }
                }
            }
        }
        var texts = new ArrayList<Generated.Text>();
        for (int prompt = 0; prompt < prompts.rows(); prompt++) {
            Stream<Generated.Text> all = finished.subList(prompt * groups, (prompt + 1) * groups).stream()
                    .flatMap(List::stream);
            texts.addAll((groups == 1 ? all : all.sorted(BEST)).limit(options.numReturnSequences()).toList());
        }
        return new Generated(prompts, List.copyOf(texts));
    }

    /// Lets each group choose, one after the other.
    ///
    /// @param scores log probabilities, `[prompts · beams, vocab]`
    private void step(Tensor scores, Randomness randomness) {
        for (group = 0; group < groups; group++) {
            int[] rows = IntStream.range(0, prompts.rows() * size)
                    .map(row -> row / size * beams + group * size + row % size).toArray();
            Tensor changed = groups == 1
                    ? ScoreStep.all(steps, sequences, scores)
                    : ScoreStep.all(steps, sequences.select(rows),
                            scores.indexSelect(0, Tensor.of(rows, rows.length).to(scores.device())));
            Tensor logs = changed.logSoftmax(-1);
            float[] soFar = new float[rows.length];
            for (int row = 0; row < soFar.length; row++) {
                soFar[row] = running[rows[row]];
            }
            Tensor whole = changed.add(Tensor.of(soFar, soFar.length, 1).to(changed.device()));
            List<List<Candidate>> best = best(whole, logs, randomness);
            List<List<Candidate>> wanted = forced == null ? List.of() : wanted(whole, logs);
            for (int prompt = 0; prompt < prompts.rows(); prompt++) {
                advance(prompt, best.get(prompt), forced == null ? List.of() : wanted.get(prompt));
            }
        }
    }

    /// Takes from the score of an id as often as earlier groups chose it in this step.
    private Tensor diverse(Sequences texts, Tensor scores) {
        if (group == 0) {
            return scores;
        }
        int vocab = (int) scores.size(-1);
        float[] counts = new float[texts.rows() * vocab];
        for (int row = 0; row < texts.rows(); row++) {
            int first = row / size * beams;
            for (int beam = first; beam < first + group * size; beam++) {
                counts[row * vocab + ids[beam]]++;
            }
        }
        return scores.sub(Tensor.of(counts, texts.rows(), vocab).to(scores.device())
                .mul(options.beams().diversityPenalty()));
    }

    /// The best continuations of each prompt's beams in this group, best first.
    ///
    /// @param whole log probabilities of the texts, `[prompts · size, vocab]`
    /// @param logs  log probabilities of the ids alone
    private List<List<Candidate>> best(Tensor whole, Tensor logs, Randomness randomness) {
        int rows = prompts.rows();
        int vocab = (int) whole.size(-1);
        Tensor flat = whole.reshape(rows, (long) size * vocab);
        Tensor order = options.samples()
                ? flat.add(gumbel(randomness, rows, (long) size * vocab).to(flat.device()))
                : flat;
        Tensor indices = order.topK(candidates(), -1).indices();
        float[] scores = flat.gather(-1, indices).toFloats();
        float[] ownLogs = logs.reshape(rows, (long) size * vocab).gather(-1, indices).toFloats();
        int[] places = indices.toInts();
        return IntStream.range(0, rows).mapToObj(prompt -> IntStream
                .range(prompt * candidates(), (prompt + 1) * candidates())
                .mapToObj(i -> new Candidate(prompt * beams + group * size + places[i] / vocab, places[i] % vocab,
                        scores[i], ownLogs[i]))
                .toList()).toList();
    }

    /// −log(−log u): the largest of log probabilities with this noise added are a sample without replacement
    /// (Kool et al. 2019).
    private static Tensor gumbel(Randomness randomness, long... shape) {
        return randomness.uniform(1e-20, 1, shape).log().neg().clampMin(1e-20).log().neg();
    }

    /// What would bring the texts of each prompt further in the phrases.
    private List<List<Candidate>> wanted(Tensor whole, Tensor logs) {
        int most = Arrays.stream(progress).mapToInt(each -> each.wanted().size()).max().orElse(0);
        if (most == 0) {
            return IntStream.range(0, prompts.rows()).mapToObj(prompt -> List.<Candidate>of()).toList();
        }
        // A rectangle: short rows are filled with id 0, which is not read.
        long[] index = new long[progress.length * most];
        for (int row = 0; row < progress.length; row++) {
            int at = row * most;
            for (int id : progress[row].wanted()) {
                index[at++] = id;
            }
        }
        Tensor places = Tensor.of(index, progress.length, most).to(whole.device());
        float[] scores = whole.gather(-1, places).toFloats();
        float[] ownLogs = logs.gather(-1, places).toFloats();
        return IntStream.range(0, prompts.rows()).mapToObj(prompt -> IntStream
                .range(prompt * beams * most, (prompt + 1) * beams * most)
                .filter(i -> i % most < progress[i / most].wanted().size())
                .mapToObj(i -> new Candidate(i / most, (int) index[i], scores[i], ownLogs[i])).toList()).toList();
    }

    /// Sorts the candidates of one prompt in this group into finished and running; writes the rows of the latter.
    private void advance(int prompt, List<Candidate> candidates, List<Candidate> wanted) {
        int slot = prompt * groups + group;
        int first = prompt * beams + group * size;
        int made = sequences.newTokens() + 1;
        if (done[slot]) {
            for (int row = first; row < first + size; row++) {
                origins[row] = row;
                ids[row] = options.limits().padId();
                logs[row] = Float.NaN;
            }
            return;
        }
        var ended = new ArrayList<Candidate>();
        var open = new ArrayList<Candidate>();
        List<Generated.Text> best = finished.get(slot);
        for (int i = 0; i < candidates.size(); i++) {
            Candidate candidate = candidates.get(i);
            Finish finish = finish(candidate);
            // Where a step rules out most ids, there may be fewer candidates than are looked at.
            boolean possible = candidate.score() > Float.NEGATIVE_INFINITY;
            (finish == null && possible ? open : ended).add(candidate);
            if (finish != null && possible && i < size && complete(candidate)) {
                best.add(text(prompt, candidate, finish));
            }
        }
        List<Candidate> going = open.subList(0, Math.min(size, open.size()));
        if (forced != null) {
            going = banked(going, wanted);
        }
        boolean full = made >= budget.of(prompt);
        boolean plain = forced == null && groups == 1;
        if (full && (plain || !stopsWhenFull() || best.size() < size)) {
            going.stream().filter(this::complete).forEach(each -> best.add(text(prompt, each, budget.finish(prompt))));
        }
        best.sort(BEST);
        if (best.size() > size) {
            best.subList(size, best.size()).clear();
        }
        if (full && best.size() < options.numReturnSequences()) {
            // Not enough texts have all phrases: the others come after them.
            going.stream().filter(each -> !complete(each)).map(each -> text(prompt, each, budget.finish(prompt)))
                    .sorted(BEST).forEach(best::add);
        }
        for (int beam = 0; beam < size; beam++) {
            // Where too few go on, ended ones keep their places, out of the running.
            boolean goes = beam < going.size();
            Candidate candidate = goes ? going.get(beam) : ended.get(beam - going.size());
            origins[first + beam] = candidate.origin();
            ids[first + beam] = candidate.id();
            logs[first + beam] = candidate.log();
            running[first + beam] = candidate.score() + (goes ? 0 : OUT);
        }
        done[slot] = full || going.isEmpty() || best.size() == size && (stopsWhenFull()
                || bestPossible(prompt, plain ? running[first] : candidates.getFirst().score(),
                        made) <= best.getLast().score());
    }

    private Generated.Text text(int prompt, Candidate last, Finish finish) {
        int made = sequences.newTokens() + 1;
        float[] all = Arrays.copyOf(sequences.logProbabilities(last.origin()), made);
        all[made - 1] = last.log();
        return new Generated.Text(prompt, extended(sequences.generated(last.origin()), last.id()), all, finish,
                last.score() / power(made));
    }

    /// Whether a text with this candidate has all phrases.
    private boolean complete(Candidate candidate) {
        return forced == null || progress[candidate.origin()].after(candidate.id()).complete();
    }

    /// The best of each bank in turn, of those that would go on and of those that are wanted.
    private List<Candidate> banked(List<Candidate> going, List<Candidate> wanted) {
        var all = new ArrayList<>(going);
        for (Candidate candidate : wanted) {
            if (candidate.score() > Float.NEGATIVE_INFINITY
                    && all.stream().noneMatch(other -> same(other, candidate))) {
                all.add(candidate);
            }
        }
        if (all.size() == going.size()) {
            return going;
        }
        int[] banks = new int[all.size()];
        Arrays.setAll(banks, i -> progress[all.get(i).origin()].after(all.get(i).id()).bank());
        // Banks from the fullest to the emptiest; a hundred is more than scores commonly differ by.
        List<Integer> order = IntStream.range(0, all.size()).boxed()
                .sorted(Comparator.comparing((Integer i) -> banks[i] * 100 + all.get(i).score()).reversed()).toList();
        int[] rank = new int[all.size()];
        for (int i = 1; i < order.size(); i++) {
            boolean sameBank = banks[order.get(i)] == banks[order.get(i - 1)];
            rank[order.get(i)] = sameBank ? rank[order.get(i - 1)] + 1 : 0;
        }
        return order.stream().sorted(Comparator.comparingInt(i -> rank[i])).limit(size).map(all::get).toList();
    }

    /// Whether both give the same text: the beams are alike at first.
    private boolean same(Candidate one, Candidate other) {
        return one.id() == other.id() && (one.origin() == other.origin()
                || Arrays.equals(sequences.row(one.origin()), sequences.row(other.origin())));
    }

    private @Nullable Finish finish(Candidate candidate) {
        if (options.limits().endIds().contains(candidate.id())) {
            return Finish.END_ID;
        }
        return stop != Stop.NEVER && stop.reached(extended(sequences.row(candidate.origin()), candidate.id()),
                sequences.promptLength()) ? Finish.STOP_STRING : null;
    }

    private static int[] extended(int[] ids, int id) {
        int[] longer = Arrays.copyOf(ids, ids.length + 1);
        longer[ids.length] = id;
        return longer;
    }

    private boolean stopsWhenFull() {
        return options.beams().earlyStopping() == EarlyStopping.TRUE;
    }

    /// What the best unfinished text may score yet: as long as it is now, or, where length is rewarded and nothing may be
    /// missed, as long as it may become.
    private double bestPossible(int prompt, float score, int made) {
        boolean never = options.beams().earlyStopping() == EarlyStopping.NEVER;
        int length = never && options.beams().lengthPenalty() > 0 ? budget.of(prompt) : made;
        return score / power(length);
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
