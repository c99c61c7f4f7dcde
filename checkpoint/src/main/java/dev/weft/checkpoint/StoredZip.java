package dev.weft.checkpoint;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/// Where the uncompressed members of a zip file lie, so that they can be mapped in place.
///
/// PKWARE's APPNOTE.TXT 6.3.10, with the 64-bit extension; PyTorch stores without compression. The sums of the members
/// are not checked: that would mean to read all of them.
record StoredZip(Map<String, Member> members) {
    private static final int END = 0x06054b50;
    private static final int END_64 = 0x06064b50;
    private static final int LOCATOR_64 = 0x07064b50;
    private static final int ENTRY = 0x02014b50;
    private static final int LOCAL = 0x04034b50;
    private static final int MAX_DIRECTORY_BYTES = 100_000_000;
    private static final long IN_EXTRA = 0xFFFFFFFFL;

    record Member(long start, long length) {}

    static StoredZip read(MappedFile file) {
        int tailLength = (int) Math.min(file.size(), 65_557);
        ByteBuffer tail = file.read(file.size() - tailLength, tailLength);
        int end = tailLength - 22;
        while (end >= 0 && tail.getInt(end) != END) {
            end--;
        }
        if (end < 0) {
            throw file.error("neither a zip file, as PyTorch writes them since 1.6, nor complete; "
                    + "if it is older, load it in PyTorch and save it as safetensors");
        }
        long count = Short.toUnsignedLong(tail.getShort(end + 10));
        long length = Integer.toUnsignedLong(tail.getInt(end + 12));
        long start = Integer.toUnsignedLong(tail.getInt(end + 16));
        if (end >= 20 && tail.getInt(end - 20) == LOCATOR_64) {
            ByteBuffer end64 = within(file, tail.getLong(end - 12), 56);
            require(file, end64.getInt(0) == END_64);
            count = end64.getLong(32);
            length = end64.getLong(40);
            start = end64.getLong(48);
        }
        require(file, length >= 0 && length <= MAX_DIRECTORY_BYTES && count >= 0 && count <= length / 46);
        ByteBuffer directory = within(file, start, (int) length);
        var members = new LinkedHashMap<String, Member>();
        for (long i = 0; i < count; i++) {
            readEntry(file, directory, members);
        }
        return new StoredZip(members);
    }

    private static void readEntry(MappedFile file, ByteBuffer directory, Map<String, Member> members) {
        int at = directory.position();
        require(file, directory.remaining() >= 46 && directory.getInt(at) == ENTRY);
        int nameLength = Short.toUnsignedInt(directory.getShort(at + 28));
        int extraLength = Short.toUnsignedInt(directory.getShort(at + 30));
        int commentLength = Short.toUnsignedInt(directory.getShort(at + 32));
        require(file, directory.remaining() - 46 >= nameLength + extraLength + commentLength);
        String name = StandardCharsets.UTF_8.decode(directory.slice(at + 46, nameLength)).toString();
        if (directory.getShort(at + 10) != 0) {
            throw file
                    .error("`%s` is compressed; PyTorch stores without compression, and so it must be".formatted(name));
        }
        ByteBuffer extra = directory.slice(at + 46 + nameLength, extraLength).order(directory.order());
        long[] sizes = {Integer.toUnsignedLong(directory.getInt(at + 24)),
                Integer.toUnsignedLong(directory.getInt(at + 20)), Integer.toUnsignedLong(directory.getInt(at + 42))};
        widen(file, extra, sizes);
        ByteBuffer local = within(file, sizes[2], 30);
        require(file, local.getInt(0) == LOCAL && sizes[0] == sizes[1]);
        long start = sizes[2] + 30 + Short.toUnsignedInt(local.getShort(26)) + Short.toUnsignedInt(local.getShort(28));
        require(file, sizes[0] >= 0 && start <= file.size() && sizes[0] <= file.size() - start);
        if (members.put(name, new Member(start, sizes[0])) != null) {
            throw file.error("`%s` is in the zip file twice".formatted(name));
        }
        directory.position(at + 46 + nameLength + extraLength + commentLength);
    }

    /// Size, stored size and place that do not fit 32 bits stand in extra field 1, in this order.
    private static void widen(MappedFile file, ByteBuffer extra, long[] sizes) {
        while (extra.remaining() >= 4) {
            short tag = extra.getShort();
            int length = Short.toUnsignedInt(extra.getShort());
            require(file, length <= extra.remaining());
            ByteBuffer field = extra.slice(extra.position(), length).order(extra.order());
            for (int i = 0; tag == 1 && i < sizes.length; i++) {
                if (sizes[i] == IN_EXTRA) {
                    require(file, field.remaining() >= 8);
                    sizes[i] = field.getLong();
                }
            }
            extra.position(extra.position() + length);
        }
    }

    private static ByteBuffer within(MappedFile file, long start, int length) {
        require(file, start >= 0 && start <= file.size() && length <= file.size() - start);
        return file.read(start, length);
    }

    private static void require(MappedFile file, boolean holds) {
        if (!holds) {
            throw file.error("the directory of the zip file is broken; was its download interrupted?");
        }
    }
}
