package dev.weft.run;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.grammar.Constraint;
import dev.weft.run.pipeline.Chat;
import dev.weft.run.pipeline.ReplyStream;
import dev.weft.text.BytePairTrainer;
import dev.weft.text.Tokenizer;
import dev.weft.text.chat.ChatTemplate;
import dev.weft.text.chat.Conversation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What is shown of an answer, and where it stops, with a vocabulary in the manner of Llama's: what it has no token for,
/// a line feed or an emoji, is written in bytes.
class AnswerTest {
    private static final String LEARNT = "the cat and the hat, yes or no, 12 cats are 7 world again";
    private static final Tokenizer PIECES = BytePairTrainer.llama(380)
            .withSpecialTokens("<unk>", "<s>", "</s>", "<|end|>", "<|user|>")
            .withThreads(1).train(List.of(LEARNT, LEARNT));
    private static final int END = PIECES.id("<|end|>").orElseThrow();

    private static int[] ids(Object... parts) {
        return Stream.of(parts).flatMapToInt(part -> part instanceof Integer id
                ? IntStream.of(id)
                : IntStream.of(PIECES.encode((String) part, false).ids())).toArray();
    }

    /// A generator whose model says these ids after the prompt.
    private static TextGenerator saying(String prompt, int... answer) {
        int[] all = IntStream.concat(IntStream.concat(IntStream.of(PIECES.encode(prompt).ids()), IntStream.of(answer)),
                IntStream.of(0, 0, 0)).toArray();
        return TextGenerator.of(new ByHeart(PIECES.vocabSize(), all), PIECES,
                Generation.greedy().withMaxNewTokens(answer.length));
    }

    private static String streamed(TextGenerator generator, String prompt, Generation options) {
        try (Stream<String> pieces = generator.stream(prompt, options)) {
            return String.join("", pieces.toList());
        }
    }

