package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.StringReader;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CharacterTrainerTest {
    @Test
    void shakespeare_has_65_characters_in_the_order_of_unicode() {
        Tokenizer characters = new CharacterTrainer().train(List.of(SharedData.path("tinyshakespeare/train.txt")));
        assertThat(characters.vocabSize()).isEqualTo(65);
        assertThat(characters.ids("\n z")).containsExactly(0, 1, 64);
        assertThat(characters.decode(characters.ids("First Citizen:\n"))).isEqualTo("First Citizen:\n");
    }

    @Test
    void an_unknown_character_is_named_with_its_place() {
        Tokenizer characters = new CharacterTrainer().train(List.of("abc"));
        assertThatThrownBy(() -> characters.ids("abß")).isInstanceOf(IllegalArgumentException.class).hasMessage(
                "unknown character 'ß' (U+00DF) at index 2 of the text: none of the 3 tokens stands for it and the tokenizer has no unk_token; remove the character or train a tokenizer that has seen it");
        assertThatThrownBy(() -> characters.encode("a👋")).hasMessageContaining("U+1F44B")
                .hasMessageContaining("index 1");
    }

    @Test
    void an_unk_token_stands_for_unknown_characters() {
        Tokenizer characters = new CharacterTrainer().withUnkToken("<unk>").train(List.of("abc"));
        assertThat(characters.encode("a?👋b").tokens()).containsExactly("a", "<unk>", "<unk>", "b");
        assertThat(characters.specialTokens()).containsEntry("unk_token", "<unk>");
    }

    @Test
    void characters_beyond_the_first_plane_are_one_token_even_at_the_edge_of_a_read() {
        Tokenizer characters = new CharacterTrainer().train(new StringReader("👋" + "a👋".repeat(20_000)));
        assertThat(characters.vocabSize()).isEqualTo(2);
        Encoding encoding = characters.encode("a👋a");
        assertThat(encoding.ids()).containsExactly(0, 1, 0);
        assertThat(encoding.starts()).containsExactly(0, 1, 3);
        assertThat(encoding.ends()).containsExactly(1, 3, 4);
    }

    @Test
    void what_was_saved_loads_as_the_same_tokenizer(@TempDir Path folder) {
        Tokenizer characters = new CharacterTrainer().withSpecialTokens("<s>").train(List.of("héllo 👋"));
        characters.save(folder);
        assertThat(Tokenizer.load(folder).json()).isEqualTo(characters.json());
        assertThat(Tokenizer.load(folder).encode("<s>hé").tokens()).containsExactly("<s>", "h", "é");
    }
}
