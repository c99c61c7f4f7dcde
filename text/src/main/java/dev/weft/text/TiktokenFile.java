package dev.weft.text;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;

/// The files of OpenAI's tiktoken: a line for each token, its bytes in base 64 and its rank, which is its id. Of all
/// neighbours whose bytes are a token those of the lowest rank are merged first; Llama 3's `tokenizer.model` and Qwen's
/// `qwen.tiktoken` are such files too.
final class TiktokenFile {
    private TiktokenFile() {}

    /// Whether a file begins with such a line.
    static boolean isOne(byte[] file) {
        int end = 0;
        while (end < file.length && file[end] != '\n' && end < 1000) {
            end++;
        }
        return new String(file, 0, end, StandardCharsets.ISO_8859_1).matches("[A-Za-z0-9+/]+={0,2} [0-9]+\\r?");
    }

    static Tokenizer read(Path file, byte[] bytes, FolderSettings settings) {
        Vocabulary ranks = ranks(file, new String(bytes, StandardCharsets.ISO_8859_1).split("\\R"));
        var published = BytePairFamily.Published.of(
                settings.family().isEmpty() ? file.getFileName().toString() : settings.family(), ranks.size());
        Vocabulary all = ranks.copy();
        var special = new ArrayList<AddedToken>();
        if (settings.listed().isEmpty()) {
            published.special().forEach((token, id) -> {
                if (all.token(id) == null) {
                    all.put(token, id);
                    special.add(AddedToken.special(id, token));
                }
            });
        }
        List<AddedToken> added = settings.added(all, special);
        String bos = published.roles().get("bos_token");
        PostProcessor postProcessor = published.addsBos() && bos != null && all.idOrNone(bos) >= 0
                ? Templates.of(bos + " $A", bos + " $A " + bos + " $B:1", all)
                : new PostProcessor.ByteLevel(true, false, true);
        return published.family().tokenizer(model(ranks), published.composed(), postProcessor, added, all,
                published.roles(), settings);
    }

    private static Vocabulary ranks(Path file, String[] lines) {
        var vocabulary = new Vocabulary(lines.length);
        for (int i = 0; i < lines.length; i++) {
            String line = lines[i];
            int space = line.indexOf(' ');
            byte[] token = null;
            int rank = -1;
            try {
                token = Base64.getDecoder().decode(line.substring(0, Math.max(0, space)));
                rank = Integer.parseInt(line.substring(space + 1).strip());
            } catch (IllegalArgumentException e) {
                // Said below.
            }
            if (line.isEmpty() && i == lines.length - 1) {
                continue;
            }
            if (token == null || token.length == 0 || rank < 0 || rank >= Vocabulary.MAX_SIZE) {
                throw error(file, i, "expected a token in base 64, a space and its rank, found \"%s\""
                        .formatted(line.length() > 80 ? line.substring(0, 80) + "…" : line));
            }
            String spelled = spelled(token);
            if (vocabulary.token(rank) != null) {
                throw error(file, i, "rank %d is given twice".formatted(rank));
            }
            if (vocabulary.idOrNone(spelled) >= 0) {
                throw error(file, i, "the token \"%s\" is given twice, with the ranks %d and %d".formatted(spelled,
                        vocabulary.idOrNone(spelled), rank));
            }
            vocabulary.put(spelled, rank);
        }
        for (char b : ByteAlphabet.sorted()) {
            if (vocabulary.idOrNone(String.valueOf(b)) < 0) {
                throw new IllegalArgumentException("%s: no line for the byte 0x%02X; is the download complete?"
                        .formatted(file, ByteAlphabet.byteOf(b)));
            }
        }
        return vocabulary;
    }

    private static IllegalArgumentException error(Path file, int line, String problem) {
        return new IllegalArgumentException(OneLine.of("%s: line %d: %s".formatted(file, line + 1, problem)));
    }

    private static String spelled(byte[] token) {
        var spelled = new StringBuilder(token.length);
        for (byte b : token) {
            spelled.append(ByteAlphabet.charOf(b));
        }
        return spelled.toString();
    }

    /// All pairs of tokens that make a token, each with that token's rank.
    private static Bpe model(Vocabulary ranks) {
        record Pair(int left, int right, int merged) {}
        var pairs = new ArrayList<Pair>();
        for (int id = 0; id < ranks.size(); id++) {
            String token = ranks.token(id);
            for (int cut = 1; token != null && cut < token.length(); cut++) {
                int left = ranks.idOrNone(token.substring(0, cut));
                int right = ranks.idOrNone(token.substring(cut));
                if (left >= 0 && right >= 0) {
                    pairs.add(new Pair(left, right, id));
                }
            }
        }
        pairs.sort(Comparator.comparingInt(Pair::merged).thenComparingInt(Pair::left).thenComparingInt(Pair::right));
        int[] merged = pairs.stream().mapToInt(Pair::merged).toArray();
        return new Bpe(ranks, new Bpe.Merges(pairs.stream().mapToInt(Pair::left).toArray(),
                pairs.stream().mapToInt(Pair::right).toArray(), merged, merged.clone()),
                new Bpe.Options(null, null, null, false, false, true));
    }
}
