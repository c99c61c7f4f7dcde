package dev.weft.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

class JsonSchemaTest {
    private static final SchemaRegistry VALIDATORS = SchemaRegistry
            .withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    /// What an independent validator has to say against a text.
    private static List<String> errors(String schema, String text) {
        new JsonMapper().readTree(text);
        return VALIDATORS.getSchema(schema, InputFormat.JSON)
                .validate(text, InputFormat.JSON,
                        context -> context.executionConfig(config -> config.formatAssertionsEnabled(true)))
                .stream().map(Object::toString).toList();
    }

    private static void keeps(String schema, int texts) {
        Constraint constraint = Constraint.jsonSchema(schema);
        for (int seed = 0; seed < texts; seed++) {
            String text = Writer.write(constraint, 150 + seed % 3 * 60, seed);
            assertThat(text).as(schema).isNotNull();
            assertThat(errors(schema, text)).as("%s for %s", text, schema).isEmpty();
            assertThat(constraint.allows(text)).as(text).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
            """
                    {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0},
                     "tags": {"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 3}},
                     "required": ["name", "age"], "additionalProperties": false}""",
            """
                    {"$defs": {"tree": {"type": "object", "properties": {"value": {"type": "number"}, "children":
                     {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "required": ["value"]}}, "$ref": "#/$defs/tree"}""",
            """
                    {"type": "array", "prefixItems": [{"const": "a"}, {"type": ["integer", "null"]}],
                     "items": {"type": "boolean"}, "minItems": 1, "maxItems": 5}""",
            """
                    {"anyOf": [{"type": "string", "pattern": "^[a-f\\"\\\\\\\\é🦙]+$", "minLength": 2, "maxLength": 4},
                     {"enum": [null, true, 1.5, "x\\ny", {"a": [1, {}]}, []]}]}""",
            """
                    {"allOf": [{"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]},
                     {"properties": {"a": {"minimum": 2.5, "maximum": 2.75}, "b": {"type": "string", "format": "date"}}}]}""",
            """
                    {"oneOf": [{"type": "object", "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer",
                     "exclusiveMinimum": 0, "exclusiveMaximum": 10}}, "required": ["kind", "lives"]},
                     {"type": "object", "properties": {"kind": {"const": "dog"}, "barks": {"type": "boolean"}},
                     "required": ["kind"]}, {"type": "null"}]}""",
            """
                    {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "integer"},
                     "maxProperties": 3, "minProperties": 1}""",
            """
                    {"type": "object", "properties": {"a": {}, "b": {}, "c": {}, "d": {}}, "required": ["c"],
                     "minProperties": 2, "maxProperties": 3}""",
            """
                    {"type": "array", "items": {"anyOf": [{"format": "date-time"}, {"format": "uuid"}, {"format": "time"},
                     {"format": "ipv4"}, {"format": "date"}, {"format": "ipv6"}, {"format": "hostname"}]},
                     "minItems": 3, "maxItems": 3}""",
            """
                    {"type": "array", "items": {"type": "number", "multipleOf": 0.01, "minimum": -1, "maximum": 12.5},
                     "minItems": 4, "maxItems": 4}""",
            """
                    {"properties": {"x": {"minLength": 3}}, "required": ["x", "undeclared"]}""",
            """
                    {"type": "string", "pattern": "b.d", "maxLength": 6}""",
            """
                    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2}""",
            """
                    {"type": "object", "additionalProperties": {"type": "boolean"}, "minProperties": 4, "maxProperties": 5}""",
            """
                    {"type": "object", "minProperties": 3}""",
            """
                    {"minProperties": 9, "additionalProperties": {"type": "null"}}""",
            """
                    {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "boolean"}}, "minProperties": 4,
                     "required": ["b"]}""",
            """
                    {"allOf": [{"minProperties": 2}, {"type": "object", "additionalProperties": {"maximum": 3}}]}""",
            """
                    {"type": "array", "prefixItems": [{"type": "null"}], "minItems": 3}""",
            """
                    {"type": "array", "items": {"anyOf": [{"format": "duration"}, {"format": "uri-reference"},
                     {"format": "uri"}, {"format": "iri"}, {"format": "iri-reference"}, {"format": "json-pointer"},
                     {"format": "idn-email"}, {"format": "idn-hostname"}]}, "minItems": 4, "maxItems": 6}""",
            """
                    {"$id": "https://example.org/tree.json", "$defs": {"leaf": {"$anchor": "leaf", "type": "integer"},
                     "named": {"$id": "names.json", "type": "string", "maxLength": 3, "$defs": {"short":
                     {"maxLength": 1, "type": "string"}}}, "own": {"$id": "own/x.json", "$defs": {"a": {"type": "null"}},
                     "$ref": "#/$defs/a"}},
                     "type": "object", "properties": {"value": {"$ref": "#leaf"}, "name": {"$ref": "names.json"},
                     "short": {"$ref": "https://example.org/names.json#/$defs/short"}, "own": {"$ref": "own/x.json"},
                     "child": {"$ref": "https://example.org/tree.json"}, "twin": {"$ref": "tree.json#leaf"},
                     "$id": {"type": "boolean"}}, "required": ["value", "name", "short", "own", "twin"]}""",
            "true", "{}", "{\"type\": \"object\"}", "{\"type\": \"array\"}"})
    void what_is_written_holds_to_the_schema(String schema) {
        keeps(schema, 25);
    }

