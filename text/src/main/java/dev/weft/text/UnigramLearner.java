package dev.weft.text;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/// The learning half of a unigram language model (Kudo 2018, <https://arxiv.org/abs/1804.10959>, §3.2): begin with far
/// too many pieces, fit their probabilities by expectation maximisation, drop the pieces that the text can do without most
/// easily, and so on until few enough are left. Single characters stay.
///
/// The first pieces are the substrings with the largest frequency × length, each word counted as often as it occurs, where
/// the reference implementations count it once: a measured gain (`docs/decisions/0013-training-tokenizers.md`).
final class UnigramLearner {
    /// Words are worked on in so many parts, whatever the number of threads, so that sums are the same.
    private static final int PARTS = 16;
    /// A piece expected less often is dropped.
    private static final double RARE = 0.5;
    private static final int ROOT = 0;

    /// @param maxPieceLength   characters that a piece may have
    /// @param seedSize         pieces to begin with, characters not counted
    /// @param shrinkingFactor  what part of the pieces is kept each time
    /// @param subIterations    rounds of expectation maximisation between prunings
    record Settings(int maxPieceLength, int seedSize, double shrinkingFactor, int subIterations) {}

    /// A piece and the logarithm of its probability.
    record Piece(String text, double score) {}

    private final Settings settings;
    private final int threads;
    private final TrainingProgress progress;
    private final int[] alphabet;
    // Words as numbers of characters, one behind the other; where characters outside the alphabet stood, a word is cut.
    private final int[] text;
    private final int[] wordAt;
    private final int[] ends;
    private final long[] counts;

    // The pieces: characters first, each a stretch of the text, except characters that do not occur.
    private int[] starts;
    private int[] lengths;
    private double[] scores;
    private PairTable children = new PairTable(1);
    /// Pieces at first, and in the end.
    private int begun;
    private int target;
    /// By node of the trie: the piece that ends there, or -1.
    private IntList pieceAt = new IntList(1);

    UnigramLearner(WordCounts words, int[] alphabet, Settings settings, int threads, TrainingProgress progress) {
        this.settings = settings;
        this.threads = threads;
        this.progress = progress;
        this.alphabet = alphabet;
        var characters = new IntList(1 << 16);
        var wordOf = new IntList(1 << 16);
        var wordEnds = new IntList(1 << 12);
        long[] weights = new long[1 << 12];
        for (int word = 0; word < words.words().length; word++) {
            int begin = characters.size;
            int[] codePoints = words.words()[word].codePoints().toArray();
            for (int i = 0; i <= codePoints.length; i++) {
                int index = i < codePoints.length ? Arrays.binarySearch(alphabet, codePoints[i]) : -1;
                if (index >= 0) {
                    wordOf.add(wordEnds.size);
                    characters.add(index);
                } else if (characters.size > begin) {
                    if (wordEnds.size == weights.length) {
                        weights = Arrays.copyOf(weights, weights.length * 2);
                    }
                    weights[wordEnds.size] = words.counts()[word];
                    begin = characters.size;
                    wordEnds.add(begin);
                }
            }
        }
        // Behind the words the alphabet, so that each character stands somewhere in the text.
        for (int c = 0; c < alphabet.length; c++) {
            characters.add(c);
        }
        text = characters.toArray();
        wordAt = wordOf.toArray();
        ends = wordEnds.toArray();
        counts = Arrays.copyOf(weights, ends.length);
        starts = new int[0];
        lengths = new int[0];
        scores = new double[0];
    }

