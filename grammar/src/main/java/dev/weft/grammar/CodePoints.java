package dev.weft.grammar;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.function.IntPredicate;

/// A set of characters: ranges of code points in order, none of which touch. Surrogates are not characters.
///
/// @param bounds first and last of each range in turn
record CodePoints(List<Integer> bounds) {
    static final CodePoints NONE = new CodePoints(List.of());
    static final CodePoints ALL = NONE.complement();

    private static final int[] LEADS = {0xC0, 0xE0, 0xF0};
    private static final Term FOLLOWING = Term.bytes(ByteSet.range(0x80, 0xBF));

    static CodePoints of(int codePoint) {
        return range(codePoint, codePoint);
    }

    static CodePoints range(int first, int last) {
        return normal(List.of(first, last));
    }

    static CodePoints of(String characters) {
        CodePoints all = NONE;
        for (int c : characters.codePoints().toArray()) {
            all = all.or(of(c));
        }
        return all;
    }

    static CodePoints where(IntPredicate holds) {
        var bounds = new ArrayList<Integer>();
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            if (holds.test(c)) {
                if (!bounds.isEmpty() && bounds.getLast() == c - 1) {
                    bounds.removeLast();
                } else {
                    bounds.add(c);
                }
                bounds.add(c);
            }
        }
        return normal(bounds);
    }

    /// Sorts, joins and leaves surrogates out.
    private static CodePoints normal(List<Integer> bounds) {
        var ranges = new ArrayList<int[]>();
        for (int i = 0; i < bounds.size(); i += 2) {
            int first = bounds.get(i);
            int last = bounds.get(i + 1);
            if (first < 0xD800) {
                ranges.add(new int[]{first, Math.min(last, 0xD7FF)});
            }
            if (last > 0xDFFF) {
                ranges.add(new int[]{Math.max(first, 0xE000), last});
            }
        }
        ranges.sort((one, other) -> Integer.compare(one[0], other[0]));
        var joined = new ArrayList<Integer>();
        for (int[] range : ranges) {
            if (!joined.isEmpty() && joined.getLast() >= range[0] - 1) {
                joined.add(Math.max(joined.removeLast(), range[1]));
            } else {
                joined.add(range[0]);
                joined.add(range[1]);
            }
        }
        return new CodePoints(List.copyOf(joined));
    }

    CodePoints or(CodePoints other) {
        var all = new ArrayList<>(bounds);
        all.addAll(other.bounds);
        return normal(all);
    }

    CodePoints complement() {
        var between = new ArrayList<Integer>();
        int next = 0;
        for (int i = 0; i < bounds.size(); i += 2) {
            if (bounds.get(i) > next) {
                between.add(next);
                between.add(bounds.get(i) - 1);
            }
            next = bounds.get(i + 1) + 1;
        }
        if (next <= Character.MAX_CODE_POINT) {
            between.add(next);
            between.add(Character.MAX_CODE_POINT);
        }
        return normal(between);
    }

    CodePoints without(CodePoints other) {
        return complement().or(other).complement();
    }

    boolean has(int codePoint) {
        for (int i = 0; i < bounds.size(); i += 2) {
            if (codePoint >= bounds.get(i) && codePoint <= bounds.get(i + 1)) {
                return true;
            }
        }
        return false;
    }

    /// One of these characters in UTF-8.
    Term utf8() {
        var options = new ArrayList<Term>();
        options.add(Term.bytes(within(0, 0x80, 0)));
        int[] sizes = {1 << 6, 1 << 12, 1 << 18};
        int[] leads = {32, 16, 5};
        int[] shortest = {0x80, 0x800, 0x10000};
        for (int more = 0; more < 3; more++) {
            CodePoints here = without(range(0, shortest[more] - 1));
            options.add(here.grouped(0, sizes[more], leads[more], LEADS[more]));
        }
        return Term.either(options);
    }

    /// The bytes `base + i` for those of `[from, from + count)` that are in the set.
    private ByteSet within(int from, int count, int base) {
        ByteSet all = ByteSet.NONE;
        for (int i = 0; i < bounds.size(); i += 2) {
            int first = Math.max(bounds.get(i), from);
            int last = Math.min(bounds.get(i + 1), from + count - 1);
            if (first <= last) {
                all = all.or(ByteSet.range(base + first - from, base + last - from));
            }
        }
        return all;
    }

    /// `count` blocks of `size` characters each, of which block i begins with the byte `base + i`: blocks that go on alike
    /// are one.
    private Term grouped(int from, int size, int count, int base) {
        if (size == 1) {
            return Term.bytes(within(from, count, base));
        }
        var byRest = new LinkedHashMap<Term, ByteSet>();
        for (int block = 0; block < count; block++) {
            int begin = from + block * size;
            int end = begin + size - 1;
            if (touches(begin, end)) {
                byRest.merge(holds(begin, end) ? whole(size) : grouped(begin, size / 64, 64, 0x80),
                        ByteSet.of(base + block), ByteSet::or);
            }
        }
        return Term.either(byRest.entrySet().stream()
                .map(each -> Term.then(Term.bytes(each.getValue()), each.getKey())).toList());
    }

    /// What follows the first byte in a block that is in the set from end to end; most are, so that few are looked into.
    private static Term whole(int size) {
        return size == 64 ? FOLLOWING : Term.then(FOLLOWING, whole(size / 64));
    }

    private boolean holds(int first, int last) {
        for (int i = 0; i < bounds.size(); i += 2) {
            if (bounds.get(i) <= first && bounds.get(i + 1) >= last) {
                return true;
            }
        }
        return false;
    }

    private boolean touches(int first, int last) {
        for (int i = 0; i < bounds.size(); i += 2) {
            if (bounds.get(i) <= last && bounds.get(i + 1) >= first) {
                return true;
            }
        }
        return false;
    }
}
