package dev.weft.cli;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Ctrl-C and SIGTERM end long work in good order instead of at once.
final class Interrupts {
    /// Longer than any step and checkpoint should take; then the process ends anyway.
    private static final long PATIENCE_SECONDS = 120;

    private Interrupts() {}

    /// Runs `work`; when the process is asked to end meanwhile, calls `stop` and waits until `work` has returned.
    static <T> T heeding(Runnable stop, Supplier<T> work) {
        var done = new CountDownLatch(1);
        var hook = new Thread(() -> {
            stop.run();
            try {
                done.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }, "weft-stop");
        return hooked(hook, () -> {
            try {
                return work.get();
            } finally {
                done.countDown();
            }
        });
    }

    /// Runs `work`, which may end at any moment; when the process is asked to end meanwhile, `last` has the last word.
    static void saying(Runnable last, Runnable work) {
        hooked(new Thread(last, "weft-last-word"), () -> {
            work.run();
            return "";
        });
    }

    private static <T> T hooked(Thread hook, Supplier<T> work) {
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            return work.get();
        } finally {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // The process is ending: the hook is running, or has been told that the work is done.
                Thread.yield();
            }
        }
    }

    /// Until it is closed, Ctrl-C runs `pressed` instead of ending the process.
    interface Caught extends AutoCloseable {
        @Override
        void close();
    }

    /// Where the JVM lets signals be caught; elsewhere Ctrl-C ends the process as always. `sun.misc.Signal` is the JDK's
    /// only door to them, and is named by reflection since the compiler refuses to see it without a warning.
    static Caught caught(Runnable pressed) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Method handle = signal.getMethod("handle", signal, handler);
            Object interrupt = signal.getConstructor(String.class).newInstance("INT");
            Object before = handle.invoke(null, interrupt, Proxy.newProxyInstance(handler.getClassLoader(),
                    new Class<?>[]{handler}, (proxy, method, arguments) -> {
                        pressed.run();
                        return null;
                    }));
            return () -> {
                try {
                    handle.invoke(null, interrupt, before);
                } catch (ReflectiveOperationException e) {
                    throw new IllegalStateException("Ctrl-C could be caught and not let go", e);
                }
            };
        } catch (ReflectiveOperationException notHere) {
            return () -> {};
        }
    }
}
