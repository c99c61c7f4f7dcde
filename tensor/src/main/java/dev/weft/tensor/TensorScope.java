package dev.weft.tensor;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Owns the tensors born while it is the innermost open scope of its thread, and frees them when it closes.
///
/// Open one per step, request, token or block, not per operation. What shall outlive it is handed to the scope
/// outside with [#keep]. A tensor born outside any scope, or taken out of them with [Tensor#unscoped], is freed when
/// closed, at the latest by the garbage collector.
///
/// ```java
/// try (var step = TensorScope.open()) {
///     Tensor loss = model.loss(batch);
///     loss.backward();
/// }
/// ```
public final class TensorScope implements AutoCloseable {
    private static final ThreadLocal<@Nullable TensorScope> INNERMOST = new ThreadLocal<>();
    private static final LongAdder LIVE = new LongAdder();

    private final @Nullable TensorScope outer;
    private final Thread thread = Thread.currentThread();
    private Tensor[] owned = new Tensor[16];
    private int count;
    private final Set<Gradients.Call> unfinished = new HashSet<>();
    private boolean closed;

    private TensorScope(@Nullable TensorScope outer) {
        this.outer = outer;
    }

    /// A scope in which tensors of this thread are born from now on, until closed.
    public static TensorScope open() {
        var scope = new TensorScope(INNERMOST.get());
        INNERMOST.set(scope);
        return scope;
    }

    /// Runs `body` in a scope of its own; only its result survives.
    public static Tensor tidy(Supplier<Tensor> body) {
        try (var scope = open()) {
            return scope.keep(body.get());
        }
    }

    /// Native tensors that Weft holds at this moment, in all threads: a leak test counts them.
    public static long liveTensors() {
        return LIVE.sum();
    }

    /// Hands `tensor` to the scope outside this one, or to the garbage collector if there is none.
    public Tensor keep(Tensor tensor) {
        if (tensor.scope() == this) {
            if (outer == null) {
                tensor.unscoped();
            } else {
                release(tensor);
                outer.adopt(tensor);
            }
        }
        return tensor;
    }

    /// Frees every tensor still owned.
    ///
    /// @throws IllegalStateException on another thread than the one that opened it, or before an inner scope
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (Thread.currentThread() != thread) {
            throw new IllegalStateException("A TensorScope must be closed on the thread that opened it");
        }
        if (INNERMOST.get() != this) {
            throw new IllegalStateException("A TensorScope must be closed after the scopes opened inside it");
        }
        closed = true;
        INNERMOST.set(outer);
        while (count > 0) {
            owned[count - 1].close();
        }
        unfinished.forEach(Gradients.Call::close);
    }

    static @Nullable TensorScope innermost() {
        return INNERMOST.get();
    }

    /// The scope of the whole step, request or token: a graph does not outlive it.
    static @Nullable TensorScope outermost() {
        TensorScope scope = INNERMOST.get();
        while (scope != null && scope.outer != null) {
            scope = scope.outer;
        }
        return scope;
    }

    void whenClosed(Gradients.Call call) {
        unfinished.add(call);
    }

    void forget(Gradients.Call call) {
        unfinished.remove(call);
    }

    static void born() {
        LIVE.increment();
    }

    static void freed() {
        LIVE.decrement();
    }

    void adopt(Tensor tensor) {
        if (count == owned.length) {
            owned = Arrays.copyOf(owned, 2 * count);
        }
        owned[count] = tensor;
        tensor.place(this, count++);
    }

    /// Takes the last tensor's place in constant time, so that long scopes stay cheap.
    void release(Tensor tensor) {
        Tensor last = owned[--count];
        owned[tensor.slot()] = last;
        last.place(this, tensor.slot());
        owned[count] = null;
        tensor.place(null, -1);
    }
}
