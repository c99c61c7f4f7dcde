package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;

class IdBytesTest {
    private static final List<String> CORPUS = List.of("the cat and the hat é 🦙🦙 日本 [1, 2] the cats");
    private static final List<Tokenizer> TOKENIZERS = Stream.of(BytePairTrainer.ofVocabSize(280),
            BytePairTrainer.llama(300), WordPieceTrainer.ofVocabSize(60), UnigramTrainer.ofVocabSize(40),
            new CharacterTrainer()).map(trainer -> trainer.train(CORPUS)).toList();

    @Provide
    Arbitrary<String> texts() {
        return Arbitraries.of("the", " ", "cat", "s", "é", "🦙", "日本", "Ж", "[1,", "  ").list().ofMaxSize(8)
                .map(parts -> String.join("", parts));
    }

    @Property(tries = 300)
    void joined_they_are_the_bytes_of_the_decoded_text(@ForAll("texts") String text) {
        for (Tokenizer tokenizer : TOKENIZERS) {
            int[] ids;
            try {
                ids = tokenizer.ids(text);
            } catch (IllegalArgumentException e) {
                continue; // a character that is no token
            }
            byte[][] first = tokenizer.bytesOfIds(true);
            byte[][] behind = tokenizer.bytesOfIds(false);
            var joined = new ByteArrayOutputStream();
            for (int i = 0; i < ids.length; i++) {
                joined.writeBytes((i == 0 ? first : behind)[ids[i]]);
            }
            assertThat(joined.toString(StandardCharsets.UTF_8)).isEqualTo(tokenizer.decode(ids));
        }
    }

    @Test
    void half_a_character_has_its_bytes_and_an_id_without_token_none() {
        Tokenizer bytes = TOKENIZERS.getFirst();
        int[] ids = bytes.ids("Ж");
        assertThat(ids).hasSize(2);
        assertThat(bytes.bytesOfIds(false)[ids[0]]).containsExactly(0xD0);
        Tokenizer pieces = TOKENIZERS.get(1);
        assertThat(pieces.bytesOfIds(false)[pieces.id("<0xD0>").getAsInt()]).containsExactly(0xD0);
        assertThat(pieces.bytesOfIds(true)[pieces.id("▁").getAsInt()]).isEmpty();
        assertThat(pieces.bytesOfIds(false)[pieces.id("▁").getAsInt()]).containsExactly(' ');
    }

    @Test
    void where_the_next_token_decides_they_are_refused() {
        assertThatThrownBy(() -> IdBytes.of(TOKENIZERS.getFirst(), new Decoder.Bpe("</w>"), false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("next one");
    }
}
