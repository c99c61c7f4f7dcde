package dev.weft.cli;

import dev.weft.recipe.RunListener;
import dev.weft.train.Validation;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/// Shows a run as it goes: a bar on a terminal, plain lines elsewhere. Everything goes to standard error.
final class ProgressLine implements RunListener, AutoCloseable {
    private static final long PLAIN_SECONDS = 5;

    private final Interrupts.Ending ending;
    private final PrintStream out;
    private final boolean terminal;
    private @Nullable ProgressBar bar;
    private long started;
    private long firstStep;
    private long lastLine;
    private boolean undefined;

    ProgressLine() {
        this(new Interrupts.Ending());
    }

    /// @param ending ends what comes before a run's first step, which leaves nothing behind
    ProgressLine(Interrupts.Ending ending) {
        this.ending = ending;
        out = System.err;
        // The launcher looks whether standard error is a terminal; Java 21 cannot.
        terminal = Boolean.getBoolean("weft.terminal");
        lastLine = System.nanoTime();
    }

    @Override
    public void working(String what, long done, long total) {
        if (ending.asked()) {
            throw new IllegalStateException("Stopped before the first step; there is no run to go on with");
        }
        tokenizer(what, done, total);
    }

    /// How work goes on that has no bar.
    void tokenizer(String step, long done, long total) {
        boolean due = System.nanoTime() - lastLine > (terminal ? 200_000_000L : PLAIN_SECONDS * 1_000_000_000L);
        if (due) {
            lastLine = System.nanoTime();
            String line = total > 0 ? "%s: %,d of %,d".formatted(step, done, total) : "%s: %,d".formatted(step, done);
            // On a terminal each line covers the one before it, and is gone in the end.
            out.print(terminal ? "\r%-60s\r".formatted(line) : line + System.lineSeparator());
            out.flush();
        }
    }

    @Override
    public void planned(Plan plan) {
        plan.notes().forEach(note -> out.println("note: " + note));
        out.printf(Locale.ROOT, "%s: %,d of %,d weights are trained, %,d examples, %s on %s%n", plan.task(),
                plan.trained(), plan.parameters(), plan.examples(), plan.precision(), plan.device());
        out.printf("an example, with « » around what is learned:%n  %s%n", plan.example().replace("\n", "\n  "));
        long seconds = Math.round(plan.secondsPerStep() * plan.steps());
        out.printf(Locale.ROOT,
                "%,d steps, about %d:%02d if each takes as long as the rehearsed first one (%.2f s)%s%n",
                plan.steps(), seconds / 60, seconds % 60, plan.secondsPerStep(),
                plan.memoryBytes() == 0 ? "" : "; %.1f GB of memory".formatted(plan.memoryBytes() / 1e9));
    }

    @Override
    public void started(long step, long steps) {
        started = System.nanoTime();
        lastLine = started;
        firstStep = step;
        if (step > 0) {
            out.println("going on from step " + step);
        }
        if (terminal) {
            bar = new ProgressBarBuilder().setTaskName("training").setInitialMax(steps).startsFrom(step, Duration.ZERO)
                    .setStyle(ProgressBarStyle.UNICODE_BLOCK).setUpdateIntervalMillis(200).hideEta().build();
        }
    }

    @Override
    public void step(Step step) {
        ProgressBar shown = bar;
        if (shown != null) {
            shown.stepTo(step.step());
            shown.setExtraMessage(numbers(step) + " " + left(step));
            return;
        }
        boolean due = System.nanoTime() - lastLine > PLAIN_SECONDS * 1_000_000_000L;
        if (due || step.step() == step.steps() || step.step() == firstStep + 1) {
            lastLine = System.nanoTime();
            out.println("step " + step.step() + "/" + step.steps() + "  " + numbers(step) + "  " + left(step));
        }
    }

    /// How a file of texts goes on, by the bytes of it that were read; 0 of 0 where nobody knows how many there are.
    void texts(long texts, long bytesDone, long bytesTotal) {
        if (terminal && bytesTotal > 0) {
            ProgressBar shown = bar;
            if (shown == null) {
                started = System.nanoTime();
                shown = new ProgressBarBuilder().setTaskName("answering").setInitialMax(bytesTotal)
                        .startsFrom(bytesDone, Duration.ZERO).setUnit(" MB", 1_000_000)
                        .setStyle(ProgressBarStyle.UNICODE_BLOCK).setUpdateIntervalMillis(200).build();
                bar = shown;
            }
            shown.stepTo(bytesDone);
            shown.setExtraMessage(String.format(Locale.ROOT, "%,d texts", texts));
        } else if (System.nanoTime() - lastLine > PLAIN_SECONDS * 1_000_000_000L) {
            lastLine = System.nanoTime();
            out.printf(Locale.ROOT, "%,d texts%s%n", texts,
                    bytesTotal == 0 ? "" : ", %d%% of the input".formatted(100 * bytesDone / bytesTotal));
        }
    }

    /// How many of the examples are done.
    void examples(String what, long done, long all) {
        if (terminal) {
            ProgressBar shown = bar;
            if (shown == null || !shown.getTaskName().equals(what)) {
                if (shown != null) {
                    shown.close();
                }
                started = System.nanoTime();
                shown = new ProgressBarBuilder().setTaskName(what).setInitialMax(all)
                        .setStyle(ProgressBarStyle.UNICODE_BLOCK).setUpdateIntervalMillis(200).build();
                bar = shown;
            }
            shown.stepTo(done);
        } else if (System.nanoTime() - lastLine > PLAIN_SECONDS * 1_000_000_000L) {
            lastLine = System.nanoTime();
            out.printf(Locale.ROOT, "%s: %,d of %,d%n", what, done, all);
        }
    }

    private static String numbers(Step step) {
        return "loss %.4f  learning rate %.1e  %,.0f tokens/s".formatted(step.loss(), step.learningRate(),
                step.tokensPerSecond());
    }

    private String left(Step step) {
        double perStep = (System.nanoTime() - started) / 1e9 / Math.max(1, step.step() - firstStep);
        long seconds = Math.round(perStep * (step.steps() - step.step()));
        return "%d:%02d left".formatted(seconds / 60, seconds % 60);
    }

    @Override
    public void evaluated(Evaluation evaluation) {
        Validation found = evaluation.found();
        if (!found.defined()) {
            // Said once: the next evaluations are on the same rows.
            if (!undefined) {
                out.printf(
                        "note: %s is undefined on what is held out, for instance since all its values are the same; no model is the best so far, the last one is kept%n",
                        found.metric());
            }
            undefined = true;
        } else if (bar == null) {
            Double loss = found.values().get("loss");
            out.printf(Locale.ROOT, "step %d  validation %s %.4f%s%s%n", evaluation.step(), found.metric(),
                    found.value(),
                    loss == null || found.metric().equals("loss") ? "" : ", loss %.4f".formatted(loss),
                    evaluation.best() ? "  best so far" : "");
        }
    }

    @Override
    public void close() {
        if (terminal && started == 0) {
            out.print("\r" + " ".repeat(60) + "\r");
        }
        ProgressBar shown = bar;
        if (shown != null) {
            shown.close();
            bar = null;
        }
    }
}
