package dev.weft.jinja;

/// A piece of a template. Data, names and operators have their text as value, literals what they stand for.
record Token(Kind kind, Object value, int line) {
    enum Kind {
        DATA, PRINT_BEGIN, PRINT_END, BLOCK_BEGIN, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END
    }

    boolean is(String nameOrOperator) {
        return (kind == Kind.NAME || kind == Kind.OPERATOR) && value.equals(nameOrOperator);
    }

    String described() {
        return switch (kind) {
            case DATA -> "text";
            case PRINT_BEGIN -> "'{{'";
            case PRINT_END -> "'}}'";
            case BLOCK_BEGIN -> "'{%'";
            case BLOCK_END -> "'%}'";
            case END -> "the end of the template";
            case NAME, OPERATOR -> "'" + value + "'";
            case STRING -> "the string \"" + value + "\"";
            case INTEGER, FLOAT -> "the number " + value;
        };
    }
}
