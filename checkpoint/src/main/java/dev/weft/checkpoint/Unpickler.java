package dev.weft.checkpoint;

import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;

/// Python's pickle format, as far as a file of tensors needs it: numbers, texts, lists, dicts, and the few constructors
/// that the caller knows. Nothing is ever executed; what else a stream asks for is refused by name.
///
/// The operations are those of Python's `pickletools`, protocols 0 to 5; whoever reads on must check what comes.
final class Unpickler {
    /// What a stream may make beside plain values.
    interface Constructors {
        /// Whether `module.name` is known; otherwise the stream is refused.
        boolean knows(String global);

        /// What calling the global with these arguments gives.
        Object call(String global, List<?> arguments);

        /// What stands outside the stream: the numbers of a tensor.
        Object persistent(Object id);
    }

    /// A name that the stream refers to.
    record Global(String name) {}

    /// A dict of a hundred thousand tensors needs as many; one byte of an operation can take a hundred of memory.
    private static final int MAX_OPERATIONS = 5_000_000;

    /// Python's None.
    static final Optional<Object> NONE = Optional.empty();

    private final ByteBuffer in;
    private final Constructors constructors;
    private final Deque<List<Object>> marks = new ArrayDeque<>();
    private final Map<Integer, Object> memo = new HashMap<>();
    private List<Object> stack = new ArrayList<>();

    private Unpickler(ByteBuffer in, Constructors constructors) {
        this.in = in.order(ByteOrder.LITTLE_ENDIAN);
        this.constructors = constructors;
    }

    /// @throws IllegalArgumentException if the stream is broken or asks for something unknown; the message says which
    static Object read(ByteBuffer pickle, Constructors constructors) {
        try {
            return new Unpickler(pickle, constructors).run();
        } catch (BufferUnderflowException | NoSuchElementException | IndexOutOfBoundsException | ClassCastException e) {
            throw new IllegalArgumentException("the pickle is broken", e);
        }
    }

    private Object run() {
        for (int done = 0; done < MAX_OPERATIONS; done++) {
            int operation = Byte.toUnsignedInt(in.get());
            switch (operation) {
                case '.' -> {
                    return pop();
                }
                case 0x80 -> in.get(); // protocol
                case 0x95 -> in.getLong(); // frame
                case '(' -> {
                    marks.push(stack);
                    stack = new ArrayList<>();
                }
                case '0' -> pop();
                case 'N' -> stack.add(NONE);
                case 0x88 -> stack.add(true);
                case 0x89 -> stack.add(false);
                case 'J' -> stack.add((long) in.getInt());
                case 'K' -> stack.add((long) Byte.toUnsignedInt(in.get()));
                case 'M' -> stack.add((long) Short.toUnsignedInt(in.getShort()));
                case 0x8a -> stack.add(integer(bytes(Byte.toUnsignedInt(in.get()))));
                case 'G' -> stack.add(in.order(ByteOrder.BIG_ENDIAN).getDouble());
                case 'X' -> stack.add(text(in.getInt()));
                case 0x8c, 'U' -> stack.add(text(Byte.toUnsignedInt(in.get())));
                case 'T' -> stack.add(text(in.getInt()));
                case 0x8d -> stack.add(text(Math.toIntExact(Math.clamp(in.getLong(), -1, Integer.MAX_VALUE))));
                case '}' -> stack.add(new LinkedHashMap<String, Object>());
                case ']' -> stack.add(new ArrayList<>());
                case ')' -> stack.add(List.of());
                case 't' -> {
                    List<Object> values = popMark();
                    stack.add(Collections.unmodifiableList(values));
                }
                case 0x85 -> tuple(1);
                case 0x86 -> tuple(2);
                case 0x87 -> tuple(3);
                case 'a' -> append(List.of(pop()));
                case 'e' -> append(popMark());
                case 's' -> {
                    Object value = pop();
                    put(Arrays.asList(pop(), value));
                }
                case 'u' -> put(popMark());
                case 'q' -> memo.put(Byte.toUnsignedInt(in.get()), peek());
                case 'r' -> memo.put(in.getInt(), peek());
                case 0x94 -> memo.put(memo.size(), peek());
                case 'h' -> recall(Byte.toUnsignedInt(in.get()));
                case 'j' -> recall(in.getInt());
                case 'c' -> global(line(), line());
                case 0x93 -> {
                    String name = (String) pop();
                    global((String) pop(), name);
                }
                case 'R' -> {
                    List<?> arguments = (List<?>) pop();
                    stack.add(constructors.call(((Global) pop()).name(), arguments));
                }
                // The state of an object: for a dict that is its _metadata, version numbers of modules.
                case 'b' -> {
                    pop();
                    if (!(peek() instanceof Map)) {
                        throw new IllegalArgumentException("the pickle sets the state of something that is no dict");
                    }
                }
                case 'Q' -> stack.add(constructors.persistent(pop()));
                default -> throw new IllegalArgumentException(
                        "the pickle has the operation 0x%02x, which no file of tensors needs".formatted(operation));
            }
            in.order(ByteOrder.LITTLE_ENDIAN);
        }
        throw new IllegalArgumentException(
                "the pickle has more than %d operations; no file of tensors needs so many".formatted(MAX_OPERATIONS));
    }