    /// The alphabet and as many pieces more as there are or make `size`, the most probable first; of equals, the one that
    /// sorts first.
    List<Piece> learn(int size) {
        seed();
        // Pruning stops a little above the size, as the reference implementations do: the last are chosen by probability.
        int roomy = Math.max(alphabet.length, (int) (size * 1.1));
        begun = starts.length;
        target = size;
        while (true) {
            for (int i = 0; i < settings.subIterations; i++) {
                maximise(expected());
            }
            if (starts.length <= roomy) {
                break;
            }
            prune(Math.max(roomy, (int) (starts.length * settings.shrinkingFactor)));
        }
        int[] best = IntStream.range(alphabet.length, starts.length).boxed()
                .sorted(Comparator.comparingDouble((Integer p) -> -scores[p]).thenComparing(this::spelled))
                .limit(Math.max(0, size - alphabet.length)).mapToInt(Integer::intValue).sorted().toArray();
        keep(best);
        maximise(expected());
        return IntStream.range(0, starts.length).mapToObj(p -> new Piece(spelled(p), scores[p]))
                .sorted(Comparator.comparingDouble((Piece piece) -> -piece.score).thenComparing(Piece::text)).toList();
    }

    private String spelled(int piece) {
        var spelled = new StringBuilder();
        for (int i = 0; i < lengths[piece]; i++) {
            spelled.appendCodePoint(alphabet[text[starts[piece] + i]]);
        }
        return spelled.toString();
    }

    private void seed() {
        progress.at("finding pieces", 0, 0);
        int n = wordAt.length;
        List<RepeatedSubstrings.Found> found = new RepeatedSubstrings(Arrays.copyOf(text, n), wordAt, ends, counts,
                settings.maxPieceLength).best(settings.seedSize);
        int size = alphabet.length + found.size();
        starts = new int[size];
        lengths = new int[size];
        scores = new double[size];
        for (int i = 0; i < n; i++) {
            scores[text[i]] += counts[wordAt[i]];
        }
        for (int p = 0; p < size; p++) {
            boolean character = p < alphabet.length;
            starts[p] = character ? n + p : found.get(p - alphabet.length).start();
            lengths[p] = character ? 1 : found.get(p - alphabet.length).length();
            scores[p] = character ? Math.max(RARE, scores[p]) : found.get(p - alphabet.length).score();
        }
        double sum = StrictMath.log(Arrays.stream(scores).sum());
        for (int p = 0; p < size; p++) {
            scores[p] = StrictMath.log(scores[p]) - sum;
        }
        index();
    }

    /// Keeps the characters and these pieces, which are sorted.
    private void keep(int[] pieces) {
        int size = alphabet.length + pieces.length;
        for (int i = 0; i < pieces.length; i++) {
            starts[alphabet.length + i] = starts[pieces[i]];
            lengths[alphabet.length + i] = lengths[pieces[i]];
            scores[alphabet.length + i] = scores[pieces[i]];
        }
        starts = Arrays.copyOf(starts, size);
        lengths = Arrays.copyOf(lengths, size);
        scores = Arrays.copyOf(scores, size);
        index();
    }

    /// Makes the trie of all pieces.
    private void index() {
        children = new PairTable(starts.length);
        pieceAt = new IntList(starts.length * 2);
        pieceAt.add(-1);
        for (int p = 0; p < starts.length; p++) {
            int node = ROOT;
            for (int i = starts[p]; i < starts[p] + lengths[p]; i++) {
                int child = children.find(node, text[i]);
                if (child < 0) {
                    child = pieceAt.size;
                    children.put(PairTable.pair(node, text[i]), child);
                    pieceAt.add(-1);
                }
                node = child;
            }
            pieceAt.values[node] = p;
        }
    }

    /// How often each piece occurs, expected over all ways to cut each word (forward-backward).
    private double[] expected() {
        double[] sums = new double[starts.length];
        inParts(part -> {
            var lattice = new Lattice();
            double[] expected = new double[starts.length];
            forWords(part, word -> lattice.addExpected(begin(word), ends[word], counts[word], expected));
            return expected;
        }, expected -> {
            for (int p = 0; p < sums.length; p++) {
                sums[p] += expected[p];
            }
        });
        return sums;
    }

