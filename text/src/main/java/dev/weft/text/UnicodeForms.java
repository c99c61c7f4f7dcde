package dev.weft.text;

import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// NFC, NFD, NFKC and NFKD (Unicode TR 15) that keep an account of places as Hugging Face's library does. The JDK's own
/// give no places and are asked for single characters only, whose answers are kept.
///
/// Linear in the text but for sorting the marks of one character (n log n).
final class UnicodeForms {
    /// One mark of each combining class, in the order of the classes: by how they swap places the class of any other
    /// mark is found.
    private static final int[] CLASS_MARKS = {0x334, 0x16FF0, 0x93C, 0x3099, 0x94D, 0x5B0, 0x5B1, 0x5B2, 0x5B3, 0x5B4,
            0x5B5, 0x5B6, 0x5B7, 0x5B8, 0x5B9, 0x5BB, 0x5BC, 0x5BD, 0x5BF, 0x5C1, 0x5C2, 0xFB1E, 0x64B, 0x64C, 0x64D,
            0x64E, 0x64F, 0x650, 0x651, 0x652, 0x670, 0x711, 0xC55, 0xC56, 0xE38, 0xE48, 0xEB8, 0xEC8, 0xF71, 0xF72,
            0xF74, 0x321, 0x1DCE, 0x31B, 0x302A, 0x316, 0x59A, 0x302E, 0x1D16D, 0x5AE, 0x301, 0x315, 0x35C, 0x35D,
            0x345};

    private static final int HANGUL = 0xAC00;
    private static final int HANGUL_LEADS = 0x1100;
    private static final int HANGUL_VOWELS = 0x1161;
    private static final int HANGUL_FINALS = 0x11A7;
    private static final int VOWELS = 21;
    private static final int FINALS = 28;
    private static final int SYLLABLES = 19 * VOWELS * FINALS;

    /// Combining class (0 or the rank of its class, from 1) and, from bit 7, whether a form can change the character or
    /// join it to one before it. In pages of 256 characters that are made when first asked for.
    private static final byte[][][] KINDS = new byte[Form.values().length][0x1100][];
    private static final int UNSAFE = 0x80;
    private static final int[][][] DECOMPOSED = new int[2][0x10000][];

    /// Which pairs compose, kept apart so that only composing forms need it.
    private static final class Pairs {
        static final Map<Long, Integer> COMPOSED = new HashMap<>();
        static final boolean[] SECOND = new boolean[0x20000];

        static {
            for (int c = 0xC0; c < 0x17000; c = c == 0x3100 ? 0x10000 : c + 1) {
                String text = Character.toString(c);
                String apart = Normalizer.normalize(text, Form.NFD);
                if (!apart.equals(text) && ReferenceCharacters.hasForms(c) && Normalizer.isNormalized(text, Form.NFC)) {
                    int second = apart.codePointBefore(apart.length());
                    String first = Normalizer.normalize(
                            apart.substring(0, apart.length() - Character.charCount(second)), Form.NFC);
                    COMPOSED.put(pair(first.codePointAt(0), second), c);
                    SECOND[second] = true;
                }
            }
            Arrays.fill(SECOND, HANGUL_VOWELS, HANGUL_VOWELS + VOWELS, true);
            Arrays.fill(SECOND, HANGUL_FINALS + 1, HANGUL_FINALS + FINALS, true);
        }

        static long pair(int first, int second) {
            return (long) first << 32 | second;
        }
    }

    private UnicodeForms() {}

    static Piece apply(Piece piece, Form form) {
        String text = piece.text;
        int from = firstUnsafe(text, form);
        if (from == text.length()) {
            return piece;
        }
        var result = piece.new Rewriting();
        result.keep(0, from);
        var segment = new Segment();
        while (from < text.length()) {
            // A safe character with the unsafe ones behind it is a segment: nothing acts across its edges.
            int to = after(text, from);
            while (to < text.length() && isUnsafe(text.codePointAt(to), form)) {
                to = after(text, to);
            }
            if (to == after(text, from) && !isUnsafe(text.codePointAt(from), form)) {
                result.keep(from, to);
            } else {
                segment.rewrite(text, from, to, form);
                segment.change.apply(piece, result, from);
            }
            from = to;
        }
        return result.piece();
    }