    /// By every way that a text comes out of a generator.
    private static List<String> texts(TextGenerator generator, String prompt, Generation options) {
        return List.of(generator.generate(prompt, options), streamed(generator, prompt, options),
                generator.generate(prompt, options.withNumBeams(2)),
                generator.generate(List.of(prompt, prompt), options).get(1),
                generator.generate(prompt, options.withPromptLookupNumTokens(3)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"the\n", "the\n\n\n", "emoji 😀", "the 日本", "<|user|> cat\n", "the"})
    void nothing_of_the_prompt_is_repeated(String prompt) {
        var generator = saying(prompt, ids("world again\n"));
        assertThat(texts(generator, prompt, generator.defaults())).containsOnly(" world again\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"the\n", "emoji 😀", "the"})
    void a_character_in_bytes_that_the_length_cuts_is_one_mark_for_each_byte(String prompt) {
        int[] bytes = IntStream.of(ids("日")).filter(id -> PIECES.token(id).startsWith("<0x")).limit(2).toArray();
        assertThat(texts(saying(prompt, bytes), prompt, Generation.greedy().withMaxNewTokens(2)))
                .containsOnly("\uFFFD\uFFFD");
    }

    @Test
    void a_stop_string_that_is_a_special_token_stops() {
        var generator = saying("the", ids("world", END, "again"));
        Generation options = generator.defaults().withStopStrings(List.of("<|end|>"));
        assertThat(texts(generator, "the", options)).containsOnly(" world");
        Completion completion = generator.complete("the", options).getFirst();
        assertThat(completion.newTokens()).isEqualTo(ids("world").length + 1);
        assertThat(completion.finish()).isEqualTo(Finish.STOP_STRING);
        assertThat(texts(generator, "the", generator.defaults())).containsOnly(" world again");
    }

    @ParameterizedTest
    @ValueSource(strings = {"world<|end|> a", "\n<|end|>", "<|end|><|user|>", "<|user|>", "\n<|end|><|user|>\n"})
    void a_stop_string_with_a_special_token_in_it_stops(String stop) {
        int[] answer = stop.startsWith("world")
                ? ids("cat world", END, "again")
                : ids("cat", ids("\n")[ids("\n").length - 1], END, PIECES.id("<|user|>").orElseThrow(),
                        ids("\n")[ids("\n").length - 1], "again");
        var generator = saying("the\n", answer);
        Generation options = generator.defaults().withStopStrings(List.of(stop));
        String shown = stop.startsWith("world") ? " cat " : stop.startsWith("\n") ? " cat" : " cat\n";
        assertThat(texts(generator, "the\n", options)).containsOnly(shown);
        assertThat(generator.complete("the\n", options).getFirst().finish()).isEqualTo(Finish.STOP_STRING);
    }

    @Test
    void a_stop_string_is_found_across_special_tokens_that_nobody_sees() {
        var generator = saying("the", ids("yes", END, "or", "cat"));
        assertThat(texts(generator, "the", generator.defaults().withStopStrings(List.of("s or"))))
                .containsOnly(" ye");
    }

    @Test
    void a_stop_string_is_found_in_a_long_run_of_bytes() {
        String text = "日本語一二三四五六七八九十百千万日月火水木金土";
        var generator = saying("the", ids(text + "!" + text));
        assertThat(texts(generator, "the", generator.defaults().withStopStrings(List.of("土!"))))
                .containsOnly(" " + text.substring(0, text.length() - 1));
        Completion completion = generator
                .complete("the", generator.defaults().withStopStrings(List.of("木"))).getFirst();
        assertThat(completion.text()).endsWith("火水");
        assertThat(completion.finish()).isEqualTo(Finish.STOP_STRING);
    }

    @Property(tries = 200)
    void generation_stops_where_the_text_has_the_stop_string(@ForAll long seed) {
        var random = new Random(seed);
        List<String> parts = List.of("the", "cat", "\n", "日", "<|end|>", "<|user|>", "12", "é");
        var answer = new ArrayList<Integer>();
        for (int i = 0; i < 30; i++) {
            String part = parts.get(random.nextInt(parts.size()));
            IntStream.of(PIECES.encode(part, false).ids()).forEach(answer::add);
        }
        String stop = parts.get(random.nextInt(parts.size())) + (random.nextBoolean() ? "" : "<|end|>");
        int[] ids = answer.stream().mapToInt(Integer::intValue).toArray();
        int[] prompt = PIECES.encode("the\n").ids();
        Stop stops = Stop.strings(PIECES, List.of(stop));
        var pieces = new Pieces(PIECES, prompt, List.of(stop), List.of());
        for (int length = 1; length <= ids.length; length++) {
            pieces.next(ids[length - 1], null);
            int[] all = IntStream.concat(IntStream.of(prompt), IntStream.of(ids).limit(length)).toArray();
            boolean stopped = pieces.stopped();
            assertThat(stops.reached(all, prompt.length)).as("%s of %s after %d", stop, answer, length)
                    .isEqualTo(stopped);
            if (stopped) {
                break;
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"are 7 cats?\n", "cats 😀", "<|user|> yes\n"})
    void a_choice_is_kept_to_whatever_the_prompt_ends_with(String prompt) {
        var generator = saying(prompt, ids("world again world again")).withConstraint(
                Constraint.choice(List.of("yes", "no")));
        Generation options = Generation.greedy().withEndIds(List.of(END)).withMaxNewTokens(6);
        assertThat(texts(generator, prompt, options.withPromptLookupNumTokens(0))).allSatisfy(
                text -> assertThat(text).isIn("yes", "no"));
    }

    @Test
    void a_chat_stops_at_a_special_token_and_repeats_nothing() {
        ChatTemplate template = ChatTemplate.of("test", "{% for m in messages %}{{ m.content }}\n{% endfor %}");
        String prompt = "cats\n";
        int[] prompted = PIECES.encode(prompt, false).ids();
        int[] all = IntStream.concat(IntStream.of(prompted), IntStream.of(ids("world", END, "again", 0, 0))).toArray();
        var generator = TextGenerator.of(new ByHeart(PIECES.vocabSize(), all), PIECES, Generation.greedy());
        var chat = Chat.of(generator, template);
        Generation options = Generation.greedy().withStopStrings(List.of("<|end|>")).withMaxNewTokens(4);
        Conversation conversation = Conversation.of(List.of(Conversation.message("user", "cats")));
        assertThat(chat.reply(conversation, options).text()).isEqualTo(" world");
        try (ReplyStream stream = chat.stream(conversation, options)) {
            var text = new StringBuilder();
            stream.forEachRemaining(text::append);
            assertThat(text).hasToString(" world");
        }
    }

    @Test
    void phi_3_repeats_nothing_and_stops_at_its_special_tokens() {
        Path folder = Path.of(System.getProperty("weft.shared", "../../shared"), "data/tokenizers/phi-3-mini");
        Assumptions.assumeTrue(Files.exists(folder),
                () -> folder + " is not there; set -Dweft.shared to the data folder");
        Tokenizer phi = Tokenizer.load(folder);
        for (String prompt : List.of("Hello\n", "emoji 😀", "Is 7 prime?\n", "<|user|>\nHi\n<|end|>\nx\n")) {
            int[] prompted = phi.encode(prompt).ids();
            int[] all = IntStream.concat(IntStream.of(prompted), IntStream.of(3186, 1449, 32007, 3186, 3186)).toArray();
            var generator = TextGenerator.of(new ByHeart(phi.vocabSize(), all), phi, Generation.greedy());
            Generation options = Generation.greedy().withMaxNewTokens(4).withEndIds(List.of(2));
            assertThat(generator.generate(prompt, options)).isEqualTo(" world again world");
            Completion stopped = generator.complete(prompt, options.withStopStrings(List.of("<|end|>"))).getFirst();
            assertThat(stopped.text()).isEqualTo(" world again");
            assertThat(stopped.newTokens()).isEqualTo(3);
            assertThat(generator.withConstraint(Constraint.choice(List.of("yes", "no"))).generate(prompt, options))
                    .isIn("yes", "no");
        }
    }
}
