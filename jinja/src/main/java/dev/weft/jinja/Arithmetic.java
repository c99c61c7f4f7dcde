package dev.weft.jinja;

import dev.weft.jinja.Values.ListValue;
import dev.weft.jinja.Values.Markup;
import dev.weft.jinja.Values.TupleValue;
import dev.weft.jinja.Values.Undefined;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;

/// Python's operators on values.
final class Arithmetic {
    /// Python gives no text to an int of more than 4300 digits.
    private static final int MOST_BITS = 14_284;
    private static final MathContext EXACT_ENOUGH = new MathContext(60);

    private final Python python;
    private final Formatting formatting;

    Arithmetic(Python python) {
        this.python = python;
        formatting = new Formatting(python);
    }

    Object binary(String operator, Object a, Object b) {
        if (a instanceof Undefined undefined) {
            throw undefined.used();
        }
        if (operator.equals("%") && Python.text(a) != null) {
            return formatted(a, b);
        }
        if (b instanceof Undefined undefined) {
            throw undefined.used();
        }
        if (Python.isNumber(a) && Python.isNumber(b)) {
            return numbers(operator, a, b);
        }
        Object result = operator.equals("+") ? joined(a, b) : operator.equals("*") ? repeated(a, b) : null;
        if (result == null) {
            throw Problem.of("'%s' cannot be used between %s and %s", operator, Python.type(a), Python.type(b));
        }
        return result;
    }

    private Object formatted(Object format, Object values) {
        if (format instanceof Markup(String text)) {
            throw Problem.of("'%%' is not supported on a string that was escaped or marked as safe");
        }
        return formatting.percent((String) format, values);
    }

    private @org.jspecify.annotations.Nullable Object joined(Object a, Object b) {
        String left = Python.text(a);
        String right = Python.text(b);
        if (left != null && right != null) {
            if (a instanceof Markup || b instanceof Markup) {
                return new Markup(html(a) + html(b));
            }
            python.meter.chars((long) left.length() + right.length());
            return left + right;
        }
        boolean lists = a instanceof ListValue && b instanceof ListValue;
        if (!lists && !(a instanceof TupleValue && b instanceof TupleValue)) {
            return null;
        }
        List<Object> first = lists ? ((ListValue) a).items() : ((TupleValue) a).items();
        List<Object> second = lists ? ((ListValue) b).items() : ((TupleValue) b).items();
        python.meter.items((long) first.size() + second.size());
        var items = new ArrayList<>(first);
        items.addAll(second);
        return lists ? new ListValue(items) : new TupleValue(items, false);
    }

    private String html(Object value) {
        String text = value instanceof Markup markup ? markup.text() : Filters.escaped(Python.text(value));
        python.meter.chars(text.length());
        return text;
    }

    private @org.jspecify.annotations.Nullable Object repeated(Object a, Object b) {
        boolean swap = b instanceof BigInteger || b instanceof Boolean;
        Object value = swap ? a : b;
        Object times = swap ? b : a;
        if (!(times instanceof BigInteger || times instanceof Boolean)) {
            return null;
        }
        if (Python.wantInteger(times, "a count").bitLength() > 63) {
            throw new Problem("something is to be repeated more often than Python can count");
        }
        long count = Math.max(0, Python.wantInt(times, "a count"));
        String text = Python.text(value);
        if (text != null) {
            python.meter.chars(text.length() * count);
            String result = text.isEmpty() ? "" : text.repeat((int) count);
            return value instanceof Markup ? new Markup(result) : result;
        }
        if (!(value instanceof ListValue || value instanceof TupleValue)) {
            return null;
        }
        List<Object> items = value instanceof ListValue list ? list.items() : ((TupleValue) value).items();
        python.meter.items(items.size() * count);
        var all = new ArrayList<Object>();
        for (long i = 0; i < count && !items.isEmpty(); i++) {
            all.addAll(items);
        }
        return value instanceof ListValue ? new ListValue(all) : new TupleValue(all, false);
    }

    private static Object numbers(String operator, Object a, Object b) {
        boolean floats = a instanceof Double || b instanceof Double;
        return switch (operator) {
            case "+" -> floats ? (Object) (of(a) + of(b)) : (Object) sized(whole(a).add(whole(b)));
            case "-" -> floats ? (Object) (of(a) - of(b)) : (Object) sized(whole(a).subtract(whole(b)));
            case "*" -> floats ? (Object) (of(a) * of(b)) : (Object) sized(whole(a).multiply(whole(b)));
            case "/" -> floats ? divided(of(a), of(b)) : divided(whole(a), whole(b));
            case "//" -> floats ? floored(of(a), of(b)) : floored(whole(a), whole(b))[0];
            case "%" -> floats ? remainder(of(a), of(b)) : floored(whole(a), whole(b))[1];
            default -> power(a, b);
        };
    }

