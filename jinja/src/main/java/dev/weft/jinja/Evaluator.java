package dev.weft.jinja;

import dev.weft.jinja.Expression.Given;
import dev.weft.jinja.Statement.Body;
import dev.weft.jinja.Statement.Target;
import dev.weft.jinja.Values.Attributes;
import dev.weft.jinja.Values.DictValue;
import dev.weft.jinja.Values.Function;
import dev.weft.jinja.Values.IteratorValue;
import dev.weft.jinja.Values.ListValue;
import dev.weft.jinja.Values.Method;
import dev.weft.jinja.Values.Namespace;
import dev.weft.jinja.Values.None;
import dev.weft.jinja.Values.TupleValue;
import dev.weft.jinja.Values.Undefined;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/// Runs a template once.
final class Evaluator {
    private enum Then {
        GO_ON, BREAK, CONTINUE
    }

    final Python python;
    final Clock clock;
    /// The line that is run.
    int line = 1;

    private final Meter meter;
    private final Arithmetic arithmetic;
    private final boolean wantsSpans;
    private StringBuilder out = new StringBuilder();
    private final List<Template.Span> spans = new ArrayList<>();
    /// Whether what is written now does not go to the text itself but to a value.
    private boolean captured;
    private boolean generating;

    Evaluator(TemplateLimits limits, Clock clock, boolean wantsSpans) {
        meter = new Meter(limits);
        python = new Python(meter);
        arithmetic = new Arithmetic(python);
        this.clock = clock;
        this.wantsSpans = wantsSpans;
    }

    Template.Rendered run(Parser.Parsed template, Map<String, ?> variables) {
        var context = new Scope(null, null);
        Globals.ALL.forEach(context::set);
        variables.forEach((name, value) -> context.set(name, Python.of(value)));
        run(template.statements(), new Scope(context, template.frame()));
        return new Template.Rendered(out.toString(), List.copyOf(spans));
    }

    // Statements

    private void write(String text) {
        meter.steps(text.length() / 8);
        meter.output((long) out.length() + text.length());
        out.append(text);
    }

    private Then run(List<Statement> statements, Scope scope) {
        for (Statement statement : statements) {
            meter.enter();
            Then then = run(statement, scope);
            meter.leave();
            if (then != Then.GO_ON) {
                return then;
            }
        }
        return Then.GO_ON;
    }

    private Then run(Statement statement, Scope scope) {
        switch (statement) {
            case Statement.Text(String text) -> write(text);
            case Statement.Print(int at, Expression value) -> {
                line = at;
                write(python.str(value(value, scope)));
            }
            case Statement.If choice -> {
                for (int i = 0; i < choice.tests().size(); i++) {
                    if (python.truth(value(choice.tests().get(i), scope))) {
                        return run(choice.bodies().get(i), scope);
                    }
                }
                return run(choice.otherwise(), scope);
            }
            case Statement.For loop -> {
                line = loop.line();
                return run(loop, value(loop.items(), scope), scope, 0);
            }
            case Statement.Break end -> {
                return Then.BREAK;
            }
            case Statement.Continue next -> {
                return Then.CONTINUE;
            }
            case Statement.Set(int at, Target target, Expression value) -> {
                line = at;
                assign(target, value(value, scope), scope);
            }
            case Statement.SetBlock set -> {
                var text = new StringBuilder();
                Then then = capture(text, set.body(), new Scope(scope, set.frame()));
                if (then != Then.GO_ON) {
                    return then;
                }
                line = set.line();
                Object value = set.filter() == null
                        ? text.toString()
                        : filtered((Expression.Filtered) set.filter(), text.toString(), scope);
                assign(set.target(), value, scope);
            }
            case Statement.Macro macro -> scope.set(macro.body().name(), new MacroValue(macro.body(), scope));
            case Statement.CallBlock block -> {
                line = block.line();
                Arguments given = arguments(block.call().given(), scope);
                var named = new LinkedHashMap<>(given.named());
                named.put("caller", new MacroValue(block.caller(), scope));
                Object function = value(block.call().function(), scope);
                write(Python.wantText(call(function, new Arguments(given.positional(), named)),
                        "what a call block gives"));
            }
            case Statement.FilterBlock block -> {
                var text = new StringBuilder();
                var inner = new Scope(scope, block.frame());
                Then then = capture(text, block.body(), inner);
                if (then != Then.GO_ON) {
                    return then;
                }
                line = block.line();
                write(Python.wantText(filtered((Expression.Filtered) block.filter(), text.toString(), inner),
                        "what a filter block gives"));
            }
            case Statement.With with -> {
                var inner = new Scope(scope, with.frame());
                List<Object> values = with.values().stream().map(value -> value(value, scope)).toList();
                for (int i = 0; i < values.size(); i++) {
                    assign(with.targets().get(i), values.get(i), inner);
                }
                return run(with.body(), inner);
            }
            case Statement.Generation block -> generation(block, scope);
        }
        return Then.GO_ON;
    }

