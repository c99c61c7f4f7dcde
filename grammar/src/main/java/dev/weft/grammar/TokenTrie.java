package dev.weft.grammar;

import java.util.Arrays;
import java.util.stream.IntStream;

/// Ids by their bytes: ids that begin alike share the way, so that one walk asks an automaton about all of them.
///
/// Nodes lie in the order of a walk; what is below a node follows it, up to `end`.
final class TokenTrie {
    final byte[] label;
    final int[] depth;
    /// The node after the last one below this.
    final int[] end;
    /// The ids that end at node i are `ids[from[i]]` up to `ids[from[i + 1]]`.
    final int[] from;
    final int[] ids;
    /// Bytes of the longest.
    final int deepest;
    /// All bytes that occur.
    final ByteSet available;

    /// @param bytesOf the bytes of each id; empty ones are left out
    TokenTrie(byte[][] bytesOf) {
        ids = IntStream.range(0, bytesOf.length).filter(id -> bytesOf[id].length > 0).boxed()
                .sorted((one, other) -> Arrays.compareUnsigned(bytesOf[one], bytesOf[other]))
                .mapToInt(Integer::intValue).toArray();
        int nodes = 0;
        byte[] before = new byte[0];
        for (int id : ids) {
            nodes += bytesOf[id].length - common(before, bytesOf[id]);
            before = bytesOf[id];
        }
        label = new byte[nodes];
        depth = new int[nodes];
        end = new int[nodes];
        from = new int[nodes + 1];
        int node = 0;
        int longest = 0;
        ByteSet seen = ByteSet.NONE;
        before = new byte[0];
        for (int i = 0; i < ids.length; i++) {
            byte[] bytes = bytesOf[ids[i]];
            for (int at = common(before, bytes); at < bytes.length; at++) {
                label[node] = bytes[at];
                depth[node] = at;
                seen = seen.or(ByteSet.of(bytes[at] & 0xFF));
                from[node++] = i;
            }
            longest = Math.max(longest, bytes.length);
            before = bytes;
        }
        from[nodes] = ids.length;
        deepest = longest;
        available = seen;
        int[] open = new int[longest];
        for (int i = 0; i <= nodes; i++) {
            int here = i == nodes ? 0 : depth[i];
            int above = i == 0 ? 0 : depth[i - 1] + 1;
            for (int at = here; at < above; at++) {
                end[open[at]] = i;
            }
            if (i < nodes) {
                open[here] = i;
            }
        }
    }

    private static int common(byte[] one, byte[] other) {
        int differs = Arrays.mismatch(one, other);
        return differs < 0 ? one.length : differs;
    }

    /// Fewest ids that write a text from each of its bytes on, and 0 behind the last. Where ids cannot write it, a byte
    /// counts as one.
    int[] prices(byte[] text) {
        int[] prices = new int[text.length + 1];
        for (int start = text.length - 1; start >= 0; start--) {
            int best = 1 + prices[start + 1];
            int first = 0;
            int last = label.length;
            for (int at = start; at < text.length; at++) {
                int node = first;
                while (node < last && label[node] != text[at]) {
                    node = end[node];
                }
                if (node >= last) {
                    break;
                }
                if (from[node] < from[node + 1]) {
                    best = Math.min(best, 1 + prices[at + 1]);
                }
                first = node + 1;
                last = end[node];
            }
            prices[start] = best;
        }
        return prices;
    }
}
