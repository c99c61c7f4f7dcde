package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.models.heads.CausalLanguageModel;
import dev.weft.models.Gpt2;
import dev.weft.grammar.Automaton;
import dev.weft.grammar.Constraint;
import dev.weft.tensor.TensorScope;
import dev.weft.text.BytePairTrainer;
import dev.weft.text.CharacterTrainer;
import dev.weft.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ConstrainedTest {
    private static final String TEXT = "{\"name\": \"the cat\", \"age\": 12} [1, 2, \"éé 日本 🦙🦙\"] </think> the hat and </th";
    private static final Tokenizer BYTES = BytePairTrainer.ofVocabSize(300).withSpecialTokens("<|end|>", "<|answer|>")
            .withThreads(1).train(List.of(TEXT, TEXT));
    /// Words begin with U+2581, and what it has no token for is written in bytes.
    private static final Tokenizer PIECES = BytePairTrainer.llama(380).withThreads(1).train(List.of(TEXT, TEXT));
    private static final JsonMapper JSON = new JsonMapper();
    private static final Constraint PERSON = Constraint.jsonSchema(
            """
                    {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0},
                     "tags": {"type": "array", "items": {"enum": ["é", "🦙", "cat"]}}}, "required": ["name", "age"]}""");
    private static CausalLanguageModel model;
    private static TextGenerator writer;

    @BeforeAll
    static void create() {
        model = GeneratorTest.lively(
                Gpt2.Config.tiny().withSizes(2, 2, 16, 200).withVocabSize(BYTES.vocabSize() + 5), 3);
        writer = TextGenerator.of(model, BYTES, Generation.greedy().withEndIds(List.of(0)));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static Generation sampled(long seed) {
        return Generation.sampled(seed).withEndIds(List.of(0)).withTopK(0).withMaxNewTokens(60);
    }

    private static void isPerson(String text) {
        JsonNode person = JSON.readTree(text);
        assertThat(person.get("name").isString()).isTrue();
        assertThat(person.get("age").isIntegralNumber()).isTrue();
        assertThat(PERSON.allows(text)).isTrue();
    }

    @Test
    void whatever_the_model_likes_its_text_holds_to_the_schema_and_fits_its_room() {
        TextGenerator person = writer.withConstraint(PERSON);
        long before = TensorScope.liveTensors();
        for (int seed = 0; seed < 30; seed++) {
            Completion completion = person.complete("the", sampled(seed).withMaxNewTokens(30 + seed)).getFirst();
            isPerson(completion.text());
            assertThat(completion.finish()).isEqualTo(Finish.END_ID);
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
        isPerson(person.generate("the", Generation.greedy().withMaxNewTokens(40)));
    }

    @Test
    void texts_are_streamed_too() {
        try (Stream<String> pieces = writer.withConstraint(PERSON).stream("the", sampled(4))) {
            isPerson(String.join("", pieces.toList()));
        }
    }

    @Test
    void each_row_of_a_padded_batch_has_a_text_of_its_own() {
        Generator generator = Generator.of(model).withConstraint(TokenConstraint.of(PERSON, BYTES));
        List<int[]> prompts = List.of(BYTES.ids("the cat and the hat"), BYTES.ids("é"), BYTES.ids("cat"));
        Generation options = Generation.greedy().withEndIds(List.of(0)).withMaxNewTokens(40);
        Generated together = generator.generate(prompts, options);
        for (int row = 0; row < 3; row++) {
            assertThat(together.texts().get(row).ids())
                    .isEqualTo(generator.generate(prompts.get(row), options).first().ids());
        }
        generator.generate(prompts, sampled(1).withNumReturnSequences(3)).texts()
                .forEach(text -> isPerson(BYTES.decode(text.ids(), true)));
    }

    @Test
    void beams_hold_to_it_in_whatever_order_they_go_on() {
        Generation beams = sampled(0).withNumBeams(4).withNumReturnSequences(4);
        for (int seed = 0; seed < 5; seed++) {
            for (boolean samples : new boolean[]{false, true}) {
                writer.withConstraint(PERSON).complete("the", beams.withDoSample(samples).withSeed(seed))
                        .forEach(each -> isPerson(each.text()));
            }
        }
        List<String> choices = List.of("cat", "the hat", "🦙");
        for (Generation.EarlyStopping when : Generation.EarlyStopping.values()) {
            assertThat(writer.withConstraint(Constraint.choice(choices))
                    .complete("the", beams.withDoSample(false).withEarlyStopping(when)))
                    .isNotEmpty().allSatisfy(each -> assertThat(each.text()).isIn(choices));
        }
    }

    @Test
    void characters_of_several_tokens_are_whole() {
        assertThat(BYTES.ids("𝕏").length).isEqualTo(4);
        for (int seed = 0; seed < 20; seed++) {
            assertThat(writer.withConstraint(Constraint.regex("[🦙𝕏é日-本]{5}")).generate("the", sampled(seed)))
                    .matches("[🦙𝕏é日-本]{5}");
            assertThat(writer.withConstraint(Constraint.regex("[^a]{1,6}")).generate("the", sampled(seed)))
                    .matches("(?s)[^a]{1,6}").doesNotContain("\uFFFD");
        }
    }

    @Test
    void pieces_with_bytes_for_unknown_characters_are_followed_also_where_a_text_begins() {
        int end = PIECES.vocabSize() - 1;
        Tokenizer pieces = PIECES.withAddedTokens(true, "<|end|>");
        try (var other = GeneratorTest.lively(
                Gpt2.Config.tiny().withSizes(2, 2, 16, 200).withVocabSize(pieces.vocabSize()), 5)) {
            int stop = pieces.id("<|end|>").getAsInt();
            assertThat(stop).isGreaterThan(end);
            Generator generator = Generator.of(other);
            int[] nothing = {stop};
            for (int seed = 0; seed < 15; seed++) {
                Generation options = sampled(seed).withEndIds(List.of(stop));
                for (int[] prompt : List.of(nothing, pieces.ids("the"))) {
                    for (Constraint constraint : List.of(PERSON, Constraint.regex("[𝕏Ж ]{4}"),
                            Constraint.choice(List.of(" cat", "cat", "the Ж")))) {
                        int[] ids = generator.withConstraint(TokenConstraint.of(constraint, pieces))
                                .generate(prompt, options).first()
                                .ids();
                        String before = pieces.decode(prompt, true);
                        int[] all = IntStream.concat(IntStream.of(prompt), IntStream.of(ids)).toArray();
                        assertThat(pieces.decode(all, true).substring(before.length()))
                                .matches(constraint::allows, "allowed");
                    }
                }
            }
        }
    }

    /// A model that has more room than it has to say: as room comes to its end, texts are brought to theirs.
    private static TextGenerator saying(String prompt, String text) {
        int[] ids = BYTES.encode(prompt + text + "<|end|>".repeat(40)).ids();
        return TextGenerator.of(new ByHeart(BYTES.vocabSize(), ids), BYTES,
                Generation.greedy().withEndIds(List.of(0)));
    }

    @Test
    void before_the_marker_the_model_writes_what_it_likes() {
        assertThat(BYTES.ids("</think>").length).isGreaterThan(1);
        Constraint digits = Constraint.regex("[0-9]{3}").after("</think>");
        Generation options = Generation.greedy().withMaxNewTokens(60);
        assertThat(saying("the", " cat </th and 12 </think>the hat").withConstraint(digits).generate("the", options))
                .matches(" cat </th and 12 </think>(| |\n\n?)[0-9]{3}");
        assertThat(saying("the", " cat </think>\n\n123").withConstraint(digits).generate("the", options))
                .isEqualTo(" cat </think>\n\n123");
    }

    @Test
    void a_model_that_forgets_the_marker_is_brought_to_it_in_time() {
        Completion completion = writer
                .withConstraint(Constraint.choice(List.of("yes", "no")).after("</think>"))
                .complete("the", sampled(2).withMaxNewTokens(40)).getFirst();
        assertThat(completion.text()).matches("(?s).*</think>(| |\n\n?)(yes|no)");
        assertThat(completion.finish()).isEqualTo(Finish.END_ID);
    }

    @Test
    void a_marker_may_end_inside_a_token_or_be_a_special_one() {
        assertThat(BYTES.token(BYTES.ids("the cat")[1])).isEqualTo("Ġcat");
        Generation options = Generation.greedy().withMaxNewTokens(60);
        assertThat(saying("the", " cat12").withConstraint(Constraint.regex("t?[0-9]+").after(" ca"))
                .generate("the", options)).isEqualTo(" cat12");
        // The token is not allowed where what lies behind the marker in it is not.
        assertThat(saying("the", " cat12").withConstraint(Constraint.regex("[0-9]").after(" ca"))
                .generate("the", options)).matches("(?s).*? ca(| |\n\n?)[0-9]");
        assertThat(saying("the", " cat<|answer|>12").withConstraint(Constraint.regex("[0-9]+").after("<|answer|>"))
                .generate("the", options)).isEqualTo(" cat12");
    }

    @Test
    void an_assistant_and_prompt_look_up_change_nothing() {
        TextGenerator person = writer.withConstraint(PERSON);
        long before = TensorScope.liveTensors();
        try (var smaller = GeneratorTest.lively(
                Gpt2.Config.tiny().withSizes(1, 2, 16, 200).withVocabSize(BYTES.vocabSize() + 5), 4)) {
            TextGenerator assisted = person
                    .withAssistant(TextGenerator.of(smaller, BYTES, Generation.greedy()));
            for (String prompt : List.of("the", TEXT, "é")) {
                for (int guesses : new int[]{1, 5}) {
                    Generation options = Generation.greedy().withEndIds(List.of(0)).withMaxNewTokens(50)
                            .withNumAssistantTokens(guesses).withAssistantConfidenceThreshold(0);
                    Completion alone = person.complete(prompt, options).getFirst();
                    isPerson(alone.text());
                    for (Completion other : List.of(assisted.complete(prompt, options).getFirst(), person
                            .complete(prompt, options.withPromptLookupNumTokens(guesses)).getFirst())) {
                        assertThat(other.text()).isEqualTo(alone.text());
                        assertThat(other.newTokens()).isEqualTo(alone.newTokens());
                        assertThat(other.finish()).isEqualTo(Finish.END_ID);
                    }
                }
            }
            for (int seed = 0; seed < 10; seed++) {
                isPerson(assisted.generate("the", sampled(seed)));
            }
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    @Test
    void threads_share_one() throws Exception {
        TextGenerator shared = writer.withConstraint(PERSON);
        List<String> alone = IntStream.range(0, 12).mapToObj(seed -> writer.withConstraint(PERSON).generate("the",
                sampled(seed))).toList();
        try (var threads = Executors.newFixedThreadPool(4)) {
            var texts = new ArrayList<Future<String>>();
            for (int seed = 0; seed < 12; seed++) {
                Generation options = sampled(seed);
                texts.add(threads.submit((Callable<String>) () -> shared.generate("the", options)));
            }
            for (int i = 0; i < 12; i++) {
                assertThat(texts.get(i).get()).isEqualTo(alone.get(i));
            }
        }
    }

    @Test
    void a_row_that_a_stop_string_ended_is_left_alone() {
        Generation options = sampled(3).withStopStrings(List.of("a")).withNumReturnSequences(6);
        List<Completion> texts = writer.withConstraint(PERSON).complete("the", options);
        assertThat(texts).extracting(Completion::finish).contains(Finish.STOP_STRING);
        assertThat(texts).allSatisfy(each -> assertThat("{\"n").startsWith(each.text()));
        Generation other = options.withStopStrings(List.of("age"));
        assertThat(writer.withConstraint(PERSON).complete("the", other)).extracting(Completion::finish)
                .containsOnly(Finish.STOP_STRING);
    }

    @Test
    void each_of_several_end_ids_ends_a_text_and_none_before_it_is_whole() {
        int answer = BYTES.id("<|answer|>").getAsInt();
        var ends = new ArrayList<Integer>();
        for (int seed = 0; seed < 20; seed++) {
            int[] ids = Generator.of(model).withConstraint(TokenConstraint.of(Constraint.regex("a{3,9}"), BYTES))
                    .generate(BYTES.ids("the"), sampled(seed).withEndIds(List.of(0, answer))).first().ids();
            ends.add(ids[ids.length - 1]);
            assertThat(BYTES.decode(ids, true)).matches("a{3,9}");
        }
        assertThat(ends).containsOnly(0, answer).contains(0, answer);
    }

    @Test
    void a_text_longer_than_its_room_is_cut_and_says_so() {
        Constraint long_ = Constraint.regex("[𝕏]{50}");
        Completion completion = writer.withConstraint(long_).complete("the", sampled(1).withMaxNewTokens(6)).getFirst();
        assertThat(completion.finish()).isEqualTo(Finish.LENGTH);
        assertThat(long_.allows(completion.text())).isFalse();
    }

    @Test
    void what_cannot_be_written_is_refused() {
        Tokenizer letters = new CharacterTrainer().train(List.of("abc "));
        assertThatThrownBy(() -> TokenConstraint.of(Constraint.json(), letters)).hasMessageContaining("vocabulary");
        assertThatThrownBy(() -> TokenConstraint.of(PERSON, letters)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("The vocabulary cannot write").hasMessageContaining("{");
        assertThat(TokenConstraint.of(Constraint.regex("[a-z]{3}"), letters)).isNotNull();
    }

    @Test
    void settings_that_contradict_it_are_told() {
        TextGenerator yes = writer.withConstraint(Constraint.choice(List.of("yes")));
        assertThatThrownBy(() -> yes.generate("the", sampled(1).withMinNewTokens(20)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("min_new_tokens");
        assertThatThrownBy(
                () -> Generator.of(model).withConstraint(TokenConstraint.of(PERSON, BYTES)).generate(BYTES.ids("the"),
                        Generation.greedy()))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("end id");
    }

    @Test
    void a_forced_end_where_there_is_no_more_room_does_not_cut_it() {
        Generation forced = sampled(1).withMaxNewTokens(25).with("forced_eos_token_id", "0");
        isPerson(writer.withConstraint(PERSON).generate("the", forced));
    }

    @Test
    void what_is_forgotten_changes_no_text_and_memory_stays_flat() {
        Constraint constraint = Constraint.json();
        var small = new Automaton(constraint, TokenConstraint.ids(BYTES), 100_000);
        Generator remembers = Generator.of(model).withConstraint(TokenConstraint.of(constraint, BYTES));
        Generator forgets = Generator.of(model)
                .withConstraint(new TokenConstraint(small, TokenConstraint.ids(BYTES)));
        long before = TensorScope.liveTensors();
        for (int seed = 0; seed < 12; seed++) {
            Generation options = sampled(seed).withMaxNewTokens(120).withNumBeams(1 + seed % 3);
            List<int[]> prompts = Stream.of("the", "cat and").map(BYTES::ids).toList();
            List<String> texts = texts(remembers, prompts, options);
            assertThat(texts(forgets, prompts, options)).isEqualTo(texts).allMatch(constraint::allows);
            // The states that one step meets come on top.
            assertThat(small.remembered()).isLessThan(10_000_000);
        }
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    private static List<String> texts(Generator generator, List<int[]> prompts, Generation options) {
        return generator.generate(prompts, options).texts().stream()
                .map(each -> BYTES.decode(IntStream.of(each.ids()).toArray(), true)).toList();
    }
}
