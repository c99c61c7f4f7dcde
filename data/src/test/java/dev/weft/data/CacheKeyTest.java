package dev.weft.data;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.text.Tokenizer;
import dev.weft.text.Truncation;
import dev.weft.text.chat.ChatTemplate;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Encoded examples are found again by all that they depend on: whatever is changed gives another key.
class CacheKeyTest {
    private static final Tokenizer LETTERS = RowEncoderTest.LETTERS;
    private static final String DATED = "{{ bos_token }}{{ strftime_now('%d') }}{% for m in messages %}{{ m.content }}{% endfor %}";

    private static ChatTemplate at(String instant) {
        return ChatTemplate.of("dated", DATED).withClock(Clock.fixed(Instant.parse(instant), ZoneOffset.UTC));
    }

    /// Values that differ in one thing each.
    private static List<?> different(Class<?> type) {
        Map<Class<?>, List<?>> values = Map.of(
                Tokenizer.class, List.of(LETTERS, LETTERS.withAddedTokens(true, "<new>"),
                        LETTERS.withAddedTokens(false, "<new>"), LETTERS.withSpecialToken("cls_token", "a"),
                        LETTERS.withSpecialToken("eos_token", "a")),
                Truncation.class, List.of(Truncation.to(9), Truncation.to(8),
                        Truncation.to(9).at(Truncation.Side.LEFT),
                        Truncation.to(9).with(Truncation.Strategy.ONLY_FIRST)),
                Truncation.Windows.class, List.of(Truncation.windows(9, 2), Truncation.windows(9, 3),
                        Truncation.windows(8, 2)),
                int.class, List.of(5, 6),
                Labels.class, List.of(Labels.of(List.of("a", "b")), Labels.of(List.of("b", "a")),
                        Labels.of(List.of("a, b")), Labels.of(List.of("a\", \"b"))),
                RowEncoder.Pieces.class, Arrays.asList(RowEncoder.Pieces.values()),
                RowEncoder.Target.class, List.of(new RowEncoder.Target.None(), new RowEncoder.Target.Number(),
                        new RowEncoder.Target.OneOf(Labels.of(List.of("a"))),
                        new RowEncoder.Target.AnyOf(Labels.of(List.of("a")))),
                ChatTemplate.class, List.of(at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"),
                        at("2026-01-01T00:00:00Z").withSpecialToken("bos_token", "<s>"),
                        at("2026-01-01T00:00:00Z").withSpecialToken("bos_token", "<t>"),
                        ChatTemplate.of("other", DATED + " ")));
        return values.get(type);
    }

    static List<Class<?>> encoders() {
        return Stream.of(RowEncoder.class.getDeclaredClasses())
                .filter(each -> each.isRecord() && RowEncoder.class.isAssignableFrom(each))
                .<Class<?>>map(each -> each).toList();
    }

    @ParameterizedTest
    @MethodSource("encoders")
    void whatever_an_encoder_is_made_of_changes_the_key(Class<?> type) throws ReflectiveOperationException {
        RecordComponent[] parts = type.getRecordComponents();
        Constructor<?> constructor = type.getDeclaredConstructor(
                Arrays.stream(parts).map(RecordComponent::getType).toArray(Class<?>[]::new));
        for (int part = 0; part < parts.length; part++) {
            var keys = new HashSet<String>();
            List<?> values = different(parts[part].getType());
            for (Object value : values) {
                Object[] arguments = Arrays.stream(parts).map(each -> different(each.getType()).getFirst()).toArray();
                arguments[part] = value;
                keys.add(((RowEncoder) constructor.newInstance(arguments)).settings());
            }
            assertThat(keys).as(parts[part].getName()).hasSameSizeAs(values);
        }
    }

    @ParameterizedTest
    @MethodSource("encoders")
    void encoders_of_two_kinds_share_no_key(Class<?> type) throws ReflectiveOperationException {
        assertThat(encoders()).hasSizeGreaterThan(8);
        assertThat(encoders().stream().filter(each -> each != type).map(CacheKeyTest::first))
                .doesNotContain(first(type));
    }

    private static String first(Class<?> type) {
        try {
            RecordComponent[] parts = type.getRecordComponents();
            return ((RowEncoder) type
                    .getDeclaredConstructor(
                            Arrays.stream(parts).map(RecordComponent::getType).toArray(Class<?>[]::new))
                    .newInstance(Arrays.stream(parts).map(each -> different(each.getType()).getFirst()).toArray()))
                    .settings();
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void other_rows_and_other_settings_are_encoded_anew(@TempDir Path cache) {
        var plain = new RowEncoder.Language(LETTERS, Truncation.to(9));
        Rows rows = Rows.of("rows", List.of(RowEncoderTest.row("text", "ab")));

        assertThat(Stream.of(file(rows, plain, cache), file(rows, plain, cache))).hasSize(2)
                .containsOnly(file(rows, plain, cache));
        assertThat(List.of(file(rows, plain, cache),
                file(Rows.of("rows", List.of(RowEncoderTest.row("text", "ba"))), plain, cache),
                file(rows, new RowEncoder.Language(LETTERS, Truncation.to(8)), cache),
                file(rows, new RowEncoder.Masked(LETTERS, Truncation.to(9)), cache))).doesNotHaveDuplicates();
    }

    private static String file(Rows rows, RowEncoder encoder, Path cache) {
        try (var file = ExampleFile.of(rows, encoder, cache, done -> {})) {
            return file.fingerprint();
        }
    }
}
