package dev.weft.jinja;

import dev.weft.jinja.Expression.Given;
import dev.weft.jinja.Statement.Body;
import dev.weft.jinja.Statement.Target;
import dev.weft.jinja.Values.None;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Tokens to a tree, by Jinja's grammar.
final class Parser {
    /// What a template has as its parts: the statements, and the names of its outermost block.
    record Parsed(List<Statement> statements, Frame frame, boolean hasGeneration) {}

    /// A filter or test that does not exist. Jinja refuses it at once, unless it lies in a branch that may not be taken.
    private record Unknown(int line, String problem, boolean pinned) {}

    private static final int DEEPEST = 150;
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
    private static final Set<String> NO_NAMES = Set.of("true", "false", "none", "True", "False", "None");
    private static final Set<String> OTHER_TEMPLATES = Set.of("extends", "include", "import", "from", "block");

    private final String name;
    private final List<Token> tokens;
    private int at;
    private int depth;
    private Frame frame = new Frame(null);
    private final List<Unknown> unknown = new ArrayList<>();
    /// Loops around this place, in all and in the same function of Python's: `break` cannot leave a macro.
    private int loops;
    private int breakable;
    private boolean hasGeneration;
    /// Names that the bodies of macros mention, for `caller`, `kwargs` and `varargs`.
    private final List<String> mentioned = new ArrayList<>();

    private Parser(String name, String source) {
        this.name = name;
        tokens = Lexer.tokens(name, source);
    }

    static Parsed parse(String name, String source) {
        var parser = new Parser(name, source);
        List<Statement> statements = parser.statements("");
        if (!parser.unknown.isEmpty()) {
            Unknown first = parser.unknown.getFirst();
            throw new TemplateException(name, first.line(), first.problem());
        }
        return new Parsed(statements, parser.frame, parser.hasGeneration);
    }

    private Token now() {
        return tokens.get(at);
    }

    private Token next() {
        Token token = now();
        if (token.kind() != Token.Kind.END) {
            at++;
        }
        return token;
    }

    private boolean skip(String nameOrOperator) {
        if (now().is(nameOrOperator)) {
            at++;
            return true;
        }
        return false;
    }

    private TemplateException error(int line, String problem) {
        return new TemplateException(name, line, problem);
    }

    private TemplateException unexpected(String wanted) {
        return error(now().line(), "expected %s, found %s".formatted(wanted, now().described()));
    }

    private void expect(String operator) {
        if (!now().is(operator)) {
            throw unexpected("'" + operator + "'");
        }
        at++;
    }

    private Token expect(Token.Kind kind, String wanted) {
        if (now().kind() != kind) {
            throw unexpected(wanted);
        }
        return next();
    }

    private void enter() {
        if (++depth > DEEPEST) {
            throw error(now().line(), "blocks or expressions lie more than %d deep in each other".formatted(DEEPEST));
        }
    }

    // Statements

    /// What stands until a tag with one of these names, which is not taken, or to the end of the template.
    private List<Statement> statements(String... ends) {
        enter();
        int begun = now().line();
        var statements = new ArrayList<Statement>();
        while (true) {
            Token token = now();
            switch (token.kind()) {
                case DATA -> statements.add(new Statement.Text((String) next().value()));
                case PRINT_BEGIN -> {
                    next();
                    statements.add(new Statement.Print(token.line(), tuple(true)));
                    expect(Token.Kind.PRINT_END, "'}}'");
                }
                case BLOCK_BEGIN -> {
                    next();
                    for (String end : ends) {
                        if (now().kind() == Token.Kind.NAME && now().is(end)) {
                            depth--;
                            return statements;
                        }
                    }
                    statement(statements, ends);
                    expect(Token.Kind.BLOCK_END, "'%}'");
                }
                case END -> {
                    if (!ends[0].isEmpty()) {
                        throw error(token.line(), "the template ends without {%% %s %%}, wanted since line %d"
                                .formatted(ends[ends.length - 1], begun));
                    }
                    depth--;
                    return statements;
                }
                default -> throw unexpected("text or a tag");
            }
        }
    }

    /// What stands from the end of this tag until one of these.
    private List<Statement> body(String... ends) {
        skip(":");
        expect(Token.Kind.BLOCK_END, "'%}'");
        return statements(ends);
    }