    private void global(String module, String name) {
        String global = module + "." + name;
        if (!constructors.knows(global)) {
            throw new IllegalArgumentException(
                    "the pickle asks for \"%s\", which is no tensor; Weft runs no code from files. "
                            .formatted(global.length() > 100 ? global.substring(0, 100) + "…" : global)
                            + "If you trust the file, load it in PyTorch and save its weights as safetensors");
        }
        stack.add(new Global(global));
    }

    private void recall(int index) {
        Object value = memo.get(index);
        if (value == null) {
            throw new NoSuchElementException();
        }
        stack.add(value);
    }

    private void tuple(int length) {
        List<Object> last = stack.subList(stack.size() - length, stack.size());
        List<Object> tuple = List.copyOf(last);
        last.clear();
        stack.add(tuple);
    }

    @SuppressWarnings("unchecked")
    private void append(List<Object> values) {
        if (!(peek() instanceof ArrayList<?> list)) {
            throw new IllegalArgumentException("the pickle appends to something that is no list");
        }
        ((List<Object>) list).addAll(values);
    }

    @SuppressWarnings("unchecked")
    private void put(List<Object> pairs) {
        var dict = (Map<String, Object>) (Map<?, ?>) (LinkedHashMap<?, ?>) peek();
        for (int i = 0; i < pairs.size(); i += 2) {
            if (!(pairs.get(i) instanceof String key)) {
                throw new IllegalArgumentException("the pickle has a dict whose keys are no names");
            }
            dict.put(key, pairs.get(i + 1));
        }
    }

    private Object peek() {
        return stack.getLast();
    }

    private Object pop() {
        return stack.removeLast();
    }

    private List<Object> popMark() {
        List<Object> values = stack;
        stack = marks.pop();
        return values;
    }

    private byte[] bytes(int length) {
        if (length < 0 || length > in.remaining()) {
            throw new BufferUnderflowException();
        }
        byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }

    private String text(int length) {
        return new String(bytes(length), StandardCharsets.UTF_8);
    }

    private String line() {
        int start = in.position();
        while (in.get() != '\n') {
            // goes on to the end of the line
        }
        return StandardCharsets.UTF_8.decode(in.slice(start, in.position() - 1 - start)).toString();
    }

    private static long integer(byte[] littleEndian) {
        if (littleEndian.length == 0) {
            return 0;
        }
        if (littleEndian.length > 8) {
            throw new IllegalArgumentException("the pickle has an integer of more than 64 bits");
        }
        for (int i = 0, j = littleEndian.length - 1; i < j; i++, j--) {
            byte swapped = littleEndian[i];
            littleEndian[i] = littleEndian[j];
            littleEndian[j] = swapped;
        }
        return new BigInteger(littleEndian).longValue();
    }
}
