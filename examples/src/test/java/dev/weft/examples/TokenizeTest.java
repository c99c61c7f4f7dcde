package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizeTest {
    @TempDir
    Path folder;

    @Test
    void a_tokenizer_is_trained_saved_and_used() throws IOException {
        Path corpus = folder.resolve("corpus.txt");
        Files.writeString(corpus, "the weft goes under and over the warp\n".repeat(50));

        Tokenizer tokenizer = Tokenize.train(List.of(corpus), folder.resolve("tok"))
                .withSpecialToken("pad_token", "<|endoftext|>");

        assertThat(tokenizer.decode(tokenizer.ids("under the warp"))).isEqualTo("under the warp");
        assertThat(Tokenizer.load(folder.resolve("tok")).ids("under the warp"))
                .isEqualTo(tokenizer.ids("under the warp"));
        assertThat(Tokenize.windows(tokenizer, "where?", "over the warp ".repeat(200))).hasSizeGreaterThan(1)
                .allSatisfy(window -> assertThat(window.size()).isLessThanOrEqualTo(384));
        assertThat(Tokenize.batch(tokenizer, List.of("the", "the weft goes over")))
                .allSatisfy(each -> assertThat(each.size()).isEqualTo(8));
    }
}