    /// A block whose names are its own.
    private <T> T inFrame(Frame inner, Supplier<T> parse) {
        int pinFrom = unknown.size();
        Frame outer = frame;
        frame = inner;
        T parsed = parse.get();
        frame = outer;
        for (int i = pinFrom; i < unknown.size(); i++) {
            unknown.set(i, new Unknown(unknown.get(i).line(), unknown.get(i).problem(), true));
        }
        return parsed;
    }

    private void forgiveUnknown(int from) {
        for (int i = unknown.size() - 1; i >= from; i--) {
            if (!unknown.get(i).pinned()) {
                unknown.remove(i);
            }
        }
    }

    private void statement(List<Statement> out, String... ends) {
        Token tag = expect(Token.Kind.NAME, "the name of a tag");
        int line = tag.line();
        String word = (String) tag.value();
        out.add(switch (word) {
            case "for" -> forLoop(line);
            case "if" -> ifElse(line);
            case "set" -> set(line);
            case "macro" -> macro(line);
            case "call" -> call(line);
            case "filter" -> {
                Expression filter = filters(null, true);
                var inner = new Frame(frame);
                List<Statement> body = inFrame(inner, () -> body("endfilter"));
                next();
                yield new Statement.FilterBlock(line, filter, inner, body);
            }
            case "with" -> with(line);
            case "generation" -> {
                hasGeneration = true;
                var inner = new Frame(frame);
                List<Statement> body = inFrame(inner, () -> outsideLoops(() -> body("endgeneration")));
                next();
                yield new Statement.Generation(line, inner, body);
            }
            case "print" -> {
                var values = new ArrayList<Expression>();
                while (now().kind() != Token.Kind.BLOCK_END) {
                    if (!values.isEmpty()) {
                        expect(",");
                    }
                    values.add(expression());
                }
                for (Expression value : values.subList(0, Math.max(0, values.size() - 1))) {
                    out.add(new Statement.Print(line, value));
                }
                yield values.isEmpty() ? new Statement.Text("") : new Statement.Print(line, values.getLast());
            }
            case "break", "continue" -> {
                if (breakable == 0) {
                    throw error(line, "{%% %s %%} outside of a loop".formatted(word));
                }
                yield word.equals("break") ? new Statement.Break() : new Statement.Continue();
            }
            default -> throw error(line, problemWithTag(word, ends));
        });
    }

    private static String problemWithTag(String word, String... ends) {
        if (OTHER_TEMPLATES.contains(word)) {
            return "{%% %s %%} is not supported: a chat template stands alone".formatted(word);
        }
        String wanted = ends[0].isEmpty() ? "" : "; what is open here ends with " + String.join(" or ", ends);
        return "unknown tag '%s'%s".formatted(word, wanted);
    }

    private <T> T outsideLoops(Supplier<T> parse) {
        int before = breakable;
        breakable = 0;
        T parsed = parse.get();
        breakable = before;
        return parsed;
    }

    private Statement forLoop(int line) {
        loops++;
        Target target = target(false, true);
        if (!skip("in")) {
            throw unexpected("'in'");
        }
        Expression items = tuple(false, "recursive");
        var testFrame = new Frame(frame);
        var bodyFrame = new Frame(frame);
        var otherwiseFrame = new Frame(frame);
        give(target, testFrame);
        give(target, bodyFrame);
        Expression test = skip("if") ? inFrame(testFrame, this::expression) : null;
        boolean recursive = skip("recursive");
        int outer = breakable;
        breakable = recursive ? 1 : outer + 1;
        List<Statement> body = inFrame(bodyFrame, () -> body("endfor", "else"));
        breakable = outer;
        List<Statement> otherwise = next().is("else") ? inFrame(otherwiseFrame, () -> {
            List<Statement> parsed = body("endfor");
            next();
            return parsed;
        }) : List.of();
        loops--;
        return new Statement.For(line, target, items, test, recursive, body, otherwise, testFrame, bodyFrame,
                otherwiseFrame);
    }

    private static void give(Target target, Frame frame) {
        switch (target) {
            case Target.Variable(String variable) -> frame.isGiven(variable);
            case Target.Unpacked(List<Target> parts) -> parts.forEach(part -> give(part, frame));
            case Target.Member member -> {
                // no variable of its own
            }
        }
    }