    private void generation(Statement.Generation block, Scope scope) {
        line = block.line();
        if (captured && wantsSpans) {
            throw new Problem("a generation block inside a macro, a set block or a filter block: where its text will "
                    + "stand is not known");
        }
        boolean outermost = !generating;
        generating = true;
        int start = out.length();
        run(block.body(), new Scope(scope, block.frame()));
        if (outermost) {
            generating = false;
            spans.add(new Template.Span(start, out.length()));
        }
    }

    /// Runs statements whose text becomes a value.
    private Then capture(StringBuilder text, List<Statement> body, Scope scope) {
        StringBuilder outer = out;
        boolean before = captured;
        out = text;
        captured = true;
        try {
            return run(body, scope);
        } finally {
            out = outer;
            captured = before;
        }
    }

    private void assign(Target target, Object value, Scope scope) {
        switch (target) {
            case Target.Variable(String name) -> scope.set(name, value);
            case Target.Member(String name, String member) -> {
                if (!(scope.get(name) instanceof Namespace namespace)) {
                    throw Problem.of("'%s' is no namespace; attributes of other values cannot be set", name);
                }
                namespace.values.put(member, value);
            }
            case Target.Unpacked(List<Target> parts) -> {
                if (value instanceof Undefined undefined && !parts.isEmpty()) {
                    throw undefined.used();
                }
                List<Object> values = python.list(value);
                if (values.size() != parts.size()) {
                    throw Problem.of("%d values for %d names", values.size(), parts.size());
                }
                for (int i = 0; i < parts.size(); i++) {
                    assign(parts.get(i), values.get(i), scope);
                }
            }
        }
    }

    private Then run(Statement.For loop, Object items, Scope scope, int depth) {
        Iterator<Object> rest = python.iterate(items);
        int length = loop.test() == null ? python.lengthOrNone(items) : -1;
        if (loop.test() != null) {
            rest = kept(loop, rest, scope);
        }
        var state = new Loop(this, loop, scope, rest, length, depth);
        boolean any = false;
        while (state.advance()) {
            var inner = new Scope(scope, loop.bodyFrame());
            line = loop.line();
            assign(loop.target(), state.current(), inner);
            inner.set("loop", state);
            meter.steps(1);
            Then then = run(loop.body(), inner);
            if (then == Then.BREAK) {
                break;
            }
            // As in jinja2, a round that was left early does not count: `else` comes after it.
            any |= then == Then.GO_ON;
        }
        return any ? Then.GO_ON : run(loop.otherwise(), new Scope(scope, loop.otherwiseFrame()));
    }

    private Iterator<Object> kept(Statement.For loop, Iterator<Object> items, Scope scope) {
        Expression test = loop.test();
        assert test != null;
        return filter(items, item -> {
            var inner = new Scope(scope, loop.testFrame());
            assign(loop.target(), item, inner);
            return python.truth(value(test, inner));
        });
    }