    /// The last place that is not behind anything unsafe, and not between an unsafe character and what it may join.
    private static int firstUnsafe(String text, Form form) {
        char safe = form == Form.NFC ? 0x300 : form == Form.NFD ? 0xC0 : (char) 0xA0;
        int last = 0;
        for (int i = 0; i < text.length(); i = after(text, i)) {
            if (text.charAt(i) >= safe && isUnsafe(text.codePointAt(i), form)) {
                return last;
            }
            last = i;
        }
        return text.length();
    }

    private static int after(String text, int at) {
        return at + Character.charCount(text.codePointAt(at));
    }

    private static boolean isUnsafe(int codePoint, Form form) {
        return codePoint >= 0xA0 && kind(codePoint, form) != 0;
    }

    /// Rank of the combining class, 0 for a character that begins a new one.
    static int combiningClass(int codePoint) {
        return codePoint < 0x300 ? 0 : kind(codePoint, Form.NFD) & ~UNSAFE;
    }

    private static int kind(int codePoint, Form form) {
        byte[][] pages = KINDS[form.ordinal()];
        byte[] page = pages[codePoint >> 8];
        if (page == null) {
            page = page(codePoint >> 8, form);
            pages[codePoint >> 8] = page;
        }
        return page[codePoint & 0xFF] & 0xFF;
    }

    private static byte[] page(int number, Form form) {
        var page = new byte[256];
        boolean composing = form == Form.NFC || form == Form.NFKC;
        for (int i = 0; i < 256; i++) {
            int c = number << 8 | i;
            if (!Character.isDefined(c) || c >= 0xD800 && c <= 0xDFFF || !ReferenceCharacters.hasForms(c)) {
                continue;
            }
            int rank = switch (Character.getType(c)) {
                case Character.NON_SPACING_MARK, Character.COMBINING_SPACING_MARK -> rank(Character.toString(c));
                default -> 0;
            };
            boolean unsafe = rank > 0 || !Normalizer.isNormalized(Character.toString(c), form)
                    || composing && c < Pairs.SECOND.length && Pairs.SECOND[c];
            page[i] = (byte) (rank | (unsafe ? UNSAFE : 0));
        }
        return page;
    }

