package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.models.Loading;
import dev.weft.checkpoint.Json;
import dev.weft.models.Gpt2;
import dev.weft.models.Models;
import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.tensor.DType;
import dev.weft.tensor.TensorScope;
import dev.weft.text.BytePairTrainer;
import dev.weft.text.CharacterTrainer;
import dev.weft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextGeneratorTest {
    /// Every byte is a token, and a few pairs.
    private static final Tokenizer BYTES = BytePairTrainer.ofVocabSize(270).withSpecialTokens("<|endoftext|>")
            .withThreads(1).train(List.of("the cat and the hat and the end of the cat"));

    private static Generation longEnough() {
        return Generation.greedy().withMaxNewTokens(10_000);
    }

    /// A generator whose model says `text` after `prompt`, and then the end.
    private static TextGenerator saying(String prompt, String text) {
        int[] ids = BYTES.encode(prompt + text + "<|endoftext|><|endoftext|>").ids();
        return TextGenerator.of(new ByHeart(BYTES.vocabSize(), ids), BYTES, Generation.greedy());
    }

    private static List<String> pieces(TextGenerator generator, String prompt, Generation options) {
        try (Stream<String> stream = generator.stream(prompt, options)) {
            return stream.toList();
        }
    }

    @Test
    void text_follows_the_prompt_without_it_and_without_the_end() {
        var generator = saying("the", " cat sat");
        assertThat(generator.generate("the", longEnough())).isEqualTo(" cat sat");
        Completion completion = generator.complete("the", longEnough()).getFirst();
        assertThat(completion.finish()).isEqualTo(Finish.END_ID);
        assertThat(completion.promptTokens()).isEqualTo(BYTES.encode("the").size());
        assertThat(completion.newTokens()).isEqualTo(BYTES.encode(" cat sat").size() + 1);
        assertThat(generator.generate("the", Generation.greedy().withMaxNewTokens(1))).isEqualTo(" cat");
    }

    @Test
    void streaming_never_shows_half_a_character() {
        String text = " 🦙 naïve 日本語 👩‍👩‍👧 é…";
        List<String> pieces = pieces(saying("the", text), "the", longEnough());
        assertThat(String.join("", pieces)).isEqualTo(text);
        assertThat(pieces).hasSizeGreaterThan(8).allSatisfy(piece -> {
            assertThat(piece).doesNotContain("\uFFFD").isNotEmpty();
            assertThat(Character.isLowSurrogate(piece.charAt(0))).isFalse();
            assertThat(Character.isHighSurrogate(piece.charAt(piece.length() - 1))).isFalse();
        });
    }

    @Test
    void a_stop_string_across_tokens_ends_the_text_and_nothing_of_it_is_shown() {
        var generator = saying("the", " cat said\nUser: and the end\nUs and the hat");
        Generation options = longEnough().withStopStrings(List.of("\nUser:", "never"));
        assertThat(BYTES.encode("\nUser:").size()).isGreaterThan(1);
        assertThat(generator.generate("the", options)).isEqualTo(" cat said");
        assertThat(String.join("", pieces(generator, "the", options))).isEqualTo(" cat said");
        Completion completion = generator.complete("the", options).getFirst();
        assertThat(completion.finish()).isEqualTo(Finish.STOP_STRING);
        assertThat(completion.newTokens()).isEqualTo(BYTES.encode(" cat said\nUser:").size());
        // The beginning of a stop string that does not go on is shown after all.
        assertThat(generator.generate("the", longEnough().withStopStrings(List.of("\nUsers"))))
                .isEqualTo(" cat said\nUser: and the end\nUs and the hat");
        assertThat(generator.generate("the", longEnough().withStopStrings(List.of("the hat!"))))
                .endsWith("and the hat");
    }

    @Test
    void a_stop_string_inside_a_token_cuts_it() {
        var generator = saying("a", " the cat and");
        assertThat(BYTES.token(BYTES.encode(" the").ids()[0])).isEqualTo("Ġthe");
        assertThat(generator.generate("a", longEnough().withStopStrings(List.of("h")))).isEqualTo(" t");
        assertThat(generator.generate("a", longEnough().withStopStrings(List.of(" t")))).isEmpty();
    }

    @Test
    void a_stop_string_in_the_prompt_ends_nothing_and_one_begun_there_neither() {
        var generator = saying("the end\n", "\n and the end");
        Completion completion = generator.complete("the end\n", longEnough().withStopStrings(List.of("\n\n", "the e")))
                .getFirst();
        assertThat(completion.text()).isEqualTo("\n and ");
        assertThat(completion.finish()).isEqualTo(Finish.STOP_STRING);
    }

    @Test
    void a_stop_string_ends_beams_too() {
        var generator = saying("the", " cat said\nUser: and");
        Completion best = generator
                .complete("the", longEnough().withNumBeams(2).withStopStrings(List.of("\nUser:"))).getFirst();
        assertThat(best.text()).isEqualTo(" cat said");
        assertThat(best.finish()).isEqualTo(Finish.STOP_STRING);
    }

    @Provide
    Arbitrary<String> textOfThree() {
        return Arbitraries.strings().withChars('a', 'b', 'é').ofMinLength(0).ofMaxLength(12);
    }

    @Provide
    Arbitrary<List<String>> stops() {
        return Arbitraries.strings().withChars('a', 'b', 'é').ofMinLength(1).ofMaxLength(4).list().ofMaxSize(3);
    }

    @Property(tries = 300)
    void pieces_end_where_the_first_stop_string_begins(@ForAll("textOfThree") String text,
            @ForAll("stops") List<String> stops) {
        var stop = new StopText(stops);
        var shown = new StringBuilder();
        boolean[] ended = new boolean[text.length() + 1];
        for (int i = 0; i < text.length() && !stop.stopped(); i++) {
            shown.append(stop.push(text.substring(i, i + 1)));
            ended[i] = stop.stopped();
        }
        shown.append(stop.flush());
        // The first that is complete, and of those complete at once the one that begins first.
        String expected = text;
        for (int end = 1; end <= text.length() && expected.equals(text); end++) {
            String so = text.substring(0, end);
            int begin = stops.stream().filter(so::endsWith).mapToInt(each -> so.length() - each.length()).min()
                    .orElse(-1);
            expected = begin >= 0 ? text.substring(0, begin) : expected;
        }
        assertThat(shown.toString()).isEqualTo(expected);
    }

    private static Path saved(Path folder, int vocab, Tokenizer tokenizer) throws IOException {
        Files.createDirectories(folder);
        var config = Gpt2.Config.tiny().withVocabSize(vocab);
        try (var model = Models.create(config, 3)) {
            Models.save(folder, config.toJson(), model);
        }
        if (tokenizer != null) {
            tokenizer.save(folder);
        }
        return folder;
    }

    @Test
    void a_folder_opens_with_its_tokenizer_and_its_generation_config(@TempDir Path folder) throws IOException {
        saved(folder, BYTES.vocabSize(), BYTES);
        Json.write(folder.resolve("generation_config.json"),
                Json.object().put("max_new_tokens", 3).put("do_sample", true).put("eos_token_id", 7));
        long before = TensorScope.liveTensors();
        try (var generator = TextGenerator.open(folder)) {
            assertThat(generator.defaults())
                    .isEqualTo(Generation.sampled(0).withMaxNewTokens(3).withEndIds(List.of(7)).withPadId(7));
            Generation options = generator.defaults().withMinNewTokens(3).withSeed(9);
            assertThat(generator.complete("the cat", options).getFirst().newTokens()).isEqualTo(3);
            assertThat(generator.generate("the cat", options)).isEqualTo(generator.generate("the cat", options))
                    .isEqualTo(String.join("", pieces(generator, "the cat", options)));
        }
        // The weights are gone; the file they were mapped from may wait for the garbage collector.
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before + 1);
    }

    @Test
    void a_sampling_of_ones_own_stands_on_the_settings_of_the_model(@TempDir Path folder) throws IOException {
        saved(folder, BYTES.vocabSize(), BYTES);
        Json.write(folder.resolve("generation_config.json"), Json.object().put("max_new_tokens", 7).put("top_k", 1));
        try (var writer = TextGenerator.open(folder)) {
            Sampling sampling = Sampling.topP(0.9).withSeed(7);
            String text = writer.generate("the cat", sampling);
            assertThat(text).isEqualTo(
                    writer.generate("the cat", writer.defaults().withDoSample(true).withTopK(0).withTopP(0.9)
                            .withSeed(7)));
            try (Stream<String> pieces = writer.stream("the cat", sampling)) {
                assertThat(String.join("", pieces.toList())).isEqualTo(text);
            }
            assertThat(writer.generate("the cat", sampling.withSeed(8))).isNotEqualTo(text);
        }
    }

    @Test
    void a_run_without_a_model_of_its_own_opens_its_newest_checkpoint(@TempDir Path run) throws IOException {
        BYTES.save(run);
        saved(run.resolve("checkpoints/step-00000900"), 280, null);
        saved(run.resolve("checkpoints/step-00001000"), 270, null);
        saved(run.resolve("checkpoints/.unfinished-2000"), 290, null);
        try (var generator = TextGenerator.open(run)) {
            assertThat(generator.model().vocabSize()).isEqualTo(270);
            // The model's files say nothing of an end, and the tokenizer knows one.
            assertThat(generator.defaults().limits().endIds()).containsExactly(0);
        }
        saved(run, 300, null);
        try (var generator = TextGenerator.open(run)) {
            assertThat(generator.model().vocabSize()).isEqualTo(300);
        }
    }

    @Test
    void a_tokenizer_may_have_more_ids_than_the_model_as_long_as_none_of_them_occurs(@TempDir Path folder)
            throws IOException {
        int size = BYTES.vocabSize() - 1;
        saved(folder, size, BYTES);
        String last = BYTES.decode(new int[]{size});
        try (var generator = TextGenerator.open(folder)) {
            assertThat(generator.generate("xyz", generator.defaults())).isNotNull();
            String told = "the token \"%s\" with id %d, and the model has %d ids where its tokenizer has %d"
                    .formatted(BYTES.token(size), size, size, size + 1);
            for (ThrowingCallable asking : List.<ThrowingCallable>of(
                    () -> generator.generate("a" + last, generator.defaults()),
                    () -> generator.stream("a" + last, generator.defaults()))) {
                assertThatThrownBy(asking).isInstanceOf(IllegalArgumentException.class)
                        .hasMessageStartingWith("The prompt has " + told);
            }
            assertThatThrownBy(() -> generator.generate(List.of("a", last), generator.defaults()))
                    .hasMessageStartingWith("Prompt 1 has " + told);
        }
    }

    @Test
    void without_end_ids_a_text_goes_on_to_its_length_whatever_the_model_says() {
        var generator = saying("the", " cat<|endoftext|> sat");
        int count = BYTES.encode(" cat<|endoftext|> sat").size();
        Generation options = generator.defaults().withMaxNewTokens(count);
        assertThat(generator.generate("the", Generation.greedy().withMaxNewTokens(count))).isEqualTo(" cat");
        for (Generation none : List.of(options.with("eos_token_id", "-1"), options.withEndIds(List.of()))) {
            assertThat(generator.generate("the", none)).isEqualTo(" cat sat");
            assertThat(String.join("", pieces(generator, "the", none))).isEqualTo(" cat sat");
            assertThat(generator.generate(List.of("the", "the"), none)).containsOnly(" cat sat");
            assertThat(generator.generate("the", none.withNumBeams(2))).isEqualTo(" cat sat");
        }
    }

    @Test
    void a_top_p_of_zero_keeps_the_best_alone() {
        var generator = saying("the", " cat sat");
        assertThat(generator.generate("the", Generation.sampled(3).withTopP(0).withTemperature(90).withTopK(0)
                .withMaxNewTokens(2))).isEqualTo(generator.generate("the", Generation.greedy().withMaxNewTokens(2)));
    }

    @Test
    void ids_outside_the_vocabulary_are_refused_by_the_name_of_their_setting() {
        var generator = saying("the", " cat sat");
        for (String setting : List.of("eos_token_id", "pad_token_id", "suppress_tokens", "begin_suppress_tokens",
                "forced_eos_token_id", "forced_bos_token_id")) {
            assertThatThrownBy(() -> generator.generate("the", generator.defaults().with(setting, "999999")))
                    .isInstanceOf(IllegalArgumentException.class).hasMessage(setting
                            + ": 999999 is outside the vocabulary of 266; was it made by another tokenizer?");
        }
        assertThatThrownBy(() -> generator.generate("the", generator.defaults().withSuppressTokens(List.of(-3))))
                .hasMessageStartingWith("suppress_tokens: -3 is outside");
        assertThatThrownBy(() -> generator.stream("the", generator.defaults().with("bad_words_ids", "[[1, 270]]")))
                .hasMessageStartingWith("bad_words_ids: 270 is outside");
        assertThatThrownBy(() -> generator.generate("the", generator.defaults().withNumBeams(2)
                .with("sequence_bias", "[[[270], 2]]"))).hasMessageStartingWith("sequence_bias: 270 is outside");
    }

    @Test
    void an_interrupt_ends_a_generation_and_stays_set() {
        var generator = saying("the", " cat sat");
        long before = TensorScope.liveTensors();
        Generation options = longEnough();
        List<ThrowingCallable> ways = List.of(() -> generator.generate("the", options),
                () -> generator.generate(List.of("the", "the"), options),
                () -> generator.generate("the", options.withNumBeams(2)),
                () -> generator.generate("the", options.withPromptLookupNumTokens(3)),
                () -> pieces(generator, "the", options));
        for (ThrowingCallable way : ways) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(way).isInstanceOf(CancellationException.class)
                    .hasMessageContaining("after 0 new ids");
            assertThat(Thread.interrupted()).isTrue();
        }
        TextStream stream = generator.pieces("the", options);
        assertThat(stream.next()).isEqualTo(" cat");
        Thread.currentThread().interrupt();
        assertThatThrownBy(stream::next).isInstanceOf(CancellationException.class)
                .hasMessageContaining("after 1 new ids");
        assertThat(Thread.interrupted()).isTrue();
        assertThat(stream.hasNext()).isFalse();
        assertThat(stream.completion().finish()).isEqualTo(Finish.STOPPED);
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    @Test
    void a_step_that_interrupts_its_thread_ends_the_generation_there() {
        var generator = saying("the", " cat sat").withStep((ids, scores) -> {
            if (ids.newTokens() == 1) {
                Thread.currentThread().interrupt();
            }
            return scores;
        });
        for (Generation options : List.of(longEnough(), longEnough().withNumBeams(2))) {
            assertThatThrownBy(() -> generator.generate("the", options)).isInstanceOf(CancellationException.class)
                    .hasMessageContaining("after 2 new ids");
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void what_is_closed_says_so(@TempDir Path folder) throws IOException {
        saved(folder, BYTES.vocabSize(), BYTES);
        var generator = TextGenerator.open(folder);
        TextGenerator other = generator.withStep((ids, scores) -> scores);
        Generation options = generator.defaults().withEndIds(List.of());
        TextStream begun = generator.pieces("the", options);
        begun.next();
        generator.close();
        for (ThrowingCallable use : List.<ThrowingCallable>of(() -> generator.generate("the", options),
                () -> other.generate("the", options.withNumBeams(2)), () -> generator.stream("the", options).toList(),
                () -> generator.promptCache("the"), () -> begun.forEachRemaining(piece -> {}))) {
            assertThatThrownBy(use).isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith("The model is closed");
        }
        begun.close();
    }

    @Test
    void a_folder_without_model_or_tokenizer_is_refused(@TempDir Path folder) throws IOException {
        assertThatThrownBy(() -> TextGenerator.open(folder)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("config.json");
        saved(folder, 270, null);
        assertThatThrownBy(() -> TextGenerator.open(folder)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("tokenizer.json");
    }

    @Test
    void an_empty_prompt_is_refused_with_what_to_give_instead() {
        assertThatThrownBy(() -> saying("the", " cat").generate("", longEnough()))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("empty")
                .hasMessageContaining("<|endoftext|>");
    }

    @Test
    void a_stream_that_is_left_early_frees_its_memory_when_closed() {
        var generator = saying("the", " cat and the hat");
        long before = TensorScope.liveTensors();
        var seen = new ArrayList<String>();
        try (Stream<String> stream = generator.stream("the", longEnough())) {
            stream.limit(2).forEach(seen::add);
        }
        assertThat(seen).containsExactly(" cat", " and");
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    @Test
    void characters_work_as_tokens() {
        Tokenizer characters = new CharacterTrainer().train(List.of("abc "));
        var model = new ByHeart(characters.vocabSize(), characters.encode("ab cab ").ids());
        try (var generator = TextGenerator.of(model, characters, Generation.greedy())) {
            Completion completion = generator.complete("ab", longEnough()).getFirst();
            assertThat(completion.text()).isEqualTo(" cab ");
            assertThat(completion.finish()).isEqualTo(Finish.CONTEXT_FULL);
        }
    }

    @Test
    void an_assistant_with_another_tokenizer_is_refused_with_the_first_difference() {
        var generator = saying("the", " cat and");
        assertThat(generator.withAssistant(saying("the", " cat or")).generate("the", longEnough()))
                .isEqualTo(" cat and");
        Tokenizer characters = new CharacterTrainer().train(List.of("abc "));
        var other = TextGenerator.of(new ByHeart(BYTES.vocabSize(), 1, 2, 3), characters, Generation.greedy());
        assertThatThrownBy(() -> generator.withAssistant(other)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("another tokenizer").hasMessageContaining("id 0");
    }

    @Test
    void each_token_has_its_log_probability() {
        Completion completion = saying("the", " cat").complete("the", longEnough()).getFirst();
        assertThat(completion.logProbabilities()).hasSize(completion.newTokens())
                .usingComparatorWithPrecision(1e-5f).containsOnly(0);
    }

    @Test
    void a_step_of_ones_own_changes_the_text() {
        var generator = saying("the", " cat and");
        int cat = BYTES.encode(" cat").ids()[0];
        assertThat(generator.withStep(ScoreStep.suppress(List.of(cat))).generate("the", longEnough()))
                .doesNotStartWith(" cat");
    }

    private static TextGenerator lively() {
        var model = GeneratorTest.lively(Gpt2.Config.tiny().withVocabSize(BYTES.vocabSize()), 11);
        return TextGenerator.of(model, BYTES, Generation.greedy());
    }

    /// In float64, where no two tokens are as good as each other to the last digit: in float32 the kernels for many rows and
    /// for one round differently, and which of two tokens wins by 1e-7 is the chip's choice (docs/generation.md).
    @Test
    void many_prompts_get_what_each_gets_alone_whatever_counts(@TempDir Path folder) {
        Gpt2.Config config = Gpt2.Config.tiny().withVocabSize(BYTES.vocabSize());
        try (var rounded = GeneratorTest.lively(config, 11)) {
            Models.save(folder, config.toJson(), rounded);
        }
        try (var model = (CausalLanguageModel) Models.load(folder, Loading.in(DType.FLOAT64))) {
            getWhatEachGetsAlone(TextGenerator.of(model, BYTES, Generation.greedy()));
        }
    }

    private static void getWhatEachGetsAlone(TextGenerator generator) {
        List<String> prompts = Stream.of("the cat", "a", "and the hat and", "cat", "of the end", "b", "the cat!")
                .flatMap(each -> Stream.of(each, each + "é", each + " x")).toList();
        for (Generation options : List.of(Generation.greedy().withMaxNewTokens(6),
                Generation.greedy().withMaxLength(17), Generation.greedy().withMaxNewTokens(6).withNumBeams(2),
                Generation.greedy().withMaxNewTokens(6).withRepetitionPenalty(1.5),
                Generation.greedy().withMaxNewTokens(6).withNoRepeatNgramSize(2),
                Generation.greedy().withMaxNewTokens(6).withNumBeams(3).withNumReturnSequences(2))) {
            List<List<Completion>> together = generator.complete(prompts, options);
            for (int i = 0; i < prompts.size(); i++) {
                List<Completion> alone = generator.complete(prompts.get(i), options);
                assertThat(together.get(i)).usingRecursiveComparison().withComparatorForType(
                        (one, other) -> Math.abs(one - other) < 1e-4 || one.equals(other) ? 0 : 1, Double.class)
                        .withComparatorForType((one, other) -> Math.abs(one - other) < 1e-5 ? 0 : 1, Float.class)
                        .as(prompts.get(i)).isEqualTo(alone);
            }
        }
        assertThat(generator.generate(List.of(), longEnough())).isEmpty();
    }

    @Test
    void a_bad_prompt_among_many_is_named_by_its_place() {
        assertThatThrownBy(() -> lively().generate(List.of("a", ""), longEnough()))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("Prompt 1 is empty");
        assertThatThrownBy(() -> lively().generate(List.of("a", "b", "x".repeat(99)), longEnough()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("Prompt 2 has 99 tokens", "room for 32", "truncation");
    }

    @Test
    void a_long_prompt_is_cut_only_when_asked_and_keeps_its_end() {
        String prompt = "x".repeat(50) + " the cat and";
        var generator = lively();
        var cutting = generator.truncating();
        Generation few = Generation.greedy().withMaxNewTokens(4);

        assertThatThrownBy(() -> generator.generate(prompt, few)).hasMessageContaining("ask for truncation");
        Completion found = cutting.complete(prompt, few).getFirst();
        assertThat(found.promptTokens()).isEqualTo(28);
        int cut = BYTES.encode(prompt).size() - 28;
        assertThat(found.text()).isEqualTo(generator.generate(prompt.substring(cut), few));
        assertThat(found.newTokens()).isEqualTo(4);
        // Half of the positions are the prompt's in any case, and what fits is left as it is.
        assertThat(cutting.complete(prompt, longEnough()).getFirst().promptTokens()).isEqualTo(16);
        assertThat(cutting.complete(prompt, Generation.greedy().withMaxLength(20)).getFirst().promptTokens())
                .isEqualTo(19);
        assertThat(cutting.generate("the cat", few)).isEqualTo(generator.generate("the cat", few));
    }

    @Test
    void a_text_in_pieces_says_at_last_why_it_ended() {
        var generator = saying("the", " cat and the hat");
        try (TextStream stream = generator.pieces("the", longEnough())) {
            assertThat(stream.next()).isEqualTo(" cat");
            assertThat(stream.completion().finish()).isEqualTo(Finish.STOPPED);
            assertThat(stream.completion().text()).isEqualTo(" cat");
            stream.forEachRemaining(piece -> {});
            assertThat(stream.completion()).usingRecursiveComparison().ignoringFields("score")
                    .isEqualTo(generator.complete("the", longEnough()).getFirst());
            assertThatThrownBy(stream::next).isInstanceOf(java.util.NoSuchElementException.class);
        }
    }
}
