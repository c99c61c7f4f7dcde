package dev.weft.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The text of ids that stand behind others: the text of both without that of the first.
class AnswerTextTest {
    private static final String LEARNT = "the cat and the hat, 12 cats\nand a 🦙 and é";
    private static final List<Tokenizer> TRAINED = List.of(
            BytePairTrainer.llama(330).withThreads(1).train(List.of(LEARNT, LEARNT)),
            BytePairTrainer.ofVocabSize(300).withSpecialTokens("<|end|>").withThreads(1).train(List.of(LEARNT)));
    /// Nothing leaves this decoder before the end of the text.
    private static final Tokenizer LATE = with(new Decoder.Sequence(List.of(new Decoder.ByteFallback(),
            new Decoder.Fuse(), new Decoder.Replace(SplitPattern.regex("▁+"), " "))));

    private static Tokenizer with(Decoder decoder) {
        TokenizerParts parts = TRAINED.getFirst().parts();
        return new Tokenizer(new TokenizerParts(parts.addedTokens(), parts.normalizer(), parts.preTokenizer(),
                parts.model(), parts.postProcessor(), decoder, parts.specialTokens(), parts.config(), null, null),
                TRAINED.getFirst().vocabulary());
    }

    private static String streamed(Tokenizer tokenizer, int[] prompt, int[] answer) {
        StreamingDecoder decoder = tokenizer.streamingDecoder(true).after(prompt);
        var text = new StringBuilder();
        for (int id : answer) {
            text.append(decoder.push(id));
        }
        return text.append(decoder.flush()).toString();
    }

    private static void isBothWithoutThePrompt(Tokenizer tokenizer, int[] prompt, int[] answer) {
        int[] both = IntStream.concat(IntStream.of(prompt), IntStream.of(answer)).toArray();
        assertThat(streamed(tokenizer, prompt, answer)).isEqualTo(
                tokenizer.decode(both, true).substring(tokenizer.decode(prompt, true).length()));
    }

    @Property(tries = 300)
    void the_text_of_an_answer_is_that_of_both_without_the_prompt(@ForAll long seed) {
        var random = new Random(seed);
        for (Tokenizer tokenizer : List.of(TRAINED.get(0), TRAINED.get(1), LATE)) {
            isBothWithoutThePrompt(tokenizer, tokenizer.encode(Texts.wellFormed(random)).ids(),
                    tokenizer.encode(Texts.wellFormed(random), random.nextBoolean()).ids());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"phi-3-mini", "gpt2", "t5-small", "roberta-base", "clip",
            "sentencepiece/unigram_bytefallback_en.model"})
    void so_it_is_with_tokenizers_that_are_in_use(String name) {
        Tokenizer tokenizer = SharedData.tokenizer(name);
        var random = new Random(11);
        for (int tries = 0; tries < 300; tries++) {
            isBothWithoutThePrompt(tokenizer, tokenizer.encode(Texts.wellFormed(random)).ids(),
                    tokenizer.encode(Texts.wellFormed(random), random.nextBoolean()).ids());
        }
    }

    @Test
    void bytes_at_the_end_of_the_prompt_are_not_given_again() {
        Tokenizer tokenizer = TRAINED.getFirst();
        for (String prompt : List.of("the\n", "the 😀", "the 日本", "\n", "the", "")) {
            int[] ids = tokenizer.encode(prompt).ids();
            assertThat(streamed(tokenizer, ids, tokenizer.encode("日", false).ids())).endsWith("日")
                    .hasSizeLessThan(3);
            assertThat(streamed(tokenizer, ids, new int[]{tokenizer.id("<0xE6>").orElseThrow()})).isEqualTo("\uFFFD");
        }
    }

    @Test
    void what_waits_though_it_is_whole_can_be_had() {
        Tokenizer tokenizer = TRAINED.getFirst();
        StreamingDecoder decoder = tokenizer.streamingDecoder(true).after(tokenizer.encode("the\n").ids());
        assertThat(decoder.push(tokenizer.id("<0x0A>").orElseThrow())).isEmpty();
        assertThat(decoder.settle()).isEqualTo("\n");
        assertThat(decoder.push(tokenizer.id("<0xC3>").orElseThrow()) + decoder.settle()).isEmpty();
        assertThat(decoder.push(tokenizer.id("<0xA9>").orElseThrow()) + decoder.settle()).isEqualTo("é");
    }
}