    /// The items that pass, found as they are asked for.
    Iterator<Object> filter(Iterator<Object> items, java.util.function.Predicate<Object> passes) {
        return new Iterator<>() {
            private @Nullable Object next;

            @Override
            public boolean hasNext() {
                while (next == null && items.hasNext()) {
                    meter.steps(1);
                    Object item = items.next();
                    if (passes.test(item)) {
                        next = item;
                    }
                }
                return next != null;
            }

            @Override
            public Object next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                Object item = next;
                next = null;
                assert item != null;
                return item;
            }
        };
    }

    // Expressions

    Object value(Expression expression, Scope scope) {
        meter.enter();
        Object value = evaluate(expression, scope);
        meter.leave();
        return value;
    }

    private Object evaluate(Expression expression, Scope scope) {
        return switch (expression) {
            case Expression.Constant(Object value) -> value;
            case Expression.Name(String name) -> scope.get(name);
            case Expression.ListOf(List<Expression> items) -> new ListValue(values(items, scope));
            case Expression.TupleOf(List<Expression> items) -> new TupleValue(values(items, scope), false);
            case Expression.DictOf dict -> dict(dict, scope);
            case Expression.Conditional choice -> {
                if (python.truth(value(choice.test(), scope))) {
                    yield value(choice.yes(), scope);
                }
                yield choice.no() != null
                        ? value(choice.no(), scope)
                        : new Undefined("the inline if-expression on line " + choice.line()
                                + " evaluated to false and has no else");
            }
            case Expression.And(Expression left, Expression right) -> {
                Object first = value(left, scope);
                yield python.truth(first) ? value(right, scope) : first;
            }
            case Expression.Or(Expression left, Expression right) -> {
                Object first = value(left, scope);
                yield python.truth(first) ? first : value(right, scope);
            }
            case Expression.Not(Expression inner) -> !python.truth(value(inner, scope));
            case Expression.Compare compare -> compare(compare, scope);
            case Expression.Binary binary -> {
                Object left = value(binary.left(), scope);
                Object right = value(binary.right(), scope);
                line = binary.line();
                yield arithmetic.binary(binary.operator(), left, right);
            }
            case Expression.Unary unary -> {
                Object inner = value(unary.inner(), scope);
                line = unary.line();
                yield arithmetic.unary(unary.operator(), inner);
            }
            case Expression.Concat(List<Expression> parts) -> {
                var text = new StringBuilder();
                for (Expression part : parts) {
                    text.append(python.str(value(part, scope)));
                    meter.chars(text.length());
                }
                yield text.toString();
            }
            case Expression.Attribute attribute -> {
                Object object = value(attribute.object(), scope);
                line = attribute.line();
                yield attribute(object, attribute.name());
            }
            case Expression.Item item -> {
                Object object = value(item.object(), scope);
                Object key = value(item.key(), scope);
                line = item.line();
                yield item(object, key);
            }
            case Expression.Slice slice -> {
                Object object = value(slice.object(), scope);
                Object start = slice.start() == null ? null : value(slice.start(), scope);
                Object stop = slice.stop() == null ? null : value(slice.stop(), scope);
                Object step = slice.step() == null ? null : value(slice.step(), scope);
                line = slice.line();
                yield python.slice(object, start, stop, step);
            }
            case Expression.Call call -> {
                Object function = value(call.function(), scope);
                Arguments given = arguments(call.given(), scope);
                line = call.line();
                yield call(function, given);
            }
            case Expression.Filtered filtered -> {
                Expression inner = filtered.value();
                assert inner != null;
                yield filtered(filtered, null, scope);
            }
            case Expression.Tested tested -> {
                Object value = value(tested.value(), scope);
                Arguments given = arguments(tested.given(), scope);
                line = tested.line();
                yield Tests.test(this, tested.test(), value, given);
            }
        };
    }

    private List<Object> values(List<Expression> expressions, Scope scope) {
        var values = new ArrayList<Object>(expressions.size());
        for (Expression expression : expressions) {
            values.add(value(expression, scope));
        }
        return values;
    }

    private Object dict(Expression.DictOf dict, Scope scope) {
        var values = new DictValue();
        for (int i = 0; i < dict.keys().size(); i++) {
            values.put(value(dict.keys().get(i), scope), value(dict.values().get(i), scope));
        }
        return values;
    }

    private Object compare(Expression.Compare compare, Scope scope) {
        Object left = value(compare.first(), scope);
        for (int i = 0; i < compare.operators().size(); i++) {
            Object right = value(compare.others().get(i), scope);
            line = compare.line();
            if (!python.compare(compare.operators().get(i), left, right)) {
                return false;
            }
            left = right;
        }
        return true;
    }

    private Arguments arguments(Given given, Scope scope) {
        if (given == Given.NOTHING) {
            return Arguments.NONE;
        }
        List<Object> positional = values(given.positional(), scope);
        var named = new LinkedHashMap<String, Object>();
        for (int i = 0; i < given.names().size(); i++) {
            named.put(given.names().get(i), value(given.named().get(i), scope));
        }
        if (given.morePositional() != null) {
            positional.addAll(python.list(value(given.morePositional(), scope)));
        }
        if (given.moreNamed() != null) {
            if (!(value(given.moreNamed(), scope) instanceof DictValue more)) {
                throw new Problem("what stands after ** in a call must be a dict");
            }
            for (Map.Entry<Object, Object> entry : more.entries()) {
                String name = Python.wantText(entry.getKey(), "the name of an argument");
                if (named.put(name, entry.getValue()) != null) {
                    throw Problem.of("the argument '%s' is given twice", name);
                }
            }
        }
        return new Arguments(positional, named);
    }

    private Object filtered(Expression.Filtered filtered, @Nullable Object start, Scope scope) {
        Expression inner = filtered.value();
        Object value;
        if (inner instanceof Expression.Filtered before && start != null) {
            value = filtered(before, start, scope);
        } else if (inner != null) {
            value = value(inner, scope);
        } else if (start != null) {
            value = start;
        } else {
            throw new IllegalStateException("a filter without a value");
        }
        Arguments given = arguments(filtered.given(), scope);
        line = filtered.line();
        return Filters.apply(this, filtered.filter(), value, given);
    }

    // What filters and functions need too

    /// `object.name`: the attribute, or else the item.
    Object attribute(Object object, String name) {
        if (object instanceof Undefined undefined) {
            throw undefined.used();
        }
        Object value = Methods.of(object, name);
        if (value == null) {
            value = python.item(object, name);
        }
        return value != null ? value : Python.missing(object, name);
    }

    /// `object[key]`: the item, or else the attribute.
    Object item(Object object, Object key) {
        if (object instanceof Undefined undefined) {
            throw undefined.used();
        }
        Object value = python.item(object, key);
        String name = Python.text(key);
        if (value == null && name != null) {
            value = Methods.of(object, name);
        }
        return value != null ? value : Python.missing(object, key);
    }

    Object call(Object function, Arguments arguments) {
        meter.enter();
        Object value = switch (function) {
            case Function known -> known.call(this, arguments);
            case Method(Object receiver, String name) -> Methods.call(this, receiver, name, arguments);
            case MacroValue macro -> macro(macro, arguments);
            case Loop loop -> loop.call(arguments);
            default -> throw Python.unused(function, "a %s cannot be called".formatted(Python.type(function)));
        };
        meter.leave();
        return value;
    }

    /// A macro with the variables around its definition.
    record MacroValue(Body body, Scope scope) {
        String name() {
            return body.name();
        }
    }

    private Object macro(MacroValue macro, Arguments arguments) {
        Body body = macro.body();
        var scope = new Scope(macro.scope(), body.frame());
        List<String> parameters = body.parameters();
        var named = new LinkedHashMap<>(arguments.named());
        List<Object> positional = arguments.positional();
        if (positional.size() > parameters.size() && !body.usesVarargs()) {
            throw Problem.of("macro '%s' takes %d argument(s) at most, found %d", body.name(), parameters.size(),
                    positional.size());
        }
        var given = new ArrayList<@Nullable Object>();
        for (int i = 0; i < parameters.size(); i++) {
            given.add(i < positional.size() ? positional.get(i) : named.remove(parameters.get(i)));
        }
        if (body.usesCaller() && !parameters.contains("caller")) {
            Object caller = named.remove("caller");
            scope.set("caller",
                    caller == null || caller instanceof None ? new Undefined("No caller defined") : caller);
        }
        if (body.usesKwargs()) {
            var more = new DictValue();
            named.forEach(more::put);
            scope.set("kwargs", more);
        } else if (!named.isEmpty()) {
            throw Problem.of("macro '%s' has no argument '%s'", body.name(), named.keySet().iterator().next());
        }
        if (body.usesVarargs()) {
            scope.set("varargs", new TupleValue(List.copyOf(
                    positional.subList(Math.min(parameters.size(), positional.size()), positional.size())), false));
        }
        int withDefault = parameters.size() - body.defaults().size();
        for (int i = 0; i < parameters.size(); i++) {
            Object value = given.get(i);
            if (value == null) {
                value = i >= withDefault
                        ? value(body.defaults().get(i - withDefault), scope)
                        : new Undefined("parameter '%s' was not provided".formatted(parameters.get(i)));
            }
            scope.set(parameters.get(i), value);
        }
        var text = new StringBuilder();
        capture(text, body.statements(), scope);
        return text.toString();
    }

    /// `loop`: where a for loop is.
    static final class Loop implements Attributes {
        private final Evaluator evaluator;
        private final Statement.For statement;
        private final Scope scope;
        private Iterator<Object> rest;
        private int length;
        private final int depth;
        private int index = -1;
        private @Nullable Object previous;
        private @Nullable Object current;
        private @Nullable Object next;
        private @Nullable List<Object> changing;

        private Loop(Evaluator evaluator, Statement.For statement, Scope scope, Iterator<Object> rest, int length,
                int depth) {
            this.evaluator = evaluator;
            this.statement = statement;
            this.scope = scope;
            this.rest = rest;
            this.length = length;
            this.depth = depth;
        }

        private boolean advance() {
            Object item = next != null ? next : rest.hasNext() ? rest.next() : null;
            next = null;
            if (item == null) {
                return false;
            }
            index++;
            previous = current;
            current = item;
            return true;
        }

        private Object current() {
            Object item = current;
            assert item != null;
            return item;
        }

        private @Nullable Object peek() {
            if (next == null && rest.hasNext()) {
                next = rest.next();
            }
            return next;
        }

        int length() {
            if (length < 0) {
                var items = new ArrayList<Object>();
                while (rest.hasNext()) {
                    items.add(rest.next());
                    evaluator.meter.items(items.size() / 8);
                }
                rest = items.iterator();
                length = items.size() + index + 1 + (next == null ? 0 : 1);
            }
            return length;
        }

        String text() {
            return "<LoopContext %d/%d>".formatted(index + 1, length());
        }

        @Override
        public @Nullable Object attribute(String name) {
            return switch (name) {
                case "index" -> Python.integer(index + 1L);
                case "index0" -> Python.integer(index);
                case "first" -> index == 0;
                case "last" -> peek() == null;
                case "length" -> Python.integer(length());
                case "revindex" -> Python.integer(length() - (long) index);
                case "revindex0" -> Python.integer(length() - (long) index - 1);
                case "depth" -> Python.integer(depth + 1L);
                case "depth0" -> Python.integer(depth);
                case "previtem" ->
                    index > 0 && previous != null ? previous : new Undefined("there is no previous item");
                case "nextitem" -> {
                    Object following = peek();
                    yield following != null ? following : new Undefined("there is no next item");
                }
                case "cycle" -> (Function) (evaluator, arguments) -> {
                    List<Object> items = arguments.positional();
                    if (items.isEmpty() || !arguments.named().isEmpty()) {
                        throw new Problem("loop.cycle needs the values to go through");
                    }
                    return items.get(index % items.size());
                };
                case "changed" -> (Function) (evaluator, arguments) -> {
                    List<Object> before = changing;
                    changing = arguments.positional();
                    return before == null || !evaluator.python.equal(new TupleValue(before, false),
                            new TupleValue(changing, false));
                };
                default -> null;
            };
        }

        private Object call(Arguments arguments) {
            if (!statement.recursive()) {
                throw new Problem("only a loop marked 'recursive' can be called");
            }
            var text = new StringBuilder();
            StringBuilder outer = evaluator.out;
            boolean before = evaluator.captured;
            evaluator.out = text;
            evaluator.captured = true;
            try {
                evaluator.run(statement, arguments.only("loop"), scope, depth + 1);
            } finally {
                evaluator.out = outer;
                evaluator.captured = before;
            }
            return text.toString();
        }
    }

    static IteratorValue once(Iterator<Object> items) {
        return new IteratorValue(items);
    }
}