    private Statement ifElse(int line) {
        int before = unknown.size();
        var tests = new ArrayList<Expression>();
        var bodies = new ArrayList<List<Statement>>();
        tests.add(tuple(false));
        Frame.Branches branches = frame.branches();
        branches.begin();
        bodies.add(body("elif", "else", "endif"));
        branches.end();
        branches.begin();
        Token end = next();
        while (end.is("elif")) {
            tests.add(tuple(false));
            bodies.add(body("elif", "else", "endif"));
            end = next();
        }
        branches.end();
        branches.begin();
        List<Statement> otherwise = List.of();
        if (end.is("else")) {
            otherwise = body("endif");
            next();
        }
        branches.end();
        branches.merge();
        forgiveUnknown(before);
        return new Statement.If(line, tests, bodies, otherwise);
    }

    private Statement set(int line) {
        Target target = target(true, true);
        if (skip("=")) {
            Expression value = tuple(true);
            store(target);
            return new Statement.Set(line, target, value);
        }
        Expression filter = now().is("|") ? filters(null, false) : null;
        store(target);
        var inner = new Frame(frame);
        List<Statement> body = inFrame(inner, () -> body("endset"));
        next();
        return new Statement.SetBlock(line, target, filter, inner, body);
    }

    private void store(Target target) {
        switch (target) {
            case Target.Variable(String variable) -> frame.sets(variable);
            case Target.Member(String namespace, String member) -> frame.reads(namespace);
            case Target.Unpacked(List<Target> parts) -> parts.forEach(this::store);
        }
    }

    /// A name, a tuple of names, or a member of a namespace.
    private Target target(boolean members, boolean tuples) {
        if (members && now().kind() == Token.Kind.NAME && tokens.get(at + 1).is(".")) {
            String namespace = (String) next().value();
            next();
            return new Target.Member(namespace, (String) expect(Token.Kind.NAME, "a name after the dot").value());
        }
        if (!tuples) {
            return oneTarget();
        }
        var parts = new ArrayList<Target>();
        boolean comma = false;
        while (parts.isEmpty() || comma) {
            if (!parts.isEmpty() && !now().is("(") && now().kind() != Token.Kind.NAME) {
                break;
            }
            parts.add(oneTarget());
            comma = skip(",");
        }
        return parts.size() == 1 && !tokens.get(at - 1).is(",") ? parts.getFirst() : new Target.Unpacked(parts);
    }

    private Target oneTarget() {
        enter();
        int line = now().line();
        Target target;
        if (skip("(")) {
            target = now().is(")") ? new Target.Unpacked(List.of()) : target(false, true);
            expect(")");
        } else {
            target = new Target.Variable(storable(line));
        }
        depth--;
        return target;
    }

    private String storable(int line) {
        String variable = (String) expect(Token.Kind.NAME, "the name of a variable").value();
        if (NO_NAMES.contains(variable)) {
            throw error(line, "'%s' cannot be set".formatted(variable));
        }
        if (loops > 0 && variable.equals("loop")) {
            throw error(line, "'loop' belongs to the for loop and cannot be set in it");
        }
        return variable;
    }

    private Statement macro(int line) {
        String macro = storable(line);
        frame.sets(macro);
        return new Statement.Macro(line, bodyOf(macro, true, "endmacro"));
    }

    private Statement call(int line) {
        // The parameters stand before the call, whose names belong to the block around it.
        int begin = at;
        if (now().is("(")) {
            inFrame(new Frame(frame), () -> {
                signature(new ArrayList<>(), new ArrayList<>());
                return true;
            });
        }
        Expression function = expression();
        if (!(function instanceof Expression.Call call)) {
            throw error(line, "{% call %} needs the call of a macro");
        }
        int afterCall = at;
        at = begin;
        Body caller = bodyOf("caller", now().is("("), afterCall, "endcall");
        return new Statement.CallBlock(line, call, caller);
    }

    private Body bodyOf(String called, boolean signed, String end) {
        return bodyOf(called, signed, -1, end);
    }

