package dev.weft.eval;

import java.util.ArrayList;
import java.util.List;

/// How tags such as `B-PER` mark entities: what a tag may follow, and where an entity begins and ends.
///
/// Matches seqeval 1.2: [#LENIENT] is its default mode, the others its `mode="strict"` with that scheme.
public enum TagScheme {
    /// Whatever the tags are (B, I, E, S and O): an entity runs on while I or E of the same type follows B or I.
    LENIENT("BIES"),
    /// I marks an entity; B only its begin right after another of the same type (CoNLL 2003 as published).
    IOB1("IB"),
    /// B begins each entity, I goes on. An I without its B is no entity.
    IOB2("IB"),
    /// E ends each entity, I goes on towards it.
    IOE2("IE"),
    /// B begins, I goes on, E ends; S is a whole entity. Without its E it is none.
    IOBES("IBES"),
    /// As [#IOBES], with L (last) for E and U (unit) for S.
    BILOU("IBLU");

    /// @param start the first token
    /// @param end   after the last token
    public record Entity(String type, int start, int end) {}

    private record Tag(char mark, String type) {
        boolean is(String marks) {
            return marks.indexOf(mark) >= 0;
        }

        boolean sameTypeAs(Tag other) {
            return type.equals(other.type);
        }
    }

    private static final Tag OUTSIDE = new Tag('O', "");

    private final String marks;

    TagScheme(String marks) {
        this.marks = marks;
    }

    /// The entities of one sentence, in order.
    ///
    /// @throws IllegalArgumentException if a tag does not belong to the scheme
    public List<Entity> entities(List<String> tags) {
        List<Tag> read = tags.stream().map(this::tag).toList();
        var entities = new ArrayList<Entity>();
        Tag previous = OUTSIDE;
        for (int start = 0; start < read.size();) {
            int end = start + 1;
            if (starts(previous, read.get(start))) {
                while (end < read.size() && continues(read.get(end - 1), read.get(end))) {
                    end++;
                }
                if (closes(read.get(end - 1), end < read.size() ? read.get(end) : OUTSIDE)) {
                    entities.add(new Entity(read.get(start).type, start, end));
                }
            }
            previous = read.get(end - 1);
            start = end;
        }
        return entities;
    }

    private boolean starts(Tag previous, Tag tag) {
        return switch (this) {
            case LENIENT -> tag.mark != 'O' && !continues(previous, tag);
            case IOB1 -> tag.mark == 'I'
                    ? !previous.is("I") || !tag.sameTypeAs(previous)
                    : tag.mark == 'B' && previous.is("IB") && tag.sameTypeAs(previous);
            case IOB2 -> tag.mark == 'B';
            case IOE2 -> tag.mark != 'O' && !continues(previous, tag);
            case IOBES -> tag.is("BS");
            case BILOU -> tag.is("BU");
        };
    }

    private boolean continues(Tag previous, Tag tag) {
        return tag.sameTypeAs(previous) && switch (this) {
            case LENIENT -> previous.is("BI") && tag.is("IE");
            case IOB1, IOB2 -> previous.is("BI") && tag.mark == 'I';
            case IOE2 -> previous.mark == 'I' && tag.is("IE");
            case IOBES -> previous.is("BI") && tag.is("IE");
            case BILOU -> previous.is("BI") && tag.is("IL");
        };
    }

    private boolean closes(Tag last, Tag next) {
        return switch (this) {
            case LENIENT, IOB2 -> true;
            // After a begin only one more of its type may begin; seqeval drops the entity otherwise.
            case IOB1 -> last.mark != 'B' || next.mark != 'B' || next.sameTypeAs(last);
            case IOE2 -> last.mark == 'E';
            case IOBES -> last.is("ES");
            case BILOU -> last.is("LU");
        };
    }

    private Tag tag(String text) {
        if (text.equals("O")) {
            return OUTSIDE;
        }
        boolean known = !text.isEmpty() && marks.indexOf(text.charAt(0)) >= 0;
        if (!known || text.length() > 1 && text.charAt(1) != '-') {
            throw new IllegalArgumentException(
                    "the tag %s is none of the scheme %s: expected O, or one of %s with a type, as in %s-PER"
                            .formatted(text.isEmpty() ? "\"\"" : text, this, String.join(", ", marks.split("")),
                                    marks.charAt(0)));
        }
        return new Tag(text.charAt(0), text.length() > 2 ? text.substring(2) : "_");
    }
}
