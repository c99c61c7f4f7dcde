package dev.weft.grammar;

import static java.util.Map.entry;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A JSON schema (draft 2020-12 and, where they do not differ in meaning, older ones) as a term: the texts of values that
/// hold to it. Not all of them are written, but none that does not hold to it:
///
/// - Properties come in the order they are declared, those that are not required may be left out. Others come behind them,
///   and only where `additionalProperties` says so or no property is declared at all.
/// - A schema without a type means the types that its keywords speak of.
/// - Items behind `prefixItems` come only where `items` says so.
///
/// A keyword that would change what is valid and is not known is refused by name; a schema that no value holds to is
/// refused with the place that makes it so.
///
/// Places in the schema, JSON pointers, are what is combined: a value has to hold to a set of them at once, and each set
/// is one [Term.Named], so that a schema may refer to itself.
final class JsonSchema {
    private enum Kind {
        NULL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT
    }

    private static final int MOST_WAYS = 2_000;
    private static final int MOST_NAMES = 50_000;
    /// So many properties that nobody declared are kept apart, the first few whatever their order.
    private static final int MOST_APART = 64;
    private static final int FREELY_APART = 7;

    private static final Map<String, Kind> KIND_OF = new HashMap<>();
    /// What says nothing of validity.
    private static final Set<String> SILENT = Set.of("title", "description", "default", "examples", "example",
            "$schema",
            "$id", "id", "$comment", "$defs", "definitions", "deprecated", "readOnly", "writeOnly", "contentEncoding",
            "contentMediaType", "discriminator", "externalDocs", "xml", "$anchor", "$vocabulary");
    private static final Set<String> COMBINING = Set.of("$ref", "allOf", "anyOf", "oneOf", "type", "enum", "const",
            "nullable");

    static {
        for (String each : List.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")) {
            KIND_OF.put(each, Kind.NUMBER);
        }
        for (String each : List.of("minLength", "maxLength", "pattern", "format")) {
            KIND_OF.put(each, Kind.STRING);
        }
        for (String each : List.of("items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems")) {
            KIND_OF.put(each, Kind.ARRAY);
        }
        for (String each : List.of("properties", "required", "additionalProperties", "minProperties", "maxProperties",
                "unevaluatedProperties")) {
            KIND_OF.put(each, Kind.OBJECT);
        }
    }

