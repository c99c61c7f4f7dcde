package dev.weft.tensor;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.TensorBase;
import org.bytedeco.pytorch.TensorTensorHook;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/// Autograd: switching it off and on, running it, and adding operations whose gradient we write ourselves.
public final class Gradients {
    static {
        Engine.start();
    }

    private Gradients() {}

    /// Whether operations are recorded, until closed; belongs to the thread that opened it.
    public static final class Mode implements AutoCloseable {
        private final AutoGradMode guard;

        private Mode(boolean recording) {
            guard = new AutoGradMode(recording);
        }

        @Override
        public void close() {
            guard.close();
        }
    }

    /// Nothing is recorded while open: evaluation, generation, updates of weights.
    public static Mode off() {
        return new Mode(false);
    }

    /// Operations are recorded while open, also inside [#off].
    public static Mode on() {
        return new Mode(true);
    }

    /// Whether operations on this thread are recorded.
    public static boolean recording() {
        return GradMode.is_enabled();
    }

    /// Adds `gradient · ∂output/∂leaf` to the gradient of every leaf. A null gradient stands for 1.
    public static void backward(Tensor output, @Nullable Tensor gradient) {
        try (var outputs = Tensor.vector(output);
                var gradients = gradient == null ? new TensorVector() : Tensor.vector(gradient);
                var keepGraph = new BoolOptional(false);
                var leaves = new TensorVector()) {
            torch.backward(outputs, gradients, keepGraph, false, leaves);
        } catch (RuntimeException e) {
            throw unwrapped("backward", output, e);
        } finally {
            Hook.freePassed();
        }
    }

    private static RuntimeException unwrapped(String operation, Tensor output, RuntimeException e) {
        return TensorException.refused(operation, new Tensor[]{output}, e);
    }

    /// An operation with a gradient of its own: a fused kernel, or a part of the graph that is computed again.
    public interface Function {
        /// Runs unrecorded. Whatever is added to `saved` is at hand in [#backward].
        Tensor forward(List<Tensor> inputs, List<Tensor> saved);

        /// @param inputs  what [#forward] was given, outside the graph
        /// @return the gradient of each input, in order; null for one that has none
        List<@Nullable Tensor> backward(Tensor gradient, List<Tensor> inputs, List<Tensor> saved);
    }

    /// Applies `function` to `inputs` so that [#backward] runs through it.
    ///
    /// LibTorch lets only C++ define autograd nodes. Here the node is borrowed: every input is tapped by a view whose
    /// gradient a hook replaces, the taps' sums are expanded to the output's shape, and that tensor, which carries the
    /// graph, is given the output's data. What it costs is one reading of each input and of the output's gradient.
    public static Tensor apply(Function function, Tensor... inputs) {
        boolean tracked = false;
        for (Tensor input : inputs) {
            tracked |= input.requiresGrad();
        }
        if (!tracked || !recording()) {
            return untracked(function, inputs);
        }
        var call = new Call(function, inputs);
        return call.output();
    }

    private static Tensor untracked(Function function, Tensor... inputs) {
        try (var mode = off(); var scope = TensorScope.open()) {
            return scope.keep(function.forward(List.of(inputs), new ArrayList<>()));
        }
    }

    /// One application: what must live from the forward to the backward pass.
    static final class Call implements AutoCloseable {
        private final Function function;
        private final List<Tensor> inputs = new ArrayList<>();
        private final List<Tensor> saved = new ArrayList<>();
        private final List<Tensor> taps = new ArrayList<>();
        private final boolean[] wanted;
        private final @Nullable Tensor[] gradients;
        private final List<Hook> hooks = new ArrayList<>();
        private final @Nullable TensorScope step = TensorScope.outermost();

        Call(Function function, Tensor... arguments) {
            this.function = function;
            wanted = new boolean[arguments.length];
            gradients = new Tensor[arguments.length];
            for (int i = 0; i < arguments.length; i++) {
                inputs.add(arguments[i].detach().unscoped());
                wanted[i] = arguments[i].requiresGrad();
                taps.add(wanted[i] ? arguments[i].view(arguments[i].shape()) : arguments[i]);
            }
        }