    @Test
    void undeclared_properties_that_are_needed_have_different_names() {
        Constraint two = Constraint.jsonSchema(
                "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"},\"minProperties\":2}");
        for (String text : List.of("{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}", "{\"name\": 4, \"age\": 5, \"x\": 6}")) {
            assertThat(two.allows(text)).as(text).isTrue();
        }
        for (String text : List.of("{}", "{\"a\":1}", "{\"a\":1,\"a\":2}", "{\"a\":1,\"b\":\"2\"}",
                "{\"a\":1, \"b\": 2,}")) {
            assertThat(two.allows(text)).as(text).isFalse();
        }
        Constraint other = Constraint.jsonSchema(
                "{\"properties\":{\"a\":{\"type\":\"integer\"}},\"minProperties\":3,\"type\":\"object\"}");
        assertThat(other.allows("{\"a\":1,\"b\":2,\"c\":3}")).isTrue();
        assertThat(other.allows("{\"b\":2,\"c\":3,\"d\":3}")).isTrue();
        assertThat(other.allows("{\"a\":2,\"c\":3,\"c\":3}")).isFalse();
        assertThatThrownBy(() -> Constraint.jsonSchema(
                "{\"properties\":{\"a\":{}},\"minProperties\":2,\"additionalProperties\":false,\"type\":\"object\"}"))
                .hasMessageContaining("#/minProperties");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"#name", "other.json", "#/$defs/none", "names.json#/x",
            "https://example.org/"})
    void a_reference_to_what_is_not_in_the_schema_is_refused(String reference) {
        assertThatThrownBy(() -> Constraint.jsonSchema(
                "{\"$id\": \"https://example.org/a.json\", \"items\": {\"$ref\": \"%s\"}}".formatted(reference)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("JSON schema, #/items/$ref")
                .hasMessageContaining(reference);
    }

    @Test
    void an_id_that_is_no_keyword_begins_no_schema() {
        assertThat(Constraint.jsonSchema(
                "{\"$defs\": {\"a\": {\"const\": 1}}, \"items\": {\"id\": \"x\", \"$ref\": \"#/$defs/a\"}, \"type\": \"array\"}")
                .allows("[1]")).isTrue();
    }

    /// A schema made by chance, of all that is supported.
    private static String schema(SplittableRandom random, int depth) {
        return switch (random.nextInt(depth > 0 ? 11 : 6)) {
            case 0 -> "{\"type\": \"boolean\"}";
            case 1 -> "{\"type\": [\"integer\", \"null\"], \"minimum\": %d, \"exclusiveMaximum\": %d}"
                    .formatted(random.nextInt(-300, 0), random.nextInt(1, 5000));
            case 2 -> "{\"type\": \"number\", \"minimum\": %.3f, \"maximum\": %.2f}"
                    .formatted(random.nextDouble(-20, 0), random.nextDouble(0, 300));
            case 3 -> "{\"type\": \"string\", \"minLength\": %d, \"maxLength\": %d}"
                    .formatted(random.nextInt(3), random.nextInt(3, 9));
            case 4 -> "{\"type\": \"string\", \"pattern\": \"^%s\"}"
                    .formatted(List.of("a|b", "[^\\\\s]{2}$", "(x|é)*y$", "\\\\d+-\\\\w").get(random.nextInt(4)));
            case 5 -> "{\"enum\": [%s]}".formatted(List.of("1, \"1\", null", "\"é\", [\"a\", 2]", "{\"k\": {}}")
                    .get(random.nextInt(3)));
            case 6 -> "{\"type\": \"array\", \"items\": %s, \"minItems\": %d, \"maxItems\": %d}"
                    .formatted(schema(random, depth - 1), random.nextInt(2), random.nextInt(2, 4));
            case 7 -> "{\"anyOf\": [%s, %s]}".formatted(schema(random, depth - 1), schema(random, depth - 1));
            case 8 -> "{\"allOf\": [%s, {\"description\": \"any\"}]}".formatted(schema(random, depth - 1));
            case 9 -> "{\"type\": \"array\", \"prefixItems\": [%s, %s]}".formatted(schema(random, depth - 1),
                    schema(random, depth - 1));
            default -> {
                var properties = new ArrayList<String>();
                var required = new ArrayList<String>();
                for (String name : List.of("a", "bé", "c\\\"")) {
                    if (random.nextBoolean()) {
                        properties.add("\"%s\": %s".formatted(name, schema(random, depth - 1)));
                    }
                    if (random.nextInt(3) == 0) {
                        required.add("\"" + name + "\"");
                    }
                }
                yield "{\"type\": \"object\", \"properties\": {%s}, \"required\": [%s]%s}".formatted(
                        String.join(", ", properties), String.join(", ", required),
                        random.nextInt(4) == 0 ? ", \"additionalProperties\": {\"type\": \"null\"}" : "");
            }
        };
    }

    @Property(tries = 150, edgeCases = EdgeCasesMode.NONE)
    void what_is_written_under_a_schema_made_by_chance_holds_to_it(@ForAll long seed) {
        keeps(schema(new SplittableRandom(seed), 3), 2);
    }

    @Property(tries = 400, edgeCases = EdgeCasesMode.NONE)
    void bounds_of_numbers_are_exact(@ForAll @IntRange(min = -1500, max = 1500) int low,
            @ForAll @IntRange(min = -1500, max = 1500) int high, @ForAll @IntRange(min = -1600, max = 1600) int value,
            @ForAll @IntRange(max = 3) int scale, @ForAll boolean open) {
        BigDecimal least = BigDecimal.valueOf(Math.min(low, high), scale);
        BigDecimal most = BigDecimal.valueOf(Math.max(low, high) + 1L, scale);
        String keyword = open ? "exclusiveM" : "m";
        Constraint numbers = Constraint.jsonSchema("{\"type\": \"number\", \"%sinimum\": %s, \"%saximum\": %s}"
                .formatted(keyword, least.toPlainString(), keyword, most.toPlainString()));
        BigDecimal number = BigDecimal.valueOf(value, scale);
        boolean inside = number.compareTo(least) >= (open ? 1 : 0) && number.compareTo(most) <= (open ? -1 : 0);
        assertThat(numbers.allows(number.toPlainString())).isEqualTo(inside);
        assertThat(numbers.allows(number.setScale(scale + 2).toPlainString())).isEqualTo(inside);
    }

    @Test
    void whole_numbers_of_any_size_keep_their_bounds() {
        Constraint numbers = Constraint.jsonSchema(
                "{\"type\": \"integer\", \"minimum\": 99999999999999999999, \"exclusiveMaximum\": 100000000000000000002}");
        assertThat(List.of("99999999999999999999", "100000000000000000000", "100000000000000000001"))
                .allMatch(numbers::allows);
        assertThat(List.of("99999999999999999998", "100000000000000000002", "1e20", "99999999999999999999.0"))
                .noneMatch(numbers::allows);
    }

    @Test
    void properties_come_in_their_order_with_at_most_one_space_behind_comma_and_colon() {
        Constraint constraint = Constraint.jsonSchema(
                "{\"properties\": {\"b\": {\"type\": \"integer\"}, \"a\": {\"type\": \"null\"}}, \"required\": [\"a\"]}");
        assertThat(List.of("{\"b\":1,\"a\":null}", "{\"b\": 1, \"a\": null}", "{\"a\": null}"))
                .allMatch(constraint::allows);
        assertThat(
                List.of("{\"a\":null,\"b\":1}", "{\"b\":  1,\"a\":null}", "{ \"a\":null}", "{\"b\":1}", "{\"a\":null,}",
                        "{\"a\":null,\"c\":1}", "{\"a\":null} "))
                .noneMatch(constraint::allows);
    }

    @Test
    void a_null_may_stand_for_a_nullable_type() {
        Constraint constraint = Constraint.jsonSchema("{\"type\": \"string\", \"nullable\": true, \"maxLength\": 1}");
        assertThat(List.of("null", "\"x\"")).allMatch(constraint::allows);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "{\"enum\": []} | #/enum",
            "{\"type\": \"array\", \"minItems\": 3, \"maxItems\": 2} | #/maxItems: minItems (3) is above maxItems (2)",
            "{\"properties\": {\"a\": false}, \"required\": [\"a\"]} | #/properties/a is false",
            "{\"allOf\": [{\"type\": \"string\"}, {\"type\": \"integer\"}]} | #/allOf/0, #/allOf/1",
            "{\"allOf\": [{\"minimum\": 3}, {\"maximum\": 2}], \"type\": \"number\"} | between 3 and 2",
            "{\"type\": \"integer\", \"minimum\": 0.2, \"maximum\": 0.8} | no whole number lies between 0.2 and 0.8",
            "{\"type\": \"string\", \"minLength\": 4, \"pattern\": \"^a{1,3}$\"} | #/pattern: no string",
            "{\"type\": \"integer\", \"enum\": [\"a\", 1.5]} | #/enum: no value of it",
            "{\"properties\": {\"x\": {\"$ref\": \"#\"}}, \"required\": [\"x\"]} | needs itself inside",
            "{\"anyOf\": [false, {\"type\": \"array\", \"items\": false, \"minItems\": 1}]} | #/anyOf/1/items is false",
            "{\"type\": \"object\", \"required\": [\"a\"], \"additionalProperties\": false} | #/additionalProperties is false",
            "{\"type\": \"object\", \"required\": [\"a\", \"b\"], \"maxProperties\": 1} | #/maxProperties: 2 properties",
            "{\"properties\": {\"deep\": {\"properties\": {\"er\": {\"const\": 1, \"type\": \"string\"}}, \"required\": [\"er\"]}}, \"required\": [\"deep\"]} | #/properties/deep/properties/er/const",
            "false | # is false"})
    void a_schema_that_cannot_be_met_is_refused_with_the_place(String schema, String place) {
        assertThatThrownBy(() -> Constraint.jsonSchema(schema)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(place);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "{\"items\": {\"not\": {\"type\": \"null\"}}} | #/items/not: the keyword not is not supported",
            "{\"type\": \"strin\"} | #/type",
            "{\"maximun\": 3} | #/maximun: the keyword maximun",
            "{\"type\": \"array\", \"uniqueItems\": true} | #/uniqueItems",
            "{\"format\": \"regex\"} | #/format: the format \"regex\" is not known",
            "{\"pattern\": \"(?=a)\"} | #/pattern: The regular expression (?=a) has a look around",
            "{\"$ref\": \"other.json\"} | #/$ref: only places in this schema",
            "{\"$ref\": \"#/$defs/none\"} | #/$ref: there is no #/$defs/none",
            "{\"$ref\": \"#\"} | #: it refers to itself with nothing between",
            "{\"oneOf\": [{\"type\": \"integer\"}, {\"type\": \"number\"}]} | #/oneOf: a value may hold to both 0 and 1",
            "{\"minLength\": -1} | #/minLength",
            "{\"multipleOf\": 7} | #/multipleOf",
            "[] | #: a schema is an object, true or false",
            "{\"type\": | not JSON"})
    void what_cannot_be_kept_to_is_refused_by_name_and_place(String schema, String message) {
        assertThatThrownBy(() -> Constraint.jsonSchema(schema)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void an_optional_property_that_is_impossible_is_left_out() {
        Constraint constraint = Constraint.jsonSchema(
                "{\"properties\": {\"a\": {\"type\": \"array\", \"minItems\": 1, \"items\": false}, \"b\": {\"type\": \"null\"}}}");
        assertThat(IntStream.range(0, 20).mapToObj(seed -> Writer.write(constraint, 60, seed)))
                .containsOnly("{}", "{\"b\":null}", "{\"b\": null}");
    }

    @Test
    void a_schema_of_a_thousand_properties_is_made_in_time() {
        var properties = new ArrayList<String>();
        for (int i = 0; i < 1000; i++) {
            properties.add("\"property%d\": {\"type\": [\"string\", \"null\"], \"maxLength\": %d}".formatted(i, i));
        }
        String text = Writer.write(
                Constraint.jsonSchema("{\"properties\": {%s}, \"required\": [\"property999\"]}"
                        .formatted(String.join(", ", properties))),
                400, 3);
        assertThat(new JsonMapper().readTree(text).has("property999")).isTrue();
    }

    @Test
    void nesting_without_end_comes_to_its_end_with_its_room() {
        for (int seed = 0; seed < 20; seed++) {
            String text = Writer.write(Constraint.json(), 40, seed);
            new JsonMapper().readTree(text);
        }
    }
}