    private static final String DATE = "([1-9]\\d{3}-(0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])"
            + "|[1-9]\\d{3}-(0[469]|11)-(0[1-9]|[12]\\d|30)|[1-9]\\d{3}-02-(0[1-9]|1\\d|2[0-8])"
            + "|([1-9]\\d(0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)-02-29)";
    private static final String TIME = "([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-](0\\d|1[0-3]):[0-5]\\d)";
    private static final String OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
    private static final String LABEL = "[a-z0-9]{1,20}(-[a-z0-9]{1,20})?";
    private static final String HOST = "(" + LABEL + "\\.){1,3}[a-z]{2,10}";
    /// What is written where a format is asked for: not all that it allows, but nothing else.
    private static final String SEGMENT = "[A-Za-z0-9._~-]{1,60}";
    private static final String URI = "https?://" + HOST + "(/" + SEGMENT + "){0,8}/?";
    private static final String EMAIL = "[A-Za-z0-9]{1,20}([._+-][A-Za-z0-9]{1,20}){0,2}@" + HOST;
    private static final String URI_REFERENCE = "(" + URI + "|/?" + SEGMENT + "(/" + SEGMENT
            + "){0,7}/?)(\\?[A-Za-z0-9._~=&-]{1,60})?(#" + SEGMENT + ")?|#" + SEGMENT;
    private static final String DURATION_TIME = "T(\\d{1,4}H(\\d{1,4}M(\\d{1,4}S)?)?|\\d{1,4}M(\\d{1,4}S)?|\\d{1,4}S)";
    private static final String DURATION = "P(\\d{1,4}W|(\\d{1,4}Y(\\d{1,4}M(\\d{1,4}D)?)?|\\d{1,4}M(\\d{1,4}D)?|\\d{1,4}D)("
            + DURATION_TIME + ")?|" + DURATION_TIME + ")";
    private static final Map<String, String> FORMATS = Map.ofEntries(entry("date", DATE), entry("time", TIME),
            entry("date-time", DATE + "T" + TIME), entry("duration", DURATION),
            entry("uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), entry("email", EMAIL),
            entry("idn-email", EMAIL), entry("ipv4", "(" + OCTET + "\\.){3}" + OCTET),
            entry("ipv6", "([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}"), entry("hostname", HOST), entry("idn-hostname", HOST),
            entry("uri", URI), entry("iri", URI), entry("uri-reference", URI_REFERENCE),
            entry("iri-reference", URI_REFERENCE), entry("json-pointer", "(/[A-Za-z0-9._-]{1,40}){0,8}"));

    private final JsonNode root;
    private final SchemaPlaces named;
    private final Map<String, JsonNode> nodes = new HashMap<>();
    /// Values, and what they are made of; those come first that others hold.
    private final List<Term.Named> names = new ArrayList<>();
    private final Map<Set<String>, Term.Named> values = new HashMap<>();
    /// Why a value may not be possible: a sentence, or another value that it needs.
    private final Map<Term.Named, List<Object>> obstacles = new HashMap<>();
    private final Map<String, List<Set<String>>> ways = new HashMap<>();
    /// Places whose `oneOf` is being looked at.
    private final Set<String> compared = new HashSet<>();

    private JsonSchema(JsonNode root) {
        this.root = root;
        named = SchemaPlaces.of(root);
    }

    /// @throws IllegalArgumentException if it is no schema, says what cannot be kept to, or no value holds to it
    static Term of(String schema) {
        JsonNode root;
        try {
            root = JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build().readTree(schema);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("The JSON schema is not JSON: " + e.getOriginalMessage(), e);
        }
        return new JsonSchema(root).term();
    }

    /// Any value.
    static Term any() {
        return of("true");
    }

    private Term term() {
        Term.Named value = value(Set.of(""));
        Set<Term.Named> possible = possible();
        if (!possible.contains(value)) {
            throw new IllegalArgumentException("No value holds to the JSON schema: " + why(value, new HashSet<>()));
        }
        return value;
    }

    // ---- which values are possible ----

    private Set<Term.Named> possible() {
        var possible = new HashSet<Term.Named>();
        for (boolean changed = true; changed;) {
            changed = false;
            for (Term.Named each : names) {
                changed |= !possible.contains(each) && possible(each.body(), possible) && possible.add(each);
            }
        }
        return possible;
    }

    private static boolean possible(Term term, Set<Term.Named> known) {
        return switch (term) {
            case Term.Named named -> known.contains(named);
            case Term.Either either -> either.options.stream().anyMatch(each -> possible(each, known));
            case Term.Then then -> possible(then.head, known) && possible(then.rest, known);
            case Term.Times times -> times.least == 0 || possible(times.each, known);
            default -> term != Term.NOTHING;
        };
    }

    private String why(Term.Named value, Set<Term.Named> seen) {
        if (!seen.add(value)) {
            return "%s needs itself inside, without end".formatted(value.name);
        }
        Set<Term.Named> possible = possible();
        for (Object each : obstacles.getOrDefault(value, List.of())) {
            if (each instanceof Term.Named needed && !possible.contains(needed)) {
                return why(needed, seen);
            }
            if (each instanceof String sentence) {
                return sentence;
            }
        }
        return "%s allows nothing".formatted(value.name);
    }

    // ---- places ----

    private static String shown(String pointer) {
        return "#" + pointer;
    }

    private JsonNode at(String pointer) {
        return nodes.computeIfAbsent(pointer, root::at);
    }

    private static String below(String pointer, String... names) {
        var place = new StringBuilder(pointer);
        for (String name : names) {
            place.append('/').append(name.replace("~", "~0").replace("/", "~1"));
        }
        return place.toString();
    }

    private static boolean isTrue(JsonNode node, String keyword) {
        JsonNode value = node.path(keyword);
        return value.isBoolean() && value.booleanValue();
    }

    private static IllegalArgumentException refused(String pointer, String keyword, String message) {
        return new IllegalArgumentException("JSON schema, %s: %s".formatted(shown(below(pointer, keyword)), message));
    }

    /// A value that holds to all these places.
    private Term.Named value(Set<String> places) {
        Term.Named known = values.get(places);
        if (known != null) {
            return known;
        }
        if (values.size() > MOST_NAMES) {
            throw new IllegalArgumentException(
                    "The JSON schema combines its parts in more than %,d ways; simplify allOf and anyOf".formatted(
                            MOST_NAMES));
        }
        var value = new Term.Named(shown(places.isEmpty() ? "" : places.iterator().next()));
        values.put(places, value);
        var why = new ArrayList<Object>();
        obstacles.put(value, why);
        List<Set<String>> all = List.of(Set.of());
        for (String place : places) {
            List<Set<String>> ways = ways(place, new ArrayList<>());
            if (ways.isEmpty()) {
                why.add("%s is false".formatted(shown(place)));
            }
            all = product(all, ways, place);
        }
        value.body = Term.either(all.stream().map(way -> new Together(List.copyOf(way), why).term()).toList());
        names.add(value);
        return value;
    }

    /// The ways to hold to a place, each a set of places whose own keywords have to be kept: what `$ref`, `allOf`, `anyOf`
    /// and `oneOf` come to.
    private List<Set<String>> ways(String pointer, List<String> trail) {
        List<Set<String>> known = ways.get(pointer);
        if (known != null) {
            return known;
        }
        if (trail.contains(pointer)) {
            throw new IllegalArgumentException("JSON schema, %s: it refers to itself with nothing between"
                    .formatted(shown(pointer)));
        }
        JsonNode node = at(pointer);
        if (node.isBoolean()) {
            return node.booleanValue() ? List.of(Set.of()) : List.of();
        }
        if (!node.isObject()) {
            throw new IllegalArgumentException("JSON schema, %s: a schema is an object, true or false, found %s"
                    .formatted(shown(pointer), node.isMissingNode() ? "nothing" : node));
        }
        checkKeywords(pointer, node);
        trail.add(pointer);
        List<Set<String>> all = List.of(Set.of(pointer));
        if (node.has("$ref")) {
            all = product(all, ways(target(pointer, node.get("$ref")), trail), pointer);
        }
        for (String each : schemas(pointer, "allOf")) {
            all = product(all, ways(each, trail), pointer);
        }
        for (String combined : List.of("anyOf", "oneOf")) {
            if (node.has(combined)) {
                var options = new ArrayList<List<Set<String>>>();
                for (String each : schemas(pointer, combined)) {
                    options.add(ways(each, trail));
                }
                if (combined.equals("oneOf") && compared.add(pointer)) {
                    checkDifferent(pointer, all, options);
                }
                all = product(all, options.stream().flatMap(List::stream).distinct().toList(), pointer);
            }
        }
        trail.removeLast();
        ways.put(pointer, all);
        return all;
    }

    private static List<Set<String>> product(List<Set<String>> some, List<Set<String>> others, String pointer) {
        var all = new LinkedHashSet<Set<String>>();
        for (Set<String> one : some) {
            for (Set<String> other : others) {
                var both = new LinkedHashSet<>(one);
                both.addAll(other);
                all.add(both);
                if (all.size() > MOST_WAYS) {
                    throw new IllegalArgumentException(
                            "JSON schema, %s: anyOf and oneOf combine in more than %,d ways; simplify them"
                                    .formatted(shown(pointer), MOST_WAYS));
                }
            }
        }
        return List.copyOf(all);
    }

    private static void checkKeywords(String pointer, JsonNode node) {
        for (String keyword : node.propertyNames()) {
            boolean known = KIND_OF.containsKey(keyword) || SILENT.contains(keyword) || COMBINING.contains(keyword)
                    || keyword.startsWith("x-");
            if (!known) {
                throw refused(pointer, keyword,
                        "the keyword %s is not supported, and without it more would be valid; leave it out or say it otherwise"
                                .formatted(keyword));
            }
        }
    }

    private List<String> schemas(String pointer, String keyword) {
        JsonNode list = at(pointer).path(keyword);
        if (list.isMissingNode()) {
            return List.of();
        }
        if (!list.isArray() || list.isEmpty()) {
            throw refused(pointer, keyword, "a list of one schema or more was expected, found " + list);
        }
        var all = new ArrayList<String>();
        for (int i = 0; i < list.size(); i++) {
            all.add(below(pointer, keyword, String.valueOf(i)));
        }
        return all;
    }

    private String target(String pointer, JsonNode reference) {
        String place = reference.isString() ? named.target(pointer, reference.stringValue()) : null;
        if (place == null) {
            throw refused(pointer, "$ref",
                    "only places in this schema can be referred to, such as #/$defs/name, an $anchor or an $id, found "
                            + reference);
        }
        if (at(place).isMissingNode()) {
            throw refused(pointer, "$ref", "there is no %s in this schema".formatted(reference.stringValue()));
        }
        return place;
    }

    // ---- oneOf ----

    /// `oneOf` is a choice like `anyOf` where no value that would be written holds to two of them. That must be plain.
    private void checkDifferent(String pointer, List<Set<String>> all, List<List<Set<String>>> options) {
        for (int i = 0; i < options.size(); i++) {
            for (int j = 0; j < options.size(); j++) {
                if (i != j) {
                    for (Set<String> one : product(all, options.get(i), pointer)) {
                        for (Set<String> other : product(all, options.get(j), pointer)) {
                            if (mayShare(one, other, 0)) {
                                throw refused(pointer, "oneOf",
                                        "a value may hold to both %d and %d; make them differ in type or in a required property with one value, or use anyOf"
                                                .formatted(Math.min(i, j), Math.max(i, j)));
                            }
                        }
                    }
                }
            }
        }
    }

    /// Whether a value written for `one` may hold to `other`. True where nobody can tell.
    private boolean mayShare(Set<String> one, Set<String> other, int depth) {
        var here = new Together(List.copyOf(one), new ArrayList<>());
        var there = new Together(List.copyOf(other), new ArrayList<>());
        var union = new LinkedHashSet<>(one);
        union.addAll(other);
        var both = new Together(List.copyOf(union), new ArrayList<>());
        List<JsonNode> listed = both.listed();
        if (listed != null) {
            return listed.stream().anyMatch(value -> both.fits(value, both.kinds()));
        }
        for (Kind kind : both.kinds()) {
            boolean possible = switch (kind) {
                case NULL, BOOLEAN -> true;
                case NUMBER -> both.number() != Term.NOTHING;
                case STRING -> both.string() != Term.NOTHING;
                case ARRAY -> both.least("minItems") <= both.most("maxItems");
                case OBJECT -> depth > 3 || shareObjects(here, there, depth);
            };
            if (possible) {
                return true;
            }
        }
        return false;
    }

    private boolean shareObjects(Together one, Together other, int depth) {
        if (!one.mayHaveMore() && !one.names().containsAll(other.required())) {
            return false;
        }
        var needed = new LinkedHashSet<>(one.required());
        needed.addAll(other.required());
        for (String name : needed) {
            boolean shared = false;
            for (Set<String> mine : all(one.placesOf(name))) {
                for (Set<String> theirs : all(other.placesOf(name))) {
                    shared |= mayShare(mine, theirs, depth + 1);
                }
            }
            if (!shared) {
                return false;
            }
        }
        return true;
    }

    private List<Set<String>> all(Set<String> places) {
        List<Set<String>> all = List.of(Set.of());
        for (String place : places) {
            all = product(all, ways(place, new ArrayList<>()), place);
        }
        return all;
    }

    // ---- what is to be kept at once ----

    /// Places whose own keywords a value has to keep, all of them.
    private final class Together {
        private final List<String> places;
        private final List<Object> why;

        Together(List<String> places, List<Object> why) {
            this.places = places;
            this.why = why;
        }

        private Term impossible(String keyword, String sentence) {
            why.add("%s: %s".formatted(place(keyword), sentence));
            return Term.NOTHING;
        }

        /// Where one of these keywords stands, for messages.
        private String place(String... keywords) {
            for (String keyword : keywords) {
                for (String each : places.reversed()) {
                    if (at(each).has(keyword)) {
                        return shown(below(each, keyword));
                    }
                }
            }
            return shown(places.isEmpty() ? "" : places.getLast());
        }

        Term term() {
            Set<Kind> kinds = kinds();
            if (kinds.isEmpty()) {
                return impossible("type", "no type is left that all of %s allow".formatted(
                        String.join(", ", places.stream().filter(each -> at(each).has("type")).map(JsonSchema::shown)
                                .toList())));
            }
            List<JsonNode> listed = listed();
            var options = new ArrayList<Term>();
            if (listed != null) {
                for (JsonNode value : listed) {
                    if (fits(value, kinds)) {
                        options.add(JsonText.of(value));
                    }
                }
                return options.isEmpty()
                        ? impossible(places.stream().anyMatch(each -> at(each).has("enum")) ? "enum" : "const",
                                "no value of it holds to all else that is said")
                        : Term.either(options);
            }
            for (Kind kind : kinds) {
                options.add(of(kind));
            }
            return Term.either(options);
        }

        private Term of(Kind kind) {
            return switch (kind) {
                case NULL -> Term.literal("null");
                case BOOLEAN -> Term.either(Term.literal("true"), Term.literal("false"));
                case NUMBER -> number();
                case STRING -> string();
                case ARRAY -> array();
                case OBJECT -> object();
            };
        }

        private boolean fits(JsonNode value, Set<Kind> kinds) {
            Kind kind = kindOf(value);
            if (!kinds.contains(kind) || kind == Kind.NUMBER && wholeOnly() && !isWhole(value)) {
                return false;
            }
            if (places.stream().noneMatch(place -> at(place).propertyNames().stream()
                    .anyMatch(keyword -> KIND_OF.get(keyword) == kind))) {
                return true;
            }
            // As it would be written: of what may stand in it, the first.
            Term rest = of(kind);
            String plain = value.isString()
                    ? JsonText.quoted(value.stringValue())
                    : value.isNumber()
                            ? value.decimalValue().stripTrailingZeros().toPlainString()
                            : value.toString();
            byte[] text = plain.getBytes(StandardCharsets.UTF_8);
            try {
                return rest.matches(text);
            } catch (IllegalStateException e) {
                throw new IllegalArgumentException(
                        "JSON schema, %s: a list of values beside a schema that refers to itself is not supported"
                                .formatted(place("enum", "const")),
                        e);
            }
        }

        private static Kind kindOf(JsonNode value) {
            return value.isNull()
                    ? Kind.NULL
                    : value.isBoolean()
                            ? Kind.BOOLEAN
                            : value.isNumber()
                                    ? Kind.NUMBER
                                    : value.isString() ? Kind.STRING : value.isArray() ? Kind.ARRAY : Kind.OBJECT;
        }

        private static boolean isWhole(JsonNode value) {
            return value.decimalValue().stripTrailingZeros().scale() <= 0;
        }

        /// The values that are allowed, by all lists of them; null where there is none.
        @Nullable
        List<JsonNode> listed() {
            List<JsonNode> values = null;
            for (String place : places) {
                for (String keyword : List.of("const", "enum")) {
                    JsonNode found = at(place).get(keyword);
                    if (found == null) {
                        continue;
                    }
                    if (keyword.equals("enum") && (!found.isArray() || found.isEmpty())) {
                        throw refused(place, keyword, "a list of one value or more was expected, found " + found);
                    }
                    List<JsonNode> here = keyword.equals("const") ? List.of(found) : found.valueStream().toList();
                    values = values == null
                            ? here
                            : values.stream().filter(each -> here.stream().anyMatch(other -> same(each, other)))
                                    .toList();
                }
            }
            return values;
        }

        private static boolean same(JsonNode one, JsonNode other) {
            return one.equals((first, second) -> first.isNumber() && second.isNumber()
                    ? first.decimalValue().compareTo(second.decimalValue())
                    : first.equals(second) ? 0 : 1, other);
        }

        // ---- types ----

        Set<Kind> kinds() {
            var kinds = EnumSet.allOf(Kind.class);
            boolean told = false;
            var spokenOf = EnumSet.noneOf(Kind.class);
            for (String place : places) {
                JsonNode node = at(place);
                if (node.has("type")) {
                    told = true;
                    kinds.retainAll(types(place));
                } else if (node.has("nullable")) {
                    throw refused(place, "nullable", "it needs a type beside it");
                }
                for (String keyword : node.propertyNames()) {
                    if (KIND_OF.containsKey(keyword)) {
                        spokenOf.add(KIND_OF.get(keyword));
                    }
                }
            }
            if (!told && !spokenOf.isEmpty() && listed() == null) {
                kinds.retainAll(spokenOf);
            }
            return kinds;
        }

        private static final Map<String, Kind> TYPES = Map.of("null", Kind.NULL, "boolean", Kind.BOOLEAN, "number",
                Kind.NUMBER, "integer", Kind.NUMBER, "string", Kind.STRING, "array", Kind.ARRAY, "object", Kind.OBJECT);

        private Set<Kind> types(String place) {
            var kinds = EnumSet.noneOf(Kind.class);
            for (String type : typeNames(place)) {
                Kind kind = TYPES.get(type);
                if (kind == null) {
                    throw refused(place, "type", "a type or a list of types was expected, of %s, found %s"
                            .formatted(new TreeSet<>(TYPES.keySet()), at(place).get("type")));
                }
                kinds.add(kind);
            }
            if (isTrue(at(place), "nullable")) {
                kinds.add(Kind.NULL);
            }
            return kinds;
        }

        private List<String> typeNames(String place) {
            JsonNode type = at(place).get("type");
            return type.isArray() && !type.isEmpty()
                    ? type.valueStream().map(each -> each.isString() ? each.stringValue() : each.toString()).toList()
                    : List.of(type.isString() ? type.stringValue() : type.toString());
        }

        private boolean wholeOnly() {
            return places.stream().anyMatch(place -> at(place).has("type")
                    && typeNames(place).contains("integer") && !typeNames(place).contains("number"));
        }

        // ---- numbers and strings ----

        Term number() {
            JsonText.Bound low = null;
            JsonText.Bound high = null;
            int digits = wholeOnly() ? 0 : -1;
            for (String place : places) {
                JsonNode node = at(place);
                low = tighter(low, bound(place, "minimum", !isTrue(node, "exclusiveMinimum")), 1);
                high = tighter(high, bound(place, "maximum", !isTrue(node, "exclusiveMaximum")), -1);
                low = tighter(low, bound(place, "exclusiveMinimum", false), 1);
                high = tighter(high, bound(place, "exclusiveMaximum", false), -1);
                if (node.has("multipleOf")) {
                    BigDecimal step = decimal(place, "multipleOf").stripTrailingZeros();
                    if (step.unscaledValue().intValue() != 1 || step.precision() != 1 || step.scale() < 0
                            || step.scale() > 30) {
                        throw refused(place, "multipleOf", "only 1, 0.1, 0.01 and so on are supported, found "
                                + node.get("multipleOf"));
                    }
                    digits = digits < 0 ? step.scale() : Math.min(digits, step.scale());
                }
            }
            Term term = JsonText.number(low, high, digits, place("minimum", "maximum"));
            return term == Term.NOTHING
                    ? impossible(
                            low == null
                                    ? "exclusiveMaximum"
                                    : at(places.getLast()).has("maximum") ? "maximum" : "minimum",
                            "no %s lies between %s and %s".formatted(digits == 0 ? "whole number" : "number",
                                    low == null ? "−∞" : low.value(), high == null ? "∞" : high.value()))
                    : term;
        }

        private static JsonText.@Nullable Bound tighter(JsonText.@Nullable Bound one, JsonText.@Nullable Bound other,
                int sign) {
            if (one == null || other == null) {
                return one == null ? other : one;
            }
            int order = one.value().compareTo(other.value()) * sign;
            return order > 0 || order == 0 && !one.included() ? one : other;
        }

        private JsonText.@Nullable Bound bound(String place, String keyword, boolean included) {
            JsonNode value = at(place).get(keyword);
            // Draft 4 says exclusiveMinimum: true beside minimum.
            return value == null || value.isBoolean() && keyword.startsWith("exclusive")
                    ? null
                    : new JsonText.Bound(decimal(place, keyword), included);
        }

        private BigDecimal decimal(String place, String keyword) {
            JsonNode value = at(place).get(keyword);
            if (!value.isNumber()) {
                throw refused(place, keyword, "a number was expected, found " + value);
            }
            BigDecimal number = value.decimalValue();
            if (Math.abs((long) number.scale()) + number.precision() > 400) {
                throw refused(place, keyword, "a number of more than 400 digits, " + value);
            }
            return number;
        }

        Term string() {
            int least = least("minLength");
            int most = most("maxLength");
            if (least > most) {
                return impossible("maxLength", "minLength (%d) is above maxLength (%d)".formatted(least, most));
            }
            var all = new ArrayList<Term>();
            for (String place : places) {
                JsonNode node = at(place);
                if (node.has("pattern")) {
                    if (!node.get("pattern").isString()) {
                        throw refused(place, "pattern",
                                "a regular expression was expected, found " + node.get("pattern"));
                    }
                    all.add(read(place, "pattern",
                            () -> Regex.somewhere(node.get("pattern").stringValue(), JsonText::spelled)));
                }
                if (node.has("format")) {
                    String format = node.get("format").asString("");
                    if (!FORMATS.containsKey(format)) {
                        throw refused(place, "format", "the format %s is not known; known are %s"
                                .formatted(node.get("format"), new TreeSet<>(FORMATS.keySet())));
                    }
                    all.add(Regex.whole(FORMATS.get(format), JsonText::spelled));
                }
            }
            if (all.isEmpty()) {
                return quoted(Term.times(JsonText.ANY_CHARACTER, least, most));
            }
            if (least > 0 || most < Term.FOREVER) {
                all.add(Term.times(JsonText.CHARACTER, least, most));
            }
            Term inside = all.size() == 1 ? all.getFirst() : Dfa.of(Term.both(all), place("pattern", "format"));
            return inside == Term.NOTHING
                    ? impossible(places.stream().anyMatch(each -> at(each).has("pattern")) ? "pattern" : "format",
                            "no string keeps to it and to all else that is said")
                    : quoted(inside);
        }

        private static Term read(String place, String keyword, Supplier<Term> reading) {
            try {
                return reading.get();
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "JSON schema, %s: %s".formatted(shown(below(place, keyword)), e.getMessage()), e);
            }
        }

        private static Term quoted(Term inside) {
            return Term.sequence(JsonText.QUOTE, inside, JsonText.QUOTE);
        }

        // ---- arrays ----

        int least(String keyword) {
            return places.stream().mapToInt(place -> count(place, keyword, 0)).max().orElse(0);
        }

        int most(String keyword) {
            return places.stream().mapToInt(place -> count(place, keyword, Term.FOREVER)).min().orElse(Term.FOREVER);
        }

        private int count(String place, String keyword, int otherwise) {
            JsonNode value = at(place).get(keyword);
            if (value == null) {
                return otherwise;
            }
            if (!value.isNumber() || !isWhole(value) || value.decimalValue().signum() < 0
                    || value.decimalValue().compareTo(BigDecimal.valueOf(1_000_000)) > 0) {
                throw refused(place, keyword, "a whole number from 0 to 1,000,000 was expected, found " + value);
            }
            return value.decimalValue().intValue();
        }

        private Term array() {
            int least = least("minItems");
            int most = most("maxItems");
            if (least > most) {
                return impossible("maxItems", "minItems (%d) is above maxItems (%d)".formatted(least, most));
            }
            int described = 0;
            boolean more = places.stream().allMatch(place -> !at(place).has("prefixItems") && !isTuple(place));
            for (String place : places) {
                if (isTrue(at(place), "uniqueItems") && most > 1) {
                    throw refused(place, "uniqueItems", "that items differ cannot be kept; leave it out");
                }
                described = Math.max(described, prefix(place).size());
                more |= rest(place) != null;
            }
            Term.Named rest = more || least > described ? item(described) : null;
            for (int i = 0; i < least; i++) {
                why.add(i < described ? item(i) : item(described));
                if (i >= described) {
                    break;
                }
            }
            // From the last described one to the first: what follows when so many are there.
            Term following = rest == null
                    ? Term.EMPTY
                    : Term.times(Term.sequence(Term.literal(","), JsonText.SPACE, rest), Math.max(0, least - described),
                            most == Term.FOREVER ? most : Math.max(0, most - described));
            if (described == 0 && rest != null && most > 0) {
                following = Term.then(rest, Term.times(Term.sequence(Term.literal(","), JsonText.SPACE, rest),
                        Math.max(0, least - 1), most == Term.FOREVER ? most : most - 1));
                following = least == 0 ? Term.optional(following) : following;
            }
            for (int i = Math.min(described, most) - 1; i >= 0; i--) {
                Term with = Term.sequence(i == 0 ? Term.EMPTY : Term.then(Term.literal(","), JsonText.SPACE), item(i),
                        i + 1 >= most ? Term.EMPTY : following);
                following = i < least ? with : Term.optional(with);
            }
            return Term.sequence(Term.literal("["), following, Term.literal("]"));
        }

        private boolean isTuple(String place) {
            return at(place).path("items").isArray();
        }

        private List<String> prefix(String place) {
            return isTuple(place)
                    ? schemas(place, "items")
                    : at(place).has("prefixItems") ? schemas(place, "prefixItems") : List.of();
        }

        /// What the items behind the described ones hold to, or null where nothing is said.
        private @Nullable String rest(String place) {
            String keyword = isTuple(place) ? "additionalItems" : "items";
            return at(place).has(keyword) ? below(place, keyword) : null;
        }

        private Term.Named item(int index) {
            var all = new LinkedHashSet<String>();
            for (String place : places) {
                List<String> prefix = prefix(place);
                String rest = rest(place);
                if (index < prefix.size()) {
                    all.add(prefix.get(index));
                } else if (rest != null) {
                    all.add(rest);
                }
            }
            return value(all);
        }

        // ---- objects ----

        /// The declared names in their order, behind them those that are only required.
        Set<String> names() {
            var names = new LinkedHashSet<String>();
            for (String place : places) {
                if (at(place).has("properties")) {
                    JsonNode properties = at(place).get("properties");
                    if (!properties.isObject()) {
                        throw refused(place, "properties", "an object was expected, found " + properties);
                    }
                    names.addAll(properties.propertyNames());
                }
            }
            names.addAll(required());
            return names;
        }

        Set<String> required() {
            var names = new LinkedHashSet<String>();
            for (String place : places) {
                JsonNode required = at(place).path("required");
                if (!required.isMissingNode()
                        && (!required.isArray() || !required.valueStream().allMatch(JsonNode::isString))) {
                    throw refused(place, "required", "a list of names was expected, found " + required);
                }
                required.valueStream().forEach(name -> names.add(name.stringValue()));
            }
            return names;
        }

        /// All places that the value of a property has to hold to.
        Set<String> placesOf(String name) {
            var all = new LinkedHashSet<String>();
            for (String place : places) {
                if (at(place).path("properties").has(name)) {
                    all.add(below(place, "properties", name));
                } else if (at(place).has("additionalProperties")) {
                    all.add(below(place, "additionalProperties"));
                }
            }
            return all;
        }

        /// Whether properties are written that nobody declared.
        boolean mayHaveMore() {
            boolean any = true;
            boolean told = false;
            boolean closed = false;
            for (String place : places) {
                JsonNode node = at(place);
                JsonNode more = node.path("additionalProperties");
                if (more.isBoolean() && !more.booleanValue()) {
                    return false;
                }
                told |= !more.isMissingNode();
                JsonNode unevaluated = node.path("unevaluatedProperties");
                if (!unevaluated.isMissingNode() && !(unevaluated.isBoolean() && !unevaluated.booleanValue())) {
                    throw refused(place, "unevaluatedProperties", "only false is supported, found " + unevaluated);
                }
                any &= !node.has("properties") && unevaluated.isMissingNode();
                closed |= !unevaluated.isMissingNode();
            }
            // Declared ones come alone, unless they are too few.
            return told || any || !closed && least("minProperties") > names().size();
        }

        private Term object() {
            int least = least("minProperties");
            int most = most("maxProperties");
            Set<String> required = required();
            if (least > most) {
                return impossible("maxProperties",
                        "minProperties (%d) is above maxProperties (%d)".formatted(least, most));
            }
            if (required.size() > most) {
                return impossible("maxProperties",
                        "%d properties are required and %d allowed".formatted(required.size(), most));
            }
            var properties = new LinkedHashMap<String, Term.Named>();
            for (String name : names()) {
                Term.Named value = value(placesOf(name));
                properties.put(name, value);
                if (required.contains(name)) {
                    why.add(value);
                }
            }
            boolean counts = least > required.size() || most < Term.FOREVER;
            var members = new Members(List.copyOf(properties.keySet()), List.copyOf(properties.values()), required,
                    mayHaveMore() ? more(properties.keySet(), 1, 0) : Term.NOTHING,
                    (modulus, rest) -> more(properties.keySet(), modulus, rest), counts, least, most, names,
                    new HashMap<>());
            Term all = members.from(0, 0);
            if (least > required.size()) {
                why.add("%s: so many properties cannot be written".formatted(place("minProperties")));
            }
            return Term.then(Term.literal("{"), all);
        }

        /// A property that nobody declared: any other name, in one spelling, whose bytes leave this rest by `modulus`.
        private Term more(Set<String> declared, int modulus, int rest) {
            Term name = Term.times(JsonText.CHARACTER, 0, Term.FOREVER);
            if (!declared.isEmpty() || modulus > 1) {
                name = Dfa.of(Term.both(
                        List.of(name, Dfa.sums(modulus, rest), Term.except(Term.either(declared.stream().map(each -> {
                            String quoted = JsonText.quoted(each);
                            return Term.literal(quoted.substring(1, quoted.length() - 1));
                        }).toList())))), place("properties"));
            }
            var all = new LinkedHashSet<String>();
            for (String place : places) {
                if (at(place).has("additionalProperties")) {
                    all.add(below(place, "additionalProperties"));
                }
            }
            return Term.sequence(quoted(name), Term.literal(":"), JsonText.SPACE, value(all));
        }
    }

