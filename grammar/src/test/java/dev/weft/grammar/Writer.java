package dev.weft.grammar;

import dev.weft.text.BytePairTrainer;
import dev.weft.text.Tokenizer;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/// Writes what a constraint allows without a model: by chance among the ids that may come.
final class Writer {
    /// Every byte is a token, and a few pairs, some of which lie across the signs of JSON or the bytes of a character.
    static final Tokenizer BYTES = BytePairTrainer.ofVocabSize(330).withSpecialTokens("<|end|>").withThreads(1)
            .train(List.of("{\"name\": \"the cat\", \"age\": 12, \"on\": true}, {\"name\": \"éé 日本 🦙🦙\", \"age\": 7}",
                    "[[1, 2], [3, 4]] null null false false \"the\", \"hat\"]} \"}]}"));

    static final TokenIds IDS = ids(BYTES);

    private Writer() {}

    private static TokenIds ids(Tokenizer tokenizer) {
        byte[][] inside = tokenizer.bytesOfIds(false);
        var special = new BitSet();
        IntStream.range(0, inside.length).filter(tokenizer::isSpecial).forEach(special::set);
        return new TokenIds(inside, tokenizer.bytesOfIds(true), special);
    }

    /// @return the text, or null if it did not come to its end with so many ids
    static String write(Constraint constraint, int room, long seed) {
        TokenIds tokens = IDS;
        var automaton = automaton(constraint, tokens);
        var random = new SplittableRandom(seed);
        int[] ids = new int[room];
        int count = 0;
        Automaton.State state = automaton.start();
        while (count < room) {
            Automaton.Allowed allowed = automaton.allowed(state, count == 0, room - count - 2);
            if (state.accepts() && (allowed.count() == 0 || random.nextInt(8) == 0)) {
                return BYTES.decode(IntStream.of(ids).limit(count).toArray());
            }
            int[] may = IntStream.range(0, tokens.size()).filter(id -> allowed.ids()[id]).toArray();
            int id = may[random.nextInt(may.length)];
            state = automaton.after(state, id, count == 0);
            ids[count++] = id;
        }
        return null;
    }

    static Automaton automaton(Constraint constraint, TokenIds tokens) {
        return new Automaton(constraint, tokens);
    }
}