        Tensor output() {
            try (var scope = TensorScope.open()) {
                Tensor result;
                try (var mode = off()) {
                    result = function.forward(inputs, saved);
                    saved.replaceAll(Tensor::unscoped);
                }
                Tensor carrier = null;
                for (int i = 0; i < wanted.length; i++) {
                    if (wanted[i]) {
                        Tensor sum = taps.get(i).sum().to(result.dtype());
                        carrier = carrier == null ? sum : carrier.add(sum);
                    }
                }
                Tensor output = java.util.Objects.requireNonNull(carrier).expand(result.shape());
                output.peer().set_data(result.peer());
                hooks.add(Hook.on(output, this::differentiate));
                for (int i = 0; i < wanted.length; i++) {
                    if (wanted[i]) {
                        int index = i;
                        hooks.add(Hook.on(taps.get(i), ignored -> gradients[index]));
                        taps.get(i).close();
                    }
                }
                if (step != null) {
                    step.whenClosed(this);
                }
                return scope.keep(output);
            }
        }

        /// Runs when the gradient of the output is complete, which is before any of the taps.
        private @Nullable Tensor differentiate(Tensor gradient) {
            try (var mode = off(); var scope = TensorScope.open()) {
                List<@Nullable Tensor> found = function.backward(gradient, inputs, saved);
                for (int i = 0; i < wanted.length; i++) {
                    Tensor one = found.get(i);
                    gradients[i] = wanted[i] && one != null ? one.unscoped() : null;
                    if (wanted[i] && one == null) {
                        gradients[i] = Tensor.zeros(inputs.get(i).dtype(), inputs.get(i).shape())
                                .to(inputs.get(i).device()).unscoped();
                    }
                }
            }
            free();
            if (step != null) {
                step.forget(this);
            }
            return null;
        }

        /// The step ended and nobody ran backward.
        @Override
        public void close() {
            hooks.forEach(Hook::retire);
            free();
        }

        private void free() {
            saved.forEach(Tensor::close);
            inputs.forEach(Tensor::close);
        }
    }

    /// A hook on a tensor's gradient. Native code does not keep these alive, and must not call one that is gone, so each
    /// is held while a graph may call it and then pooled. One whose graph was dropped unused is retired instead.
    private static final class Hook extends TensorTensorHook {
        private interface Action {
            /// @return what replaces the gradient; null leaves it
            @Nullable
            Tensor run(Tensor gradient);
        }

        private static final Set<Hook> IN_USE = Collections.newSetFromMap(new IdentityHashMap<>());
        private static final Deque<Hook> POOL = new ArrayDeque<>();
        private static final ThreadLocal<List<Tensor>> PASSED = ThreadLocal.withInitial(ArrayList::new);

        private @Nullable Action action;
        private boolean standsIn;

        static Hook on(Tensor tensor, Action action) {
            Hook hook;
            synchronized (POOL) {
                hook = POOL.isEmpty() ? new Hook() : POOL.pop();
                IN_USE.add(hook);
            }
            hook.action = action;
            hook.standsIn = tensor.standsIn();
            tensor.peer().register_hook(hook);
            return hook;
        }

        @Override
        public TensorBase call(TensorBase gradient) {
            Action todo = action;
            if (todo == null) {
                throw new IllegalStateException("The graph of a function can be run backward once");
            }
            freePassed();
            Tensor given = Tensor.wrap(new org.bytedeco.pytorch.Tensor(gradient)).standingIn(standsIn).unscoped();
            // The argument is a handle of its own, and nobody else frees it.
            gradient.close();
            Tensor replaced = todo.run(given);
            action = null;
            synchronized (POOL) {
                IN_USE.remove(this);
                POOL.push(this);
            }
            // Native code copies the handle after this method returns: free ours at the next call.
            PASSED.get().add(given);
            if (replaced != null) {
                PASSED.get().add(replaced);
            }
            return (replaced == null ? given : replaced).peer();
        }

        void retire() {
            if (action != null) {
                action = null;
                synchronized (POOL) {
                    IN_USE.remove(this);
                }
            }
        }

        static void freePassed() {
            PASSED.get().forEach(Tensor::close);
            PASSED.get().clear();
        }
    }
}