    /// Probabilities from expected counts; the digamma function, a variational Bayesian step, makes rare pieces rarer, as
    /// in the implementation of the paper.
    private void maximise(double[] expected) {
        double sum = 0;
        for (int p = 0; p < expected.length; p++) {
            if (p < alphabet.length) {
                expected[p] = Math.max(RARE, expected[p]);
            }
            sum += expected[p] >= RARE ? expected[p] : 0;
        }
        double logSum = digamma(sum);
        for (int p = 0; p < expected.length; p++) {
            scores[p] = expected[p] >= RARE ? digamma(expected[p]) - logSum : Double.NEGATIVE_INFINITY;
        }
        int[] kept = IntStream.range(alphabet.length, expected.length).filter(p -> expected[p] >= RARE).toArray();
        if (kept.length < expected.length - alphabet.length) {
            keep(kept);
        }
    }

    /// The logarithmic derivative of the gamma function, by its recurrence and its asymptotic series.
    static double digamma(double value) {
        double x = value;
        double result = 0;
        while (x < 7) {
            result -= 1 / x;
            x++;
        }
        double inverse = 1 / (x * x);
        return result + StrictMath.log(x) - 0.5 / x - inverse * (1 / 12.0
                - inverse * (1 / 120.0 - inverse * (1 / 252.0 - inverse * (1 / 240.0 - inverse / 132.0))));
    }

    /// Keeps, of all pieces, the `size` whose loss would make the text least likely.
    private void prune(int size) {
        long[] used = new long[starts.length];
        int[][] instead = new int[starts.length][];
        inParts(part -> {
            var lattice = new Lattice();
            long[] found = new long[starts.length];
            forWords(part, word -> {
                for (int piece : lattice.best(begin(word), ends[word], -1)) {
                    found[piece] += counts[word];
                }
            });
            for (int p = alphabet.length + part; p < starts.length; p += PARTS) {
                instead[p] = lattice.best(starts[p], starts[p] + lengths[p], p);
            }
            return found;
        }, found -> {
            for (int p = 0; p < used.length; p++) {
                used[p] += found[p];
            }
        });
        long sum = Arrays.stream(used).sum();
        double[] losses = new double[starts.length];
        for (int p = alphabet.length; p < losses.length; p++) {
            losses[p] = used[p] == 0 ? Double.NEGATIVE_INFINITY : loss(used, sum, p, instead[p]);
        }
        keep(IntStream.range(alphabet.length, losses.length).boxed()
                .sorted(Comparator.comparingDouble((Integer p) -> -losses[p]))
                .limit(Math.max(0, size - alphabet.length))
                .mapToInt(Integer::intValue).sorted().toArray());
    }

    /// By how much the logarithm of the text's likelihood falls when other pieces stand wherever this one stood.
    private static double loss(long[] used, long sum, int piece, int[] instead) {
        double with = StrictMath.log(used[piece]) - StrictMath.log(sum);
        double newSum = StrictMath.log(sum + (double) used[piece] * (instead.length - 1));
        double without = 0;
        for (int other : instead) {
            without += StrictMath.log(used[other] + used[piece]) - newSum;
        }
        return used[piece] * (with - without);
    }

    private int begin(int word) {
        return word == 0 ? 0 : ends[word - 1];
    }

    private void forWords(int part, IntConsumer words) {
        // Parts of equal text, not of equal numbers of words.
        int word = firstWord(part);
        int end = firstWord(part + 1);
        for (; word < end; word++) {
            words.accept(word);
        }
    }

    private int firstWord(int part) {
        long place = (long) wordAt.length * part / PARTS;
        return place == wordAt.length ? ends.length : wordAt[(int) place];
    }

    private <T> void inParts(IntFunction<T> work, Consumer<T> results) {
        try (var workers = new InOrder<>(threads, results)) {
            for (int part = 0; part < PARTS; part++) {
                int number = part;
                workers.submit(() -> work.apply(number));
                progress.at("learning pieces", begun - starts.length, Math.max(0, begun - target));
            }
            workers.finish();
        }
    }

