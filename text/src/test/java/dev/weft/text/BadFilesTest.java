package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Each mistake in a file has one message, which names the file, the place and what was found there.
class BadFilesTest {
    private static final String GOOD = """
            {"version": "1.0", "truncation": null, "padding": null,
             "added_tokens": [{"id": 4, "content": "<s>", "special": true}],
             "normalizer": null,
             "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
             "post_processor": {"type": "RobertaProcessing", "sep": ["<s>", 4], "cls": ["<s>", 4]},
             "decoder": {"type": "ByteLevel"},
             "model": {"type": "BPE", "dropout": null, "unk_token": "a", "vocab": {"a": 0, "b": 1, "ab": 2, "c": 3},
                       "merges": ["a b"]}}
            """;

    @TempDir
    private Path folder;

    @Test
    void the_file_without_mistakes_loads() throws IOException {
        assertThat(Tokenizer.load(file(text -> text)).encode("abc").ids()).containsExactly(4, 2, 3, 4);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            "a b"                    | "a d"                        | model.merges[0]: the merge of "a" and "d" needs the token "d", which is not in the vocabulary
            "a b"                    | "b c"                        | model.merges[0]: the merge of "b" and "c" needs the token "bc", which is not in the vocabulary
            "a b"                    | "a b c"                      | model.merges[0]: expected two tokens with one space between them, found "a b c"
            "c": 3                   | "c": 2                       | model.vocab: id 2 is given twice, to "ab" and to "c"
            "c": 3                   | "c": -3                      | model.vocab["c"]: expected an id from 0 to 8388607, found -3
            "c": 3                   | "c": 4000000000              | model.vocab["c"]: expected an id from 0 to 8388607, found 4000000000
            "c": 3                   | "c": "3"                     | model.vocab["c"]: expected an id from 0 to 8388607, found "3"
            "id": 4                  | "id": 3                      | added_tokens[0]: id 3 is given twice, to "c" and to "<s>"
            "content": "<s>"         | "content": "c"               | added_tokens[0]: "c" has id 4 here but id 3 in the vocabulary
            "sep": ["<s>", 4]        | "sep": ["</s>", 9]           | post_processor.sep[1]: id 9 is outside the vocabulary of 5 tokens
            "unk_token": "a"         | "unk_token": "<unk>"         | model.unk_token: "<unk>" is not in the vocabulary
            "type": "BPE"            | "type": "Neural"             | model: type "Neural" is not supported; known types: BPE, WordPiece, Unigram, WordLevel
            "dropout": null          | "dropout": 1.5               | model.dropout: expected a probability from 0 to 1, found 1.5
            "normalizer": null       | "normalizer": {"type": "Upper"} | normalizer: type "Upper" is not supported; known types: NFC, NFD, NFKC, NFKD, Lowercase, BertNormalizer, Strip, StripAccents, Replace, Prepend, Nmt, ByteLevel, Precompiled, Sequence
            {"type": "ByteLevel"}    | {"type": "Words"}            | decoder: type "Words" is not supported; known types: ByteLevel, WordPiece, Metaspace, BPEDecoder, CTC, ByteFallback, Strip, Replace, Fuse, Sequence
            "use_regex": true        | "prepend": "first"           | pre_tokenizer: option "prepend" is not supported; known options: add_prefix_space, trim_offsets, use_regex
            "use_regex": true        | "use_regex": 1               | pre_tokenizer.use_regex: expected true or false, found 1
            "merges"                 | "mergers"                    | model: option "mergers" is not supported; known options: dropout, unk_token, continuing_subword_prefix, end_of_word_suffix, fuse_unk, byte_fallback, ignore_merges, vocab, merges
            """)
    void a_mistake_is_named_with_its_file_and_place(String good, String bad, String message) throws IOException {
        Path file = file(text -> {
            assertThat(text).contains(good);
            return text.replace(good, bad);
        });
        assertThatThrownBy(() -> Tokenizer.load(file)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage(file + ": " + message);
    }

    @Test
    void half_a_file_is_said_to_be_incomplete() throws IOException {
        for (int length : new int[]{0, 1, 100, GOOD.length() - 3}) {
            Path file = file(text -> text.substring(0, length));
            assertThatThrownBy(() -> Tokenizer.load(file)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith(file + ": ");
        }
    }

    @Test
    void a_token_written_twice_is_refused() throws IOException {
        Path file = file(text -> text.replace("\"c\": 3", "\"a\": 3"));
        assertThatThrownBy(() -> Tokenizer.load(file)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(file + ": ").hasMessageContaining("\"a\"");
    }

    @Test
    void a_folder_without_a_tokenizer_says_what_was_looked_for() {
        assertThatThrownBy(() -> Tokenizer.load(folder)).isInstanceOf(IllegalArgumentException.class).hasMessage(
                folder + ": no tokenizer here; expected tokenizer.json, a SentencePiece model (spiece.model, "
                        + "tokenizer.model, sentencepiece.bpe.model, sentencepiece.model, spm.model, spm_char.model, "
                        + "source.spm), vocab.json together with merges.txt, vocab.txt, or a .tiktoken file");
        Path nowhere = folder.resolve("nowhere");
        assertThatThrownBy(() -> Tokenizer.load(nowhere)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(nowhere + ": there is no such file or folder");
    }

    @Test
    void a_merge_of_unknown_tokens_in_merges_txt_is_named_with_its_line() throws IOException {
        Files.writeString(folder.resolve("vocab.json"), "{\"a\": 0, \"b\": 1}");
        Path merges = Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\na b\n");
        assertThatThrownBy(() -> Tokenizer.load(folder)).isInstanceOf(IllegalArgumentException.class).hasMessage(merges
                + ": line 2: the merge of \"a\" and \"b\" needs the token \"ab\", which is not in the vocabulary");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            ["a", -1.5]       | ["a"]            | model.vocab[1]: expected a token and its score, found ["a"]
            ["a", -1.5]       | ["a", "1"]       | model.vocab[1][1]: expected a finite score, found "1"
            ["a", -1.5]       | ["a", null]      | model.vocab[1][1]: expected a finite score, found null
            ["a", -1.5]       | ["a", 1e999]     | model.vocab[1][1]: expected a finite score, found
            "unk_id": 0       | "unk_id": 2      | model.unk_id: id 2 is outside the vocabulary of 2 tokens
            "unk_id": 0       | "unk_id": -1     | model.unk_id: expected an id from 0 to 8388607, found -1
            """)
    void a_mistake_in_a_list_of_unigrams_is_named(String good, String bad, String message) throws IOException {
        String whole = "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"<unk>\", 0], [\"a\", -1.5]]}}";
        assertThat(whole).contains(good);
        Path file = Files.writeString(folder.resolve("tokenizer.json"), whole.replace(good, bad));
        assertThatThrownBy(() -> Tokenizer.load(file)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(file + ": " + message);
    }

    @Test
    void a_word_list_with_a_word_twice_is_refused_with_both_lines() throws IOException {
        Path file = Files.writeString(folder.resolve("vocab.txt"), "[UNK]\n[CLS]\n[SEP]\nthe\ncat\nthe\n");
        assertThatThrownBy(() -> Tokenizer.load(folder)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage(file.toAbsolutePath() + ": line 6: \"the\" stands in line 4 too; a token has one id");
        Files.writeString(file, "[UNK]\nthe\n");
        assertThatThrownBy(() -> Tokenizer.load(folder)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("the token \"[CLS]\"").hasMessageContaining("is not in its vocabulary");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            IQ== 0   | IQ==     | line 1: expected a token in base 64, a space and its rank, found "IQ=="
            IQ== 0   | I! 0     | line 1: expected a token in base 64, a space and its rank, found "I! 0"
            IQ== 0   | IQ== x   | line 1: expected a token in base 64, a space and its rank, found "IQ== x"
            IQ== 0   | IQ== 3   | line 4: rank 3 is given twice
            Ig== 1   | IQ== 999 | line 2: the token "!" is given twice, with the ranks 0 and 999
            Ig== 1   | YWE= 1   | no line for the byte 0x22; is the download complete?
            """)
    void a_mistake_in_a_file_of_tiktoken_is_named(String good, String bad, String message) throws IOException {
        var lines = new StringBuilder();
        int rank = 0;
        for (int b : IntStream.concat(IntStream.range(33, 256), IntStream.range(0, 33)).toArray()) {
            lines.append(Base64.getEncoder().encodeToString(new byte[]{(byte) b})).append(' ').append(rank++)
                    .append('\n');
        }
        Path file = folder.resolve("some.tiktoken");
        Files.writeString(file, lines);
        assertThat(Tokenizer.load(file).ids("!!")).containsExactly(0, 0);
        assertThat(lines.toString()).contains(good + "\n");
        Files.writeString(file, lines.toString().replace(good + "\n", bad + "\n"));
        assertThatThrownBy(() -> Tokenizer.load(file)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage(file + ": " + message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bpe-plain", "unigram-folded"})
    void a_broken_sentencepiece_model_is_refused_with_one_message_or_is_another_model(String name) throws IOException {
        byte[] good = BadFilesTest.class.getResourceAsStream("/sentencepiece/" + name + ".model").readAllBytes();
        Path file = folder.resolve("x.model");
        for (int length = 0; length < good.length; length++) {
            loadsOrIsRefused(file, Arrays.copyOf(good, length));
        }
        var random = new Random(3);
        for (int tries = 0; tries < 1500; tries++) {
            byte[] bad = good.clone();
            for (int flips = random.nextInt(3); flips >= 0; flips--) {
                bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            }
            loadsOrIsRefused(file, bad);
        }
    }

    private static void loadsOrIsRefused(Path file, byte[] bytes) throws IOException {
        Files.write(file, bytes);
        try {
            Tokenizer.load(file).encode("the cat… ABC ß 数据");
        } catch (IllegalArgumentException e) {
            assertThat(e).hasMessageStartingWith(file + ": ");
        }
    }

    @Test
    void what_is_no_sentencepiece_model_is_said_to_be_none() throws IOException {
        Path file = folder.resolve("spiece.model");
        Files.writeString(file, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
        assertThatThrownBy(() -> Tokenizer.load(folder)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(file + ": not a SentencePiece model: byte ");
        // A piece of four gigabytes, and one whose number goes on for ever.
        for (byte[] hostile : List.of(new byte[]{0x0A, -1, -1, -1, -1, 0x0F, 0x0A, 0x01, 'a'},
                new byte[]{0x0A, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}, new byte[]{0x0A})) {
            Files.write(file, hostile);
            assertThatThrownBy(() -> Tokenizer.load(folder)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith(file + ": not a SentencePiece model: byte ");
        }
    }

    private Path file(UnaryOperator<String> change) throws IOException {
        return Files.writeString(folder.resolve("tokenizer.json"), change.apply(GOOD));
    }
}