    /// @param bodyAt where the body begins when something stands between it and the parameters, or -1
    private Body bodyOf(String called, boolean signed, int bodyAt, String end) {
        var inner = new Frame(frame);
        int line = now().line();
        return inFrame(inner, () -> outsideLoops(() -> {
            var parameters = new ArrayList<String>();
            var defaults = new ArrayList<Expression>();
            if (signed) {
                signature(parameters, defaults);
            }
            if (bodyAt >= 0) {
                at = bodyAt;
            }
            int from = mentioned.size();
            List<String> special = List.of("caller", "kwargs", "varargs");
            special.stream().filter(word -> !parameters.contains(word)).forEach(inner::isGiven);
            List<Statement> statements = body(end);
            next();
            List<String> used = List.copyOf(mentioned.subList(from, mentioned.size()));
            int caller = parameters.indexOf("caller");
            if (used.contains("caller") && caller >= 0 && caller < parameters.size() - defaults.size()) {
                throw error(line, "the parameter 'caller' needs a default");
            }
            return new Body(called, parameters, defaults, used.contains("caller"),
                    used.contains("kwargs") && !parameters.contains("kwargs"),
                    used.contains("varargs") && !parameters.contains("varargs"), inner, statements);
        }));
    }

    private void signature(List<String> parameters, List<Expression> defaults) {
        expect("(");
        while (!now().is(")")) {
            if (!parameters.isEmpty()) {
                expect(",");
            }
            int line = now().line();
            String parameter = storable(line);
            if (parameters.contains(parameter)) {
                throw error(line, "the parameter '%s' stands twice".formatted(parameter));
            }
            parameters.add(parameter);
            frame.isGiven(parameter);
            if (skip("=")) {
                defaults.add(expression());
            } else if (!defaults.isEmpty()) {
                throw error(line,
                        "the parameter '%s' needs a default, since one before it has one".formatted(parameter));
            }
        }
        expect(")");
    }

    private Statement with(int line) {
        var inner = new Frame(frame);
        var targets = new ArrayList<Target>();
        var values = new ArrayList<Expression>();
        while (now().kind() != Token.Kind.BLOCK_END) {
            if (!targets.isEmpty()) {
                expect(",");
            }
            Target target = target(false, false);
            give(target, inner);
            targets.add(target);
            expect("=");
            values.add(expression());
        }
        List<Statement> body = inFrame(inner, () -> body("endwith"));
        next();
        return new Statement.With(line, targets, values, inner, body);
    }

    // Expressions

    private Expression expression() {
        return conditional();
    }

    private Expression conditional() {
        enter();
        int before = unknown.size();
        int line = now().line();
        Expression value = or();
        while (skip("if")) {
            Expression test = or();
            Expression otherwise = skip("else") ? conditional() : null;
            forgiveUnknown(before);
            value = new Expression.Conditional(line, test, value, otherwise);
            line = now().line();
        }
        depth--;
        return value;
    }

