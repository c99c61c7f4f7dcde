package dev.weft.checkpoint;

import dev.weft.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/// Numbers in a GGUF file, from byte `start` on, row-major.
///
/// @param shape as PyTorch says it, the longest step first; GGUF lists the axes the other way round
record GgmlTensor(MappedFile file, GgmlType type, long[] shape, long elements, long start) {
    /// Elements that a thread widens at once: they and their bytes stay in its cache.
    private static final int PIECE = 1 << 15;

    /// A view where the type is plain, else widened to float32.
    Tensor read() {
        return type.isPlain()
                ? file.elements(type.dtype(), start, elements).view(shape)
                : widened();
    }

    long bytes() {
        return elements / type.blockElements() * type.blockBytes();
    }

    private Tensor widened() {
        Tensor result = Tensor.empty(type.dtype(), shape);
        int pieceBlocks = PIECE / type.blockElements();
        long blocks = elements / type.blockElements();
        var next = new AtomicLong();
        int workers = (int) Math.min(Runtime.getRuntime().availableProcessors(),
                (blocks + pieceBlocks - 1) / pieceBlocks);
        IntStream.range(0, workers).parallel().forEach(worker -> {
            byte[] in = new byte[pieceBlocks * type.blockBytes()];
            float[] out = new float[PIECE];
            for (long block = next.getAndAdd(pieceBlocks); block < blocks; block = next.getAndAdd(pieceBlocks)) {
                int count = (int) Math.min(pieceBlocks, blocks - block);
                file.read(start + block * type.blockBytes(), ByteBuffer.wrap(in, 0, count * type.blockBytes()));
                type.widen(in, count, out);
                result.copyInPlace(block * type.blockElements(), out, count * type.blockElements());
            }
        });
        return result;
    }
}
