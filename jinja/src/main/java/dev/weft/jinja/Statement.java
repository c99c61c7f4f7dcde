package dev.weft.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a template does, piece by piece.
sealed interface Statement {
    record Text(String text) implements Statement {}

    record Print(int line, Expression value) implements Statement {}

    record If(int line, List<Expression> tests, List<List<Statement>> bodies, List<Statement> otherwise)
            implements
                Statement {}

    record For(int line, Target target, Expression items, @Nullable Expression test, boolean recursive,
            List<Statement> body, List<Statement> otherwise, Frame testFrame, Frame bodyFrame, Frame otherwiseFrame)
            implements
                Statement {}

    record Break() implements Statement {}

    record Continue() implements Statement {}

    record Set(int line, Target target, Expression value) implements Statement {}

    record SetBlock(int line, Target target, @Nullable Expression filter, Frame frame,
            List<Statement> body) implements Statement {}

    record Macro(int line, Body body) implements Statement {}

    record CallBlock(int line, Expression.Call call, Body caller) implements Statement {}

    record FilterBlock(int line, Expression filter, Frame frame, List<Statement> body) implements Statement {}

    record With(int line, List<Target> targets, List<Expression> values, Frame frame,
            List<Statement> body) implements Statement {}

    record Generation(int line, Frame frame, List<Statement> body) implements Statement {}

    /// Where a value goes.
    sealed interface Target {
        record Variable(String name) implements Target {}

        record Member(String namespace, String name) implements Target {}

        record Unpacked(List<Target> parts) implements Target {}
    }

    /// What a macro, or a call block for its caller, is: parameters, the defaults of the last of them, and what it says.
    record Body(String name, List<String> parameters, List<Expression> defaults, boolean usesCaller,
            boolean usesKwargs, boolean usesVarargs, Frame frame, List<Statement> statements) {}
}