    /// The ways to cut one stretch of text into pieces: an edge for each piece that stands in it. One thread uses it, for
    /// one stretch after the other.
    private final class Lattice {
        // By place in the stretch.
        private double[] forward = new double[64];
        private double[] backward = new double[64];
        private int[] lastPiece = new int[64];
        /// Edges that begin at a place end before `edgesBefore[place + 1]`.
        private int[] edgesBefore = new int[64];
        // By edge.
        private final IntList edgeEnds = new IntList(256);
        private final IntList edgePieces = new IntList(256);

        private void room(int places) {
            if (forward.length < places + 2) {
                int size = Math.max(places + 2, forward.length * 2);
                forward = new double[size];
                backward = new double[size];
                lastPiece = new int[size];
                edgesBefore = new int[size];
            }
        }

        private void findEdges(int from, int to) {
            int length = to - from;
            room(length);
            edgeEnds.size = 0;
            edgePieces.size = 0;
            for (int place = 0; place < length; place++) {
                edgesBefore[place] = edgeEnds.size;
                int node = ROOT;
                for (int end = place; end < length; end++) {
                    node = children.find(node, text[from + end]);
                    if (node < 0) {
                        break;
                    }
                    int piece = pieceAt.values[node];
                    if (piece >= 0) {
                        edgeEnds.add(end + 1);
                        edgePieces.add(piece);
                    }
                }
            }
            edgesBefore[length] = edgeEnds.size;
        }

        void addExpected(int from, int to, long count, double[] expected) {
            findEdges(from, to);
            int length = to - from;
            Arrays.fill(forward, 0, length + 1, Double.NEGATIVE_INFINITY);
            forward[0] = 0;
            for (int place = 0; place < length; place++) {
                for (int edge = edgesBefore[place]; edge < edgesBefore[place + 1]; edge++) {
                    int end = edgeEnds.values[edge];
                    forward[end] = logSum(forward[end], forward[place] + scores[edgePieces.values[edge]]);
                }
            }
            backward[length] = 0;
            for (int place = length - 1; place >= 0; place--) {
                double sum = Double.NEGATIVE_INFINITY;
                for (int edge = edgesBefore[place]; edge < edgesBefore[place + 1]; edge++) {
                    double rest = scores[edgePieces.values[edge]] + backward[edgeEnds.values[edge]];
                    expected[edgePieces.values[edge]] += count
                            * StrictMath.exp(forward[place] + rest - forward[length]);
                    sum = logSum(sum, rest);
                }
                backward[place] = sum;
            }
        }

        /// log(eᵃ + eᵇ).
        private static double logSum(double a, double b) {
            double larger = Math.max(a, b);
            double difference = larger - Math.min(a, b);
            // e⁻⁴⁰ is below what a double of that size can tell; also where one is −∞.
            return difference < 40 ? larger + StrictMath.log(1 + StrictMath.exp(-difference)) : larger;
        }

        /// The pieces of the most probable cut, `excluded` not among them.
        int[] best(int from, int to, int excluded) {
            findEdges(from, to);
            int length = to - from;
            Arrays.fill(forward, 0, length + 1, Double.NEGATIVE_INFINITY);
            forward[0] = 0;
            for (int place = 0; place < length; place++) {
                for (int edge = edgesBefore[place]; edge < edgesBefore[place + 1]; edge++) {
                    int piece = edgePieces.values[edge];
                    int end = edgeEnds.values[edge];
                    double score = forward[place] + scores[piece];
                    if (piece != excluded && score > forward[end]) {
                        forward[end] = score;
                        lastPiece[end] = piece;
                    }
                }
            }
            int count = 0;
            for (int end = length; end > 0; end -= lengths[lastPiece[end]]) {
                count++;
            }
            int[] pieces = new int[count];
            for (int end = length; end > 0; end -= lengths[lastPiece[end]]) {
                pieces[--count] = lastPiece[end];
            }
            return pieces;
        }
    }
}