    private Expression or() {
        Expression left = and();
        while (skip("or")) {
            left = new Expression.Or(left, and());
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (skip("and")) {
            left = new Expression.And(left, not());
        }
        return left;
    }

    private Expression not() {
        if (!skip("not")) {
            return compare();
        }
        enter();
        Expression inner = new Expression.Not(not());
        depth--;
        return inner;
    }

    private Expression compare() {
        int line = now().line();
        Expression first = sum();
        var operators = new ArrayList<String>();
        var others = new ArrayList<Expression>();
        while (true) {
            if (now().kind() == Token.Kind.OPERATOR && COMPARISONS.contains((String) now().value())) {
                operators.add((String) next().value());
            } else if (skip("in")) {
                operators.add("in");
            } else if (now().is("not") && tokens.get(at + 1).is("in")) {
                at += 2;
                operators.add("not in");
            } else {
                break;
            }
            others.add(sum());
        }
        return operators.isEmpty() ? first : new Expression.Compare(line, first, operators, others);
    }

    private Expression binary(Supplier<Expression> operand, String... operators) {
        int line = now().line();
        Expression left = operand.get();
        while (now().kind() == Token.Kind.OPERATOR && List.of(operators).contains(now().value())) {
            left = new Expression.Binary(line, (String) next().value(), left, operand.get());
            line = now().line();
        }
        return left;
    }

    private Expression sum() {
        return binary(this::concat, "+", "-");
    }

    private Expression concat() {
        var parts = new ArrayList<Expression>();
        do {
            parts.add(binary(() -> binary(() -> unary(true), "**"), "*", "/", "//", "%"));
        } while (skip("~"));
        return parts.size() == 1 ? parts.getFirst() : new Expression.Concat(parts);
    }

    private Expression unary(boolean filters) {
        enter();
        Token token = now();
        Expression value;
        if (token.kind() == Token.Kind.OPERATOR && (token.is("-") || token.is("+"))) {
            next();
            value = new Expression.Unary(token.line(), (String) token.value(), unary(false));
        } else {
            value = primary();
        }
        value = postfix(value);
        depth--;
        return filters ? filtersAndTests(value) : value;
    }

    private Expression primary() {
        Token token = next();
        switch (token.kind()) {
            case NAME -> {
                String word = (String) token.value();
                return switch (word) {
                    case "true", "True" -> new Expression.Constant(true);
                    case "false", "False" -> new Expression.Constant(false);
                    case "none", "None" -> new Expression.Constant(None.NONE);
                    default -> {
                        frame.reads(word);
                        if (word.equals("caller") || word.equals("kwargs") || word.equals("varargs")) {
                            mentioned.add(word);
                        }
                        yield new Expression.Name(word);
                    }
                };
            }
            case STRING -> {
                var text = new StringBuilder((String) token.value());
                while (now().kind() == Token.Kind.STRING) {
                    text.append(next().value());
                }
                return new Expression.Constant(text.toString());
            }
            case INTEGER, FLOAT -> {
                return new Expression.Constant(token.value());
            }
            default -> {
                if (token.is("(")) {
                    Expression value = now().is(")") ? new Expression.TupleOf(List.of()) : tuple(true);
                    expect(")");
                    return value;
                }
                if (token.is("[")) {
                    return new Expression.ListOf(untilClosed("]"));
                }
                if (token.is("{")) {
                    return dict();
                }
                if (token.kind() != Token.Kind.END) {
                    at--;
                }
                throw unexpected("an expression");
            }
        }
    }

    private List<Expression> untilClosed(String end) {
        var items = new ArrayList<Expression>();
        while (!now().is(end)) {
            if (!items.isEmpty()) {
                expect(",");
                if (now().is(end)) {
                    break;
                }
            }
            items.add(expression());
        }
        expect(end);
        return items;
    }

    private Expression dict() {
        var keys = new ArrayList<Expression>();
        var values = new ArrayList<Expression>();
        while (!now().is("}")) {
            if (!keys.isEmpty()) {
                expect(",");
                if (now().is("}")) {
                    break;
                }
            }
            keys.add(expression());
            expect(":");
            values.add(expression());
        }
        expect("}");
        return new Expression.DictOf(keys, values);
    }

    /// One expression, or several with commas between, which are a tuple.
    private Expression tuple(boolean conditional, String... ends) {
        var items = new ArrayList<Expression>();
        boolean comma = false;
        while (true) {
            if (!items.isEmpty() && !comma || !items.isEmpty() && tupleEnds(ends)) {
                break;
            }
            items.add(conditional ? expression() : or());
            comma = skip(",");
        }
        return items.size() == 1 && !comma ? items.getFirst() : new Expression.TupleOf(items);
    }

    private boolean tupleEnds(String... ends) {
        Token token = now();
        if (token.kind() == Token.Kind.PRINT_END || token.kind() == Token.Kind.BLOCK_END || token.is(")")) {
            return true;
        }
        for (String end : ends) {
            if (token.is(end)) {
                return true;
            }
        }
        return false;
    }

    private Expression postfix(Expression start) {
        Expression value = start;
        while (now().kind() == Token.Kind.OPERATOR) {
            int line = now().line();
            if (skip(".")) {
                Token member = next();
                if (member.kind() == Token.Kind.NAME) {
                    value = new Expression.Attribute(line, value, (String) member.value());
                } else if (member.kind() == Token.Kind.INTEGER) {
                    value = new Expression.Item(line, value, new Expression.Constant(member.value()));
                } else {
                    throw error(line, "expected a name or number after the dot, found " + member.described());
                }
            } else if (skip("[")) {
                value = subscript(value, line);
            } else if (now().is("(")) {
                value = new Expression.Call(line, value, given());
            } else {
                break;
            }
        }
        return value;
    }

    private Expression subscript(Expression object, int line) {
        var keys = new ArrayList<Expression>();
        while (!now().is("]")) {
            if (!keys.isEmpty()) {
                expect(",");
            }
            Expression start = now().is(":") ? null : expression();
            if (skip(":")) {
                Expression stop = now().is("]") || now().is(":") || now().is(",") ? null : expression();
                Expression step = skip(":") && !now().is("]") && !now().is(",") ? expression() : null;
                if (!now().is("]") || !keys.isEmpty()) {
                    throw error(line, "one slice at a time: expected ']', found " + now().described());
                }
                expect("]");
                return new Expression.Slice(line, object, start, stop, step);
            }
            keys.add(start);
        }
        expect("]");
        return new Expression.Item(line, object,
                keys.size() == 1 ? keys.getFirst() : new Expression.TupleOf(keys));
    }

    private Given given() {
        int line = now().line();
        expect("(");
        var positional = new ArrayList<Expression>();
        var names = new ArrayList<String>();
        var named = new ArrayList<Expression>();
        Expression morePositional = null;
        Expression moreNamed = null;
        boolean comma = true;
        while (!now().is(")")) {
            if (!comma) {
                throw unexpected("',' or ')'");
            }
            boolean ordered;
            if (skip("*")) {
                ordered = morePositional == null && moreNamed == null;
                morePositional = expression();
            } else if (skip("**")) {
                ordered = moreNamed == null;
                moreNamed = expression();
            } else if (now().kind() == Token.Kind.NAME && tokens.get(at + 1).is("=")) {
                ordered = moreNamed == null;
                String parameter = (String) next().value();
                next();
                if (names.contains(parameter)) {
                    throw error(line, "the argument '%s' stands twice".formatted(parameter));
                }
                names.add(parameter);
                named.add(expression());
            } else {
                ordered = names.isEmpty() && morePositional == null && moreNamed == null;
                positional.add(expression());
            }
            if (!ordered) {
                throw error(line, "arguments come in the order: plain, *list, name=value, **dict");
            }
            comma = skip(",");
        }
        expect(")");
        return new Given(positional, names, named, morePositional, moreNamed);
    }

    private Expression filtersAndTests(Expression start) {
        Expression value = start;
        while (true) {
            int line = now().line();
            if (now().is("|")) {
                value = filters(value, false);
            } else if (now().kind() == Token.Kind.NAME && now().is("is")) {
                value = test(value);
            } else if (now().is("(")) {
                value = new Expression.Call(line, value, given());
            } else {
                return value;
            }
        }
    }

    private String dotted() {
        var word = new StringBuilder((String) expect(Token.Kind.NAME, "a name").value());
        while (skip(".")) {
            word.append('.').append(expect(Token.Kind.NAME, "a name").value());
        }
        return word.toString();
    }

    /// @param inline whether the first filter stands without a bar, as in a filter block
    private Expression filters(@Nullable Expression start, boolean inline) {
        Expression value = start;
        boolean bare = inline;
        while (bare || now().is("|")) {
            if (!bare) {
                next();
            }
            bare = false;
            int line = now().line();
            String filter = dotted();
            Given given = now().is("(") ? given() : Given.NOTHING;
            if (!Filters.knows(filter)) {
                unknown.add(new Unknown(line, Filters.unknown(filter), false));
            }
            value = new Expression.Filtered(line, value, filter, given);
        }
        if (value == null) {
            throw unexpected("a filter");
        }
        return value;
    }

    private Expression test(Expression tested) {
        int line = next().line();
        boolean negated = skip("not");
        String test = dotted();
        Given given = Given.NOTHING;
        Token token = now();
        if (token.is("(")) {
            given = given();
        } else if (Set.of(Token.Kind.NAME, Token.Kind.STRING, Token.Kind.INTEGER, Token.Kind.FLOAT)
                .contains(token.kind()) && !token.is("else") && !token.is("or") && !token.is("and")
                || token.is("[") || token.is("{")) {
            if (token.is("is")) {
                throw error(line, "tests cannot follow each other: join them with 'and'");
            }
            given = new Given(List.of(postfix(primary())), List.of(), List.of(), null, null);
        }
        if (!Tests.knows(test)) {
            unknown.add(new Unknown(line, Tests.unknown(test), false));
        }
        Expression value = new Expression.Tested(line, tested, test, given);
        return negated ? new Expression.Not(value) : value;
    }
}
