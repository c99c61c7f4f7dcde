package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Every published and recorded encoding of GPT-2 and RoBERTa, to the last id, token, place and decoded text.
class PublishedVectorsTest {
    @TestFactory
    Stream<DynamicTest> gpt2_gives_the_published_ids() throws IOException {
        return cases("gpt2", "published/gpt2.jsonl", false);
    }

    @TestFactory
    Stream<DynamicTest> gpt2_gives_the_ids_llama_cpp_publishes() throws IOException {
        return cases("gpt2", "published/gpt2-llamacpp.jsonl", false);
    }

    @TestFactory
    Stream<DynamicTest> roberta_gives_the_ids_llama_cpp_publishes() throws IOException {
        return cases("roberta-base", "published/roberta-base-llamacpp.jsonl", false);
    }

    @TestFactory
    Stream<DynamicTest> gpt2_encodes_as_the_reference_library() throws IOException {
        return cases("gpt2", "reference/gpt2.jsonl.gz", true);
    }

    @TestFactory
    Stream<DynamicTest> roberta_encodes_as_the_reference_library() throws IOException {
        return cases("roberta-base", "reference/roberta-base.jsonl.gz", true);
    }

    private static Stream<DynamicTest> cases(String tokenizer, String vectors, boolean specialTokens)
            throws IOException {
        Tokenizer loaded = SharedData.tokenizer(tokenizer);
        Path file = SharedData.path("tokenizer-vectors/" + vectors);
        try (InputStream raw = Files.newInputStream(file);
                InputStream plain = vectors.endsWith(".gz") ? new GZIPInputStream(raw) : raw;
                var lines = new BufferedReader(new InputStreamReader(plain, StandardCharsets.UTF_8))) {
            var mapper = new JsonMapper();
            return lines.lines().map(mapper::readTree).toList().stream().map(json -> DynamicTest
                    .dynamicTest(json.get("text").toString(), () -> check(loaded, json, specialTokens)));
        }
    }

    private static void check(Tokenizer tokenizer, JsonNode json, boolean specialTokens) {
        String text = json.get("text").stringValue();
        int[] ids = ints(json.get("ids"));
        Encoding encoding = tokenizer.encode(text, specialTokens);
        assertThat(encoding.ids()).isEqualTo(ids);
        assertThat(tokenizer.ids(text)).isEqualTo(tokenizer.encode(text, false).ids());
        if (json.has("tokens")) {
            assertThat(encoding.tokens())
                    .isEqualTo(json.get("tokens").values().stream().map(JsonNode::stringValue).toArray());
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
            assertThat(Tokenizer.tidied(tokenizer.decode(ids, true)))
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
