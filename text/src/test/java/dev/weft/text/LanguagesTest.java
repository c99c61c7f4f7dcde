package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What the Python library (transformers 4.57) makes of texts in several languages, recorded by `build/language_cases.py`.
class LanguagesTest {
    private static final Path CASES = Path.of("src/test/resources/languages");

    @ParameterizedTest
    @ValueSource(strings = {"m2m100-unigram", "m2m100-bpe", "mbart", "mbart50", "nllb"})
    void a_text_is_said_to_be_in_the_language_it_is_in(String name, @TempDir Path saved) {
        JsonNode expected = new JsonMapper().readTree(CASES.resolve(name).resolve("expected.json").toFile());
        Tokenizer plain = Tokenizer.load(CASES.resolve(name));
        for (String language : expected.get("ids").propertyNames()) {
            Tokenizer tokenizer = plain.withLanguage(language);
            List<JsonNode> ids = expected.get("ids").get(language).valueStream().toList();
            for (int i = 0; i < ids.size(); i++) {
                String text = expected.get("texts").get(i).stringValue();
                assertThat(tokenizer.encode(text).ids()).as(language + ": " + text)
                        .isEqualTo(ids.get(i).valueStream().mapToInt(JsonNode::intValue).toArray());
            }
            if (name.startsWith("m2m100")) {
                continue; // a tokenizer.json cannot say that a piece is unknown
            }
            tokenizer.save(saved);
            String text = expected.get("texts").get(0).stringValue();
            assertThat(Tokenizer.load(saved).encode(text).ids()).isEqualTo(tokenizer.encode(text).ids());
        }
        JsonNode first = expected.get("ids").properties().iterator().next().getValue();
        String text = expected.get("texts").get(0).stringValue();
        assertThat(plain.encode(text).ids())
                .isEqualTo(first.get(0).valueStream().mapToInt(JsonNode::intValue).toArray());
        assertThat(plain.decode(plain.encode(text).ids(), true).strip())
                .isEqualTo(expected.get("text").stringValue());
    }

    @Test
    void speech_to_text_begins_with_the_language_of_the_answer() {
        JsonNode expected = new JsonMapper().readTree(CASES.resolve("speech2text/expected.json").toFile());
        Tokenizer tokenizer = Tokenizer.load(CASES.resolve("speech2text"));
        assertThat(tokenizer.languages()).containsExactly("pt", "fr", "ru", "nl", "ro", "it", "es", "de");
        for (String language : expected.get("ids").propertyNames()) {
            for (int i = 0; i < expected.get("texts").size(); i++) {
                String text = expected.get("texts").get(i).stringValue();
                assertThat(tokenizer.withLanguage(language).encode(text).ids()).as(language + ": " + text)
                        .isEqualTo(expected.get("ids").get(language).get(i).valueStream().mapToInt(JsonNode::intValue)
                                .toArray());
            }
        }
    }

    @Test
    void a_language_is_known_by_its_code_its_token_or_its_beginning() {
        Tokenizer mbart = Tokenizer.load(CASES.resolve("mbart50"));
        assertThat(mbart.languageToken("de_DE")).isEqualTo("de_DE");
        assertThat(mbart.languageToken("en")).isEqualTo("en_XX");
        assertThat(Tokenizer.load(CASES.resolve("m2m100-bpe")).languageToken("de"))
                .isEqualTo(Tokenizer.load(CASES.resolve("m2m100-bpe")).languageToken("__de__")).isEqualTo("__de__");
        Tokenizer nllb = Tokenizer.load(CASES.resolve("nllb"));
        assertThat(nllb.languages()).hasSize(202).contains("deu_Latn", "zho_Hans");
        assertThatThrownBy(() -> nllb.languageToken("zho"))
                .hasMessage("\"zho\" may be one of zho_Hans, zho_Hant; say which");
        assertThatThrownBy(() -> mbart.withLanguage("tlh")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("\"tlh\" is no language of this vocabulary; it has ar_AR, cs_CZ, de_DE, ");
    }

    @Test
    void who_puts_no_language_around_a_text_says_so(@TempDir Path folder) throws IOException {
        Tokenizer plain = new CharacterTrainer().train(List.of(Files.writeString(folder.resolve("a.txt"), "abc")));
        assertThat(plain.languages()).isEmpty();
        assertThatThrownBy(() -> plain.withLanguage("de")).hasMessage(
                "\"de\" is no language of this vocabulary, which names none");
        Tokenizer marked = plain.withAddedTokens(true, ">>deu<<", ">>fra<<");
        assertThat(marked.languages()).containsExactly("deu", "fra");
        assertThat(marked.languageToken("fra")).isEqualTo(">>fra<<");
        assertThatThrownBy(() -> marked.withLanguage("fra")).hasMessageContaining("around a text");
        assertThat(IntStream.of(marked.encode(">>fra<<abc").ids()).limit(1)).containsExactly(plain.vocabSize() + 1);
    }
}