    private static double of(Object number) {
        return Python.doubleOf(number);
    }

    private static BigInteger whole(Object number) {
        return Python.wantInteger(number, "a number");
    }

    private static BigInteger sized(BigInteger number) {
        if (number.bitLength() > MOST_BITS) {
            throw new Problem("an integer of more than 4300 digits");
        }
        return number;
    }

    private static Problem byZero() {
        return new Problem("division by zero");
    }

    private static Object divided(double a, double b) {
        if (b == 0) {
            throw byZero();
        }
        return a / b;
    }

    private static Object divided(BigInteger a, BigInteger b) {
        if (b.signum() == 0) {
            throw byZero();
        }
        if (a.bitLength() <= 53 && b.bitLength() <= 53) {
            return a.doubleValue() / b.doubleValue();
        }
        double result = new BigDecimal(a).divide(new BigDecimal(b), EXACT_ENOUGH).doubleValue();
        if (Double.isInfinite(result)) {
            throw new Problem("the quotient is too large for a float");
        }
        return result;
    }

    private static BigInteger[] floored(BigInteger a, BigInteger b) {
        if (b.signum() == 0) {
            throw byZero();
        }
        BigInteger[] parts = a.divideAndRemainder(b);
        return parts[1].signum() != 0 && parts[1].signum() != b.signum()
                ? new BigInteger[]{parts[0].subtract(BigInteger.ONE), parts[1].add(b)}
                : parts;
    }

    private static Object remainder(double a, double b) {
        if (b == 0) {
            throw byZero();
        }
        double rest = a % b;
        if (rest == 0) {
            return Math.copySign(0.0, b);
        }
        return rest < 0 == b < 0 ? rest : rest + b;
    }

    private static Object floored(double a, double b) {
        if (b == 0) {
            throw byZero();
        }
        double rest = a % b;
        double quotient = (a - rest) / b;
        if (rest != 0 && rest < 0 != b < 0) {
            quotient -= 1;
        }
        if (quotient == 0) {
            return Math.copySign(0.0, a / b);
        }
        double floor = Math.floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    private static Object power(Object a, Object b) {
        if (!(a instanceof Double) && !(b instanceof Double) && whole(b).signum() >= 0) {
            BigInteger base = whole(a);
            BigInteger exponent = whole(b);
            if (base.bitLength() <= 1 && base.compareTo(BigInteger.ONE.negate()) >= 0) {
                // 0, 1 and -1 stay small however large the exponent is
                return exponent.signum() == 0
                        ? BigInteger.ONE
                        : base.signum() < 0 && !exponent.testBit(0) ? BigInteger.ONE : base;
            }
            if (exponent.bitLength() > 30 || (base.abs().bitLength() - 1L) * exponent.intValue() > MOST_BITS) {
                throw new Problem("an integer of more than 4300 digits");
            }
            return sized(base.pow(exponent.intValue()));
        }
        double base = of(a);
        double exponent = of(b);
        if (base == 0 && exponent < 0) {
            throw new Problem("zero cannot be raised to a negative power");
        }
        if (base < 0 && Double.isFinite(exponent) && exponent != Math.rint(exponent) && Double.isFinite(base)) {
            throw new Problem("a power of a negative number that is complex");
        }
        if (base == 1 || Math.abs(base) == 1 && Double.isInfinite(exponent)) {
            return 1.0;
        }
        double result = Math.pow(base, exponent);
        if (Double.isInfinite(result) && Double.isFinite(base) && Double.isFinite(exponent)) {
            throw new Problem("the power is too large for a float");
        }
        return result;
    }

    Object unary(String operator, Object value) {
        return switch (value) {
            case Double number -> operator.equals("-") ? -number : number;
            case BigInteger number -> operator.equals("-") ? number.negate() : number;
            case Boolean flag -> operator.equals("-") ? whole(flag).negate() : whole(flag);
            default -> throw Python.unused(value,
                    "'%s' cannot be used on a %s".formatted(operator, Python.type(value)));
        };
    }
}
