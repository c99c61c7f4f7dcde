package dev.weft.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What has a value.
sealed interface Expression {
    record Constant(Object value) implements Expression {}

    record Name(String name) implements Expression {}

    record ListOf(List<Expression> items) implements Expression {}

    record TupleOf(List<Expression> items) implements Expression {}

    record DictOf(List<Expression> keys, List<Expression> values) implements Expression {}

    record Conditional(int line, Expression test, Expression yes, @Nullable Expression no) implements Expression {}

    record And(Expression left, Expression right) implements Expression {}

    record Or(Expression left, Expression right) implements Expression {}

    record Not(Expression inner) implements Expression {}

    /// `a < b <= c`: operators and the operands after the first.
    record Compare(int line, Expression first, List<String> operators, List<Expression> others) implements Expression {}

    record Binary(int line, String operator, Expression left, Expression right) implements Expression {}

    record Unary(int line, String operator, Expression inner) implements Expression {}

    record Concat(List<Expression> parts) implements Expression {}

    record Attribute(int line, Expression object, String name) implements Expression {}

    record Item(int line, Expression object, Expression key) implements Expression {}

    record Slice(int line, Expression object, @Nullable Expression start, @Nullable Expression stop,
            @Nullable Expression step) implements Expression {}

    record Call(int line, Expression function, Given given) implements Expression {}

    /// @param value what is filtered; null at the start of a filter block
    record Filtered(int line, @Nullable Expression value, String filter, Given given) implements Expression {}

    record Tested(int line, Expression value, String test, Given given) implements Expression {}

    /// Arguments as written.
    record Given(List<Expression> positional, List<String> names, List<Expression> named,
            @Nullable Expression morePositional, @Nullable Expression moreNamed) {
        static final Given NOTHING = new Given(List.of(), List.of(), List.of(), null, null);
    }
}
