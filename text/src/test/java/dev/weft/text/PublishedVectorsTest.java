package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Every published and recorded encoding, to the last id, token, place and decoded text.
class PublishedVectorsTest {
    @TestFactory
    Stream<DynamicTest> gpt2_gives_the_published_ids() {
        return Stream.concat(cases("gpt2", "published/gpt2.jsonl", false),
                cases("gpt2", "published/gpt2-llamacpp.jsonl", false));
    }

    @TestFactory
    Stream<DynamicTest> the_tiktoken_file_of_gpt2_gives_the_published_ids() {
        return Stream.of("published/gpt2.jsonl", "published/gpt2-llamacpp.jsonl", "reference/gpt2.jsonl.gz")
                .flatMap(vectors -> cases("gpt2/gpt2.tiktoken", vectors, false));
    }

    @TestFactory
    Stream<DynamicTest> roberta_gives_the_ids_llama_cpp_publishes() {
        return cases("roberta-base", "published/roberta-base-llamacpp.jsonl", false);
    }

    @TestFactory
    Stream<DynamicTest> bert_gives_the_published_ids() {
        return Stream.concat(cases("bert-base-uncased", "published/bert-base-uncased.jsonl", true),
                cases("bert-base-uncased", "published/bert-base-uncased-llamacpp.jsonl", false));
    }

    @TestFactory
    Stream<DynamicTest> the_word_list_of_bert_gives_the_published_ids() {
        return Stream.concat(cases("bert-base-uncased/vocab.txt", "published/bert-base-uncased.jsonl", true),
                cases("bert-base-uncased/vocab.txt", "reference/bert-base-uncased.jsonl.gz", true));
    }

    @Test
    void bert_cuts_every_question_of_squad_as_published() {
        Tokenizer bert = SharedData.tokenizer("bert-base-uncased");
        for (JsonNode json : lines("published/bert-squad-questions.jsonl.gz")) {
            Encoding encoding = bert.encode(json.get("text").stringValue(), false);
            assertThat(encoding.ids()).as(json.toString()).isEqualTo(ints(json.get("ids")));
            assertThat(encoding.tokens())
                    .isEqualTo(json.get("wordpiece").values().stream().map(JsonNode::stringValue).toArray());
        }
    }

    @TestFactory
    Stream<DynamicTest> t5_gives_the_published_ids() {
        return cases("t5-small", "published/t5.jsonl", true);
    }

    @TestFactory
    Stream<DynamicTest> phi3_gives_the_ids_llama_cpp_publishes() {
        return cases("phi-3-mini", "published/llama-spm-llamacpp.jsonl", false);
    }

    @Test
    void phi3_gives_the_ids_published_for_llama() {
        Tokenizer phi3 = SharedData.tokenizer("phi-3-mini");
        for (JsonNode json : lines("published/llama-spm.jsonl")) {
            int[] ids = ints(json.get("ids"));
            // Llama's own template puts <s> before a text, Phi-3's does not.
            assertThat(ids[0]).isEqualTo(1);
            assertThat(phi3.encode(json.get("text").stringValue()).ids()).as(json.toString())
                    .isEqualTo(Arrays.copyOfRange(ids, 1, ids.length));
            assertThat(phi3.decode(ids, json.has("decoded_with_special")))
                    .isEqualTo(json.get("decoded_without_special").stringValue());
        }
    }

    @TestFactory
    Stream<DynamicTest> every_tokenizer_encodes_as_the_reference_library() {
        return Stream.of("gpt2", "roberta-base", "bert-base-uncased", "clip", "phi-3-mini", "t5-small")
                .flatMap(name -> cases(name, "reference/" + name + ".jsonl.gz", true));
    }

    @TestFactory
    Stream<DynamicTest> sentencepiece_models_encode_as_the_sentencepiece_library() {
        return Stream.of("bpe_en", "unigram_en", "unigram_ja", "unigram_bytefallback_en").flatMap(
                name -> cases("sentencepiece/" + name + ".model", "reference/sentencepiece-" + name + ".jsonl.gz",
                        true));
    }

    private static List<JsonNode> lines(String vectors) {
        Path file = SharedData.path("tokenizer-vectors/" + vectors);
        try (InputStream raw = Files.newInputStream(file);
                InputStream plain = vectors.endsWith(".gz") ? new GZIPInputStream(raw) : raw;
                var lines = new BufferedReader(new InputStreamReader(plain, StandardCharsets.UTF_8))) {
            var mapper = new JsonMapper();
            return lines.lines().map(mapper::readTree).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Stream<DynamicTest> cases(String tokenizer, String vectors, boolean specialTokens) {
        Tokenizer loaded = SharedData.tokenizer(tokenizer);
        return lines(vectors).stream().map(json -> DynamicTest.dynamicTest(tokenizer + " " + json.get("text"),
                () -> check(loaded, json, specialTokens)));
    }

    private static void check(Tokenizer tokenizer, JsonNode json, boolean specialTokens) {
        String text = json.get("text").stringValue();
        int[] ids = ints(json.get("ids"));
        Encoding encoding = tokenizer.encode(text, specialTokens);
        assertThat(encoding.ids()).isEqualTo(ids);
        assertThat(tokenizer.ids(text)).isEqualTo(tokenizer.encode(text, false).ids());
        String pieces = json.has("pieces") ? "pieces" : "tokens";
        if (json.has(pieces)) {
            // Some were recorded without the special tokens around the text.
            boolean bare = json.get(pieces).size() < ids.length;
            assertThat((bare ? tokenizer.encode(text, false) : encoding).tokens())
                    .isEqualTo(json.get(pieces).values().stream().map(JsonNode::stringValue).toArray());
        }
        if (json.has("offsets")) {
            for (int i = 0; i < ids.length; i++) {
                int[] offset = ints(json.get("offsets").get(i));
                assertThat(new int[]{encoding.starts()[i], encoding.ends()[i]}).as("place of token %d", i).isEqualTo(
                        new int[]{text.offsetByCodePoints(0, offset[0]), text.offsetByCodePoints(0, offset[1])});
            }
        }
        if (json.has("decoded")) {
            assertThat(tokenizer.decode(ids, true)).isEqualTo(json.get("decoded").stringValue());
        }
        // These two were recorded with clean_up_tokenization_spaces on.
        if (json.has("decoded_with_special")) {
            assertThat(Tokenizer.tidied(tokenizer.decode(ids, false)))
                    .isEqualTo(json.get("decoded_with_special").stringValue());
        }
        if (json.has("decoded_without_special")) {
            // Where there is no text with special tokens, this is it.
            assertThat(Tokenizer.tidied(tokenizer.decode(ids, json.has("decoded_with_special"))))
                    .isEqualTo(json.get("decoded_without_special").stringValue());
        }
        StreamingDecoder stream = tokenizer.streamingDecoder(true);
        String streamed = IntStream.of(ids).mapToObj(stream::push).reduce("", String::concat) + stream.flush();
        assertThat(streamed).isEqualTo(tokenizer.decode(ids, true));
    }

    private static int[] ints(JsonNode list) {
        return list.values().stream().mapToInt(JsonNode::intValue).toArray();
    }
}