    /// The properties of an object up to its end, from each of them on.
    ///
    /// @param more   a property that is not declared, or [Term#NOTHING]
    /// @param apart  a property that is not declared and whose name leaves a rest (second) by a modulus (first), so that two
    ///               of other rests differ
    /// @param counts whether it matters how many there are
    private record Members(List<String> names, List<Term.Named> values, Set<String> required, Term more,
            BiFunction<Integer, Integer, Term> apart, boolean counts, int least, int most, List<Term.Named> made,
            Map<List<Integer>, Term> known) {
        /// @param count how many were written: exact where that matters, otherwise whether there were any
        Term from(int index, int count) {
            // Not computeIfAbsent: what follows is put in between.
            List<Integer> key = List.of(index, counts ? count : Math.min(count, 1));
            Term term = known.get(key);
            if (term == null) {
                term = index == names.size() ? end(count) : property(index, count);
                if (term != Term.NOTHING) {
                    var named = new Term.Named("the properties from " + index + " on");
                    named.body = term;
                    made.add(named);
                    term = named;
                }
                known.put(key, term);
            }
            return term;
        }

        private Term property(int index, int count) {
            boolean needed = required.contains(names.get(index));
            Term with = counts && count >= most
                    ? Term.NOTHING
                    : Term.sequence(comma(count), Term.literal(JsonText.quoted(names.get(index)) + ":"), JsonText.SPACE,
                            values.get(index), from(index + 1, count + 1));
            return needed ? with : Term.either(with, from(index + 1, count));
        }

        private Term end(int count) {
            Term close = Term.literal("}");
            int left = most == Term.FOREVER ? most : most - count;
            int missing = counts ? Math.max(0, least - count) : 0;
            if (more == Term.NOTHING || left == 0 || missing > MOST_APART) {
                return missing > 0 ? Term.NOTHING : close;
            }
            // Names that nobody declared may be alike, and count once.
            if (missing > 1) {
                return apart(count, missing, 0);
            }
            Term others = count > 0
                    ? Term.times(Term.then(comma(1), more), missing, left)
                    : Term.then(more, Term.times(Term.then(comma(1), more), 0, left == Term.FOREVER ? left : left - 1));
            return Term.then(count == 0 && missing == 0 ? Term.optional(others) : others, close);
        }

        /// Properties of so many names, all different, and any others behind them.
        ///
        /// @param used the rests of those that stand there already, a bit for each
        private Term apart(int count, int missing, long used) {
            int made = Long.bitCount(used);
            if (made == missing) {
                int left = most == Term.FOREVER ? most : most - count;
                return Term.then(Term.times(Term.then(comma(1), more), 0, left), Term.literal("}"));
            }
            List<Integer> key = List.of(-1, count, missing, (int) used, (int) (used >>> 32));
            Term known = this.known.get(key);
            if (known == null) {
                int modulus = Math.max(missing, FREELY_APART);
                IntStream rests = missing <= FREELY_APART
                        ? IntStream.range(0, modulus).filter(rest -> (used >>> rest & 1) == 0)
                        : IntStream.of(made);
                var named = new Term.Named("%d different properties more".formatted(missing - made));
                this.known.put(key, named);
                named.body = Term.either(rests.mapToObj(rest -> Term.sequence(comma(count),
                        apart.apply(modulus, rest), apart(count + 1, missing, used | 1L << rest))).toList());
                made().add(named);
                known = named;
            }
            return known;
        }

        private static Term comma(int count) {
            return count == 0 ? Term.EMPTY : Term.then(Term.literal(","), JsonText.SPACE);
        }
    }
}