    /// 0 also for what decomposes: the parts have classes of their own.
    private static int rank(String mark) {
        if (swaps(mark)) {
            return 0;
        }
        int low = 0;
        int high = CLASS_MARKS.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            String known = Character.toString(CLASS_MARKS[middle]);
            if (swaps(known + mark)) {
                high = middle - 1;
            } else if (swaps(mark + known)) {
                low = middle + 1;
            } else {
                // The same class, or none: what has a class goes before the highest or behind the lowest.
                boolean any = swaps(Character.toString(CLASS_MARKS[CLASS_MARKS.length - 1]) + mark)
                        || swaps(mark + Character.toString(CLASS_MARKS[0]));
                return any ? middle + 1 : 0;
            }
        }
        throw new IllegalStateException("a combining class between the known ones: " + mark.codePointAt(0));
    }

    private static boolean swaps(String marks) {
        return !Normalizer.isNormalized(marks, Form.NFD);
    }

    /// What a character decomposes into, itself if nothing.
    private static int[] decomposed(int c, Form form) {
        boolean canonical = form == Form.NFC || form == Form.NFD;
        if (c < 0x10000) {
            int[][] known = DECOMPOSED[canonical ? 0 : 1];
            if (known[c] == null) {
                known[c] = decompose(c, canonical);
            }
            return known[c];
        }
        return decompose(c, canonical);
    }

    private static int[] decompose(int c, boolean canonical) {
        if (!ReferenceCharacters.hasForms(c)) {
            return new int[]{c};
        }
        return Normalizer.normalize(Character.toString(c), canonical ? Form.NFD : Form.NFKD).codePoints().toArray();
    }

    /// The character that two compose to, or -1.
    private static int composed(int first, int second) {
        int lead = first - HANGUL_LEADS;
        int vowel = second - HANGUL_VOWELS;
        if (lead >= 0 && lead < 19 && vowel >= 0 && vowel < VOWELS) {
            return HANGUL + (lead * VOWELS + vowel) * FINALS;
        }
        int syllable = first - HANGUL;
        int last = second - HANGUL_FINALS;
        if (syllable >= 0 && syllable < SYLLABLES && syllable % FINALS == 0 && last > 0 && last < FINALS) {
            return first + last;
        }
        if (second >= Pairs.SECOND.length || !Pairs.SECOND[second]) {
            return -1;
        }
        @Nullable
        Integer composed = Pairs.COMPOSED.get(Pairs.pair(first, second));
        return composed == null ? -1 : composed;
    }

    /// A segment on its way: decomposed, its marks sorted, composed again.
    private static final class Segment {
        private int[] characters = new int[32];
        private int[] changes = new int[32];
        private int[] classes = new int[32];
        private int size;
        final Change change = new Change(32);

        void rewrite(String text, int from, int to, Form form) {
            size = 0;
            change.clear();
            for (int i = from; i < to; i = after(text, i)) {
                int c = text.codePointAt(i);
                int[] parts = decomposed(c, form);
                for (int part = 0; part < parts.length; part++) {
                    add(parts[part], part == 0 ? 0 : 1);
                }
            }
            for (int start = 0; start < size; start++) {
                int end = start;
                while (end < size && classes[end] > 0) {
                    end++;
                }
                sort(start, end);
                start = end;
            }
            if (form == Form.NFC || form == Form.NFKC) {
                compose();
            } else {
                for (int i = 0; i < size; i++) {
                    change.add(characters[i], changes[i]);
                }
            }
        }

        private void add(int character, int change) {
            if (size == characters.length) {
                characters = Arrays.copyOf(characters, size * 2);
                changes = Arrays.copyOf(changes, size * 2);
                classes = Arrays.copyOf(classes, size * 2);
            }
            characters[size] = character;
            changes[size] = change;
            classes[size++] = combiningClass(character);
        }

        /// Stable, by class.
        private void sort(int from, int to) {
            boolean sorted = true;
            for (int i = from + 1; i < to && sorted; i++) {
                sorted = classes[i - 1] <= classes[i];
            }
            if (sorted) {
                return;
            }
            long[] keys = new long[to - from];
            for (int i = from; i < to; i++) {
                keys[i - from] = (long) classes[i] << 32 | i;
            }
            Arrays.sort(keys);
            int[] oldCharacters = Arrays.copyOfRange(characters, from, to);
            int[] oldChanges = Arrays.copyOfRange(changes, from, to);
            for (int i = from; i < to; i++) {
                int old = (int) keys[i - from] - from;
                characters[i] = oldCharacters[old];
                changes[i] = oldChanges[old];
                classes[i] = (int) (keys[i - from] >>> 32);
            }
        }

        private void compose() {
            // starter: where the character stands that marks may join; blocking: class of the last mark that did not.
            int starter = -1;
            int blocking = 0;
            for (int i = 0; i < size; i++) {
                int c = characters[i];
                int joined = starter >= 0 && (blocking == 0 || blocking < classes[i])
                        ? composed(change.character(starter), c)
                        : -1;
                if (joined >= 0) {
                    change.set(starter, joined, change.change(starter) + changes[i] - 1);
                } else {
                    if (classes[i] == 0) {
                        starter = change.size();
                        blocking = 0;
                    } else if (starter >= 0) {
                        blocking = classes[i];
                    }
                    change.add(c, changes[i]);
                }
            }
        }
    }
}
