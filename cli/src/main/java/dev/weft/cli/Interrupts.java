package dev.weft.cli;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/// Ctrl-C and SIGTERM end long work in good order instead of at once.
final class Interrupts {
    /// Longer than any step and checkpoint should take; then the process ends anyway.
    private static final long PATIENCE_SECONDS = 120;

    private Interrupts() {}

    /// What the command of this thread has to do before the process may end.
    private static final ThreadLocal<@Nullable Command> CURRENT = new ThreadLocal<>();

    /// A command under way.
    private static final class Command {
        private final CountDownLatch over = new CountDownLatch(1);
        private final List<Thread> hooks = new ArrayList<>();
    }

    /// Runs a command to its end, its last words included: hooks that it set stay until then, so that a process that is asked
    /// to end at any moment says what it has to say, and ends while nothing computes.
    static int whole(IntSupplier work) {
        Command before = CURRENT.get();
        var command = new Command();
        CURRENT.set(command);
        try {
            return work.getAsInt();
        } finally {
            CURRENT.set(before);
            command.over.countDown();
            command.hooks.forEach(Interrupts::remove);
        }
    }

    /// What is to end, known as soon as it has begun.
    static final class Ending {
        private boolean asked;
        private @Nullable Runnable stop;

        /// Says how the work is stopped; if it has been asked to end already, it is at once.
        synchronized void by(Runnable how) {
            stop = how;
            if (asked) {
                how.run();
            }
        }

        /// Whether the process has been asked to end.
        synchronized boolean asked() {
            return asked;
        }

        private synchronized void ask() {
            asked = true;
            if (stop != null) {
                stop.run();
            }
        }
    }

    /// From now on, when the process is asked to end, this is, and the process waits until the command is over.
    static Ending heeded() {
        var ending = new Ending();
        Command command = CURRENT.get();
        if (command != null) {
            hooked(command, new Thread(() -> {
                ending.ask();
                try {
                    command.over.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }, "weft-stop"));
        }
        return ending;
    }

    /// Runs `work`, which may end at any moment; when the process is asked to end meanwhile, `last` has the last word.
    static void saying(Runnable last, Runnable work) {
        var hook = new Thread(last, "weft-last-word");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            work.run();
        } finally {
            remove(hook);
        }
    }

    private static void hooked(Command command, Thread hook) {
        Runtime.getRuntime().addShutdownHook(hook);
        command.hooks.add(hook);
    }

    private static void remove(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process is ending: the hook is running, or has been told that the work is done.
            Thread.yield();
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
