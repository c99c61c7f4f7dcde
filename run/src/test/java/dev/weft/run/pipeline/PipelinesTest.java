package dev.weft.run.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.weft.run.Task;
import dev.weft.tensor.TensorScope;
import dev.weft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What the Python library's pipelines (transformers 4.57) say of the same texts with the same models, made by
/// `build/pipeline_cases.py`.
class PipelinesTest {
    private static final Path CASES = Path.of("src/test/resources/pipelines");

    private static JsonNode expected(String name) {
        return new JsonMapper().readTree(CASES.resolve(name).resolve("expected.json").toFile());
    }

    private static List<String> texts(String name) {
        return expected(name).get("texts").valueStream().map(JsonNode::stringValue).toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"single-label", "multi-label", "regression"})
    void texts_are_classified_as_the_config_says(String kind) {
        String name = "text-classification-" + kind;
        try (var classifier = Pipelines.textClassification(CASES.resolve(name))) {
            List<Classification> found = classifier.classify(texts(name));
            for (int i = 0; i < found.size(); i++) {
                same(found.get(i).scores(), expected(name).get("answers").get(i));
            }
        }
    }

    private static void same(List<Classification.Score> found, JsonNode expected) {
        assertThat(found).hasSize(expected.size());
        for (int i = 0; i < found.size(); i++) {
            assertThat(found.get(i).label()).isEqualTo(expected.get(i).get("label").stringValue());
            assertThat(found.get(i).score()).isCloseTo(expected.get(i).get("score").doubleValue(), within(1e-5));
        }
    }

    @Test
    void labels_of_ones_own_are_told_apart_by_what_follows_from_the_text() {
        String name = "zero-shot-classification";
        JsonNode answers = expected(name).get("answers");
        List<String> labels = answers.get("labels").valueStream().map(JsonNode::stringValue).toList();
        try (var classifier = Pipelines.zeroShotClassification(CASES.resolve(name))) {
            sameLabels(classifier.classify(texts(name), labels), answers.get("one"));
            sameLabels(classifier.ofSeveral().withHypothesis("It is about {}.").classify(texts(name), labels),
                    answers.get("several"));
        }
    }

    private static void sameLabels(List<Classification> found, JsonNode expected) {
        for (int text = 0; text < found.size(); text++) {
            List<Classification.Score> scores = found.get(text).scores();
            for (int i = 0; i < scores.size(); i++) {
                JsonNode one = expected.get(text);
                assertThat(scores.get(i).label()).isEqualTo(one.get("labels").get(i).stringValue());
                assertThat(scores.get(i).score()).isCloseTo(one.get("scores").get(i).doubleValue(), within(1e-5));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(TokenClassifier.Aggregation.class)
    void entities_are_joined_of_tokens_as_asked(TokenClassifier.Aggregation how) {
        String name = "token-classification";
        JsonNode answers = expected(name).get("answers").get(how.name().toLowerCase(Locale.ROOT));
        List<String> texts = texts(name);
        try (var classifier = Pipelines.tokenClassification(CASES.resolve(name)).with(how)) {
            List<List<Entity>> found = classifier.find(texts);
            for (int text = 0; text < texts.size(); text++) {
                assertThat(found.get(text)).as(texts.get(text)).hasSize(answers.get(text).size());
                for (int i = 0; i < found.get(text).size(); i++) {
                    JsonNode entity = answers.get(text).get(i);
                    Entity mine = found.get(text).get(i);
                    assertThat(mine.label()).isEqualTo(
                            entity.get(how == TokenClassifier.Aggregation.NONE ? "entity" : "entity_group")
                                    .stringValue());
                    assertThat(mine.score()).isCloseTo(entity.get("score").doubleValue(), within(1e-5));
                    assertThat(mine.start()).isEqualTo(place(texts.get(text), entity.get("start")));
                    assertThat(mine.end()).isEqualTo(place(texts.get(text), entity.get("end")));
                }
            }
        }
    }

    /// Python counts code points.
    private static int place(String text, JsonNode codePoints) {
        return text.offsetByCodePoints(0, codePoints.intValue());
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain", "short", "none"})
    void answers_are_found_with_their_places(String how) {
        String name = "question-answering";
        try (var answerer = Pipelines.questionAnswering(CASES.resolve(name))) {
            QuestionAnswerer.Options options = switch (how) {
                case "short" -> QuestionAnswerer.options().withAnswers(3).withMaxAnswer(3);
                case "none" -> QuestionAnswerer.options().withAnswers(3).withNone();
                default -> QuestionAnswerer.options().withAnswers(4);
            };
            JsonNode asked = expected(name).get("texts");
            for (int i = 0; i < asked.size(); i++) {
                String context = asked.get(i).get("context").stringValue();
                List<Answer> found = answerer.answers(asked.get(i).get("question").stringValue(), context, options);
                JsonNode answers = expected(name).get("answers").get(how).get(i);
                assertThat(found).hasSize(answers.size());
                for (int at = 0; at < found.size(); at++) {
                    assertThat(found.get(at).text()).isEqualTo(answers.get(at).get("answer").stringValue());
                    assertThat(found.get(at).score()).isCloseTo(answers.get(at).get("score").doubleValue(),
                            within(1e-5));
                    assertThat(found.get(at).start()).isEqualTo(place(context, answers.get(at).get("start")));
                }
            }
        }
    }

    @Test
    void a_text_of_any_length_is_searched_to_its_end() {
        try (var answerer = Pipelines.questionAnswering(CASES.resolve("question-answering"))) {
            String context = IntStream.range(0, 120).mapToObj(i -> "The river runs past mile " + i + ". ")
                    .collect(Collectors.joining());
            List<Answer> found = answerer.answers("Where?", context, QuestionAnswerer.options().withAnswers(200));
            assertThat(found).allSatisfy(
                    answer -> assertThat(answer.text()).isEqualTo(context.substring(answer.start(), answer.end())));
            assertThat(found).anyMatch(answer -> answer.start() < context.length() / 20)
                    .anyMatch(answer -> answer.end() > context.length() - context.length() / 20);
        }
    }

    @Test
    void masks_are_filled_one_or_several_with_any_word_or_one_of_ones_own() {
        String name = "fill-mask";
        JsonNode answers = expected(name).get("answers");
        try (var filler = Pipelines.fillMask(CASES.resolve(name))) {
            same(filler.fill(texts(name).getFirst(), 3), answers.get("best").get(0), true);
            List<List<MaskFiller.Filling>> two = filler.fillAll(texts(name).get(1), 3);
            same(two.get(0), answers.get("best").get(1).get(0), false);
            same(two.get(1), answers.get("best").get(1).get(1), false);
            same(filler.fillAmong(texts(name).getFirst(), List.of("river", "the")).getFirst(), answers.get("among"),
                    true);
        }
    }

    @Test
    void a_mask_that_is_filled_leaves_the_other_masks_in_the_text() {
        String name = "fill-mask";
        try (var filler = Pipelines.fillMask(CASES.resolve(name))) {
            String mask = filler.maskToken();
            List<List<MaskFiller.Filling>> two = filler.fillAmong("the %s %s".formatted(mask, mask), List.of("river"));
            assertThat(two.get(0).getFirst().text()).isEqualTo("the river " + mask);
            assertThat(two.get(1).getFirst().text()).isEqualTo("the %s river".formatted(mask));
        }
    }

    @Test
    void counts_that_cannot_be_are_refused_at_the_door() {
        try (var filler = Pipelines.fillMask(CASES.resolve("fill-mask"))) {
            for (int best : new int[]{-1, 0}) {
                assertThatThrownBy(() -> filler.fill("a " + filler.maskToken(), best))
                        .isInstanceOf(IllegalArgumentException.class).hasMessageEndingWith("above 0, found " + best);
            }
        }
        QuestionAnswerer.Options options = QuestionAnswerer.options();
        Map.<ThrowingCallable, String>of(() -> options.withAnswers(-1), "number of answers must be above 0, found -1",
                () -> options.withMaxAnswer(0), "Tokens of an answer must be above 0, found 0",
                () -> options.withWindows(-5, 0), "Tokens of a window must be above 0, found -5",
                () -> options.withWindows(5, -2), "windows share must be above -1, found -2")
                .forEach((call, told) -> assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class)
                        .hasMessageContaining(told));
    }

    @Test
    void a_pipeline_that_is_closed_says_so() {
        var filler = Pipelines.fillMask(CASES.resolve("fill-mask"));
        filler.close();
        var chat = Pipelines.chat(CASES.resolve("chat"));
        chat.close();
        for (ThrowingCallable use : List.<ThrowingCallable>of(() -> filler.fill("a " + filler.maskToken(), 1),
                () -> chat.reply("hello"))) {
            assertThatThrownBy(use).isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith("The model is closed");
        }
    }

    private static void same(List<MaskFiller.Filling> found, JsonNode expected, boolean whole) {
        assertThat(found).hasSize(expected.size());
        for (int i = 0; i < found.size(); i++) {
            assertThat(found.get(i).id()).isEqualTo(expected.get(i).get("token").intValue());
            assertThat(found.get(i).score()).isCloseTo(expected.get(i).get("score").doubleValue(), within(1e-5));
            if (whole) {
                // Python tidies the spaces before punctuation.
                assertThat(Tokenizer.tidied(found.get(i).text()))
                        .isEqualTo(expected.get(i).get("sequence").stringValue());
            }
        }
    }

    @Test
    void texts_become_vectors_by_every_pooling() {
        JsonNode answers = expected("embeddings").get("answers");
        List<String> texts = texts("embeddings");
        try (var embedder = Pipelines.embeddings(CASES.resolve("embeddings"))) {
            close(embedder, texts, answers.get("mean"));
            close(embedder.with(SentenceEmbedder.Pooling.CLS), texts, answers.get("cls"));
            close(embedder.with(SentenceEmbedder.Pooling.MAX), texts, answers.get("max"));
            close(embedder.with(SentenceEmbedder.Pooling.LAST), texts, answers.get("last"));
            close(embedder.normalizing(), texts, answers.get("normalized"));
            assertThat(embedder.withDimensions(4).embed(texts.getFirst())).hasSize(4);
            assertThat(embedder.embed("wool ".repeat(300).strip()).length).isEqualTo(16);
            assertThat(embedder.embed(List.of("wool ".repeat(300))).getFirst().windows()).isGreaterThan(1);
            float[] vector = embedder.embed(texts.getFirst());
            assertThat(SentenceEmbedder.similarity(vector, vector)).isCloseTo(1, within(1e-6));
        }
        try (var extractor = Pipelines.featureExtraction(CASES.resolve("embeddings"))) {
            float[][] vectors = extractor.extract(texts.get(3)).vectors();
            for (int token = 0; token < vectors.length; token++) {
                near(vectors[token], answers.get("tokens").get(0).get(token));
            }
        }
    }

    private static void close(SentenceEmbedder embedder, List<String> texts, JsonNode expected) {
        List<SentenceEmbedder.Embedding> found = embedder.embed(texts);
        for (int i = 0; i < found.size(); i++) {
            near(found.get(i).vector(), expected.get(i));
        }
    }

    private static void near(float[] found, JsonNode expected) {
        assertThat(found).hasSize(expected.size());
        for (int i = 0; i < found.length; i++) {
            assertThat((double) found[i]).isCloseTo(expected.get(i).doubleValue(), within(1e-5));
        }
    }

    @Test
    void texts_are_answered_with_the_settings_of_the_task() {
        JsonNode answers = expected("text-to-text").get("answers");
        List<String> texts = texts("text-to-text");
        Path folder = CASES.resolve("text-to-text");
        try (var answerer = Pipelines.textToText(folder); var summarizer = Pipelines.summarization(folder)) {
            List<TextToText.Output> plain = answerer.answer(texts, answerer.defaults().withMaxNewTokens(12));
            List<TextToText.Output> summaries = summarizer.answer(texts, summarizer.defaults());
            for (int i = 0; i < texts.size(); i++) {
                assertThat(plain.get(i).text())
                        .isEqualTo(answers.get("plain").get(i).stringValue());
                assertThat(summaries.get(i).text())
                        .isEqualTo(answers.get("summary").get(i).stringValue());
            }
            String endless = "wool ".repeat(300);
            assertThatThrownBy(() -> answerer.answer(endless)).hasMessageContaining("The text has")
                    .hasMessageContaining("room for 128; shorten it, or ask for truncation or windows");
            assertThat(answerer.inWindows().answer(List.of(endless), answerer.defaults()).getFirst().windows())
                    .isGreaterThan(1);
            assertThat(answerer.truncating().answer(List.of(endless), answerer.defaults()).getFirst().inputTokens())
                    .isEqualTo(128);
            assertThatThrownBy(() -> answerer.answer(" ")).hasMessageContaining("The text is empty");
            assertThatThrownBy(() -> answerer.into("de_DE")).hasMessageContaining("this model names no languages");
        }
    }

    @Test
    void texts_are_translated_from_one_language_into_another() {
        Path folder = CASES.resolve("translation");
        List<String> texts = texts("translation");
        try (var translator = Pipelines.translation(folder)) {
            assertThat(translator.lacksLanguage()).isTrue();
            for (String pair : expected("translation").get("answers").propertyNames()) {
                String[] languages = pair.split(" ");
                TextToText told = translator.from(languages[0]).into(languages[1]);
                assertThat(told.lacksLanguage()).isFalse();
                assertThat(told.answer(texts, told.defaults().withMaxNewTokens(12)).stream()
                        .map(TextToText.Output::text).toList())
                        .isEqualTo(expected("translation").get("answers").get(pair).valueStream()
                                .map(JsonNode::stringValue).toList());
            }
            assertThatThrownBy(() -> translator.from("tlh"))
                    .hasMessageStartingWith("\"tlh\" is no language of this vocabulary; it has af, am, ar, ");
            assertThatThrownBy(() -> translator.into("tlh")).hasMessageContaining("is no language");
        }
        assertThat(Task.in(folder)).containsExactly(Task.TRANSLATION);
    }

    @Test
    void the_config_of_a_model_may_say_how_two_languages_are_asked_for(@TempDir Path folder) throws IOException {
        for (String name : List.of("model.safetensors", "tokenizer.json", "tokenizer_config.json",
                "generation_config.json")) {
            Files.copy(CASES.resolve("text-to-text").resolve(name), folder.resolve(name));
        }
        Files.writeString(folder.resolve("config.json"),
                Files.readString(CASES.resolve("text-to-text").resolve("config.json")).replace("\"summarization\": {",
                        """
                                "translation_en_to_de": {"prefix": "how long: ", "max_length": 14, "min_length": 4, "num_beams": 3},
                                "translation_en_to_fr": {"prefix": "wool: "},
                                "summarization": {"""));
        List<String> texts = texts("text-to-text");
        try (var t5 = Pipelines.translation(folder)) {
            assertThat(t5.languages()).containsExactly("en", "de", "fr");
            TextToText german = t5.from("en").into("de");
            assertThat(german.answer(texts, german.defaults()).stream().map(TextToText.Output::text))
                    .isEqualTo(expected("text-to-text").get("answers").get("summary").valueStream()
                            .map(JsonNode::stringValue).toList());
            assertThatThrownBy(() -> t5.from("en").into("ro")).hasMessage(
                    "\"ro\" is no language of this model; it has translation_en_to_de, translation_en_to_fr");
            assertThatThrownBy(() -> t5.from("(")).hasMessageContaining("\"(\" is no language of this model");
        }
    }

    @Test
    void a_model_that_has_marks_of_languages_is_told_before_the_text(@TempDir Path folder) throws IOException {
        Path source = CASES.resolve("text-to-text");
        for (String name : List.of("model.safetensors", "config.json", "tokenizer_config.json",
                "generation_config.json")) {
            Files.copy(source.resolve(name), folder.resolve(name));
        }
        ObjectNode words = (ObjectNode) new JsonMapper().readTree(source.resolve("tokenizer.json").toFile());
        ObjectNode vocabulary = (ObjectNode) words.get("model").get("vocab");
        String last = vocabulary.properties().stream().filter(entry -> entry.getValue().intValue() == 159).findFirst()
                .orElseThrow().getKey();
        vocabulary.remove(last);
        vocabulary.put(">>fra<<", 159);
        ((ArrayNode) words.get("added_tokens")).addObject().put("id", 159).put("content", ">>fra<<")
                .put("special", true);
        Files.writeString(folder.resolve("tokenizer.json"), words.toString());
        try (var translator = Pipelines.translation(folder)) {
            assertThat(translator.into("fra").answer("the river"))
                    .isEqualTo(translator.withPrefix("").answer(">>fra<< the river"))
                    .isNotEqualTo(translator.answer("the river"));
            assertThatThrownBy(() -> translator.from("fra")).hasMessageContaining("around a text");
        }
    }

    @Test
    void an_answer_begins_with_its_language_where_nothing_says_how_it_begins(@TempDir Path folder) throws IOException {
        for (String name : List.of("model.safetensors", "tokenizer_config.json", "vocab.json",
                "sentencepiece.bpe.model")) {
            Files.copy(CASES.resolve("translation").resolve(name), folder.resolve(name));
        }
        Files.writeString(folder.resolve("config.json"), Files.readString(CASES.resolve("translation/config.json"))
                .replaceAll("\"decoder_start_token_id\": \\d+,", ""));
        try (var translator = Pipelines.translation(folder)) {
            assertThat(translator.defaults().forced().decoderStart()).isEmpty();
            assertThat(translator.into("de").defaults().forced().decoderStart())
                    .isEqualTo(Tokenizer.load(folder).id("__de__"));
            assertThat(translator.into("de").answer("loom")).isNotNull();
        }
    }

    @Test
    void a_batch_of_many_lengths_gives_what_each_text_gives_alone() {
        List<String> texts = IntStream.range(1, 60).mapToObj(i -> "the river runs ".repeat(i % 13 + 1) + i).toList();
        try (var classifier = Pipelines.textClassification(CASES.resolve("text-classification-single-label"))) {
            List<Classification> together = classifier.classify(texts);
            for (int i = 0; i < texts.size(); i++) {
                assertThat(together.get(i).score()).isCloseTo(classifier.classify(texts.get(i)).score(),
                        within(1e-5));
            }
        }
    }

    @Test
    void the_choice_that_fits_is_picked_and_each_has_its_probability() {
        JsonNode questions = expected("multiple-choice").get("texts");
        JsonNode answers = expected("multiple-choice").get("answers");
        List<ChoicePicker.Question> asked = questions.valueStream()
                .map(each -> new ChoicePicker.Question(each.get("text").stringValue(),
                        each.get("choices").valueStream().map(JsonNode::stringValue).toList()))
                .toList();
        try (var picker = Pipelines.multipleChoice(CASES.resolve("multiple-choice"))) {
            List<ChoicePicker.Choice> found = picker.pick(asked);
            for (int i = 0; i < found.size(); i++) {
                ChoicePicker.Choice choice = found.get(i);
                for (int at = 0; at < choice.probabilities().size(); at++) {
                    assertThat(choice.probabilities().get(at)).isCloseTo(answers.get(i).get(at).doubleValue(),
                            within(1e-5)).isLessThanOrEqualTo(choice.probability());
                }
                assertThat(choice.choice()).isEqualTo(asked.get(i).choices().get(choice.index()));
                assertThat(picker.pick(asked.get(i).text(), asked.get(i).choices()).index()).isEqualTo(choice.index());
            }
            assertThatThrownBy(() -> picker.pick("What?", List.of())).hasMessageContaining("has no choices");
        }
    }

    @Test
    void one_bad_text_does_not_fail_the_others() {
        List<String> texts = List.of("great film", " ", "wool ".repeat(200), "wool");
        try (var classifier = Pipelines.textClassification(CASES.resolve("text-classification-single-label"))) {
            assertThatThrownBy(() -> classifier.classify(texts)).isInstanceOf(RefusedTexts.class)
                    .hasMessage("Text 1 is empty; give at least one word");
            List<Outcome<Classification>> found = Outcome.each(texts, classifier::classify);
            assertThat(found.get(0)).isEqualTo(new Outcome.Answered<>(classifier.classify(List.of("great film", "wool"))
                    .getFirst()));
            assertThat(found.get(1)).isEqualTo(new Outcome.Refused<>("is empty; give at least one word"));
            assertThat(found.get(2)).asString().contains("tokens and this model has room for 128");
            assertThat(found.get(3)).isInstanceOf(Outcome.Answered.class);
            assertThat(classifier.truncating().with(Classification.Function.SIGMOID).classify(texts.subList(2, 4)))
                    .allMatch(answer -> answer.score() < 1);
        }
        assertThat(Outcome.each(List.of("1", "x", "3"), numbers -> numbers.stream().map(Integer::valueOf).toList()))
                .containsExactly(new Outcome.Answered<>(1),
                        new Outcome.Refused<>("cannot be answered: For input string: \"x\""),
                        new Outcome.Answered<>(3));
    }

    @Test
    void several_questions_are_answered_as_each_alone() {
        try (var answerer = Pipelines.questionAnswering(CASES.resolve("question-answering"))) {
            var questions = List.of(new QuestionAnswerer.Question("Where?", "The river runs. ".repeat(60)),
                    new QuestionAnswerer.Question("Who?", "Ada wrote to Charles."));
            List<List<Answer>> together = answerer.answers(questions, QuestionAnswerer.options().withAnswers(2));
            for (int i = 0; i < 2; i++) {
                assertThat(together.get(i).getFirst().text())
                        .isEqualTo(answerer.answer(questions.get(i).question(), questions.get(i).context()).text());
            }
        }
    }

    @Test
    void a_folder_says_what_it_can_do(@TempDir Path folder) throws IOException {
        assertThat(Task.in(CASES.resolve("zero-shot-classification"))).containsExactly(Task.TEXT_CLASSIFICATION,
                Task.ZERO_SHOT_CLASSIFICATION);
        assertThat(Task.in(CASES.resolve("text-classification-regression"))).contains(Task.RERANK)
                .doesNotContain(Task.ZERO_SHOT_CLASSIFICATION);
        assertThat(Task.in(CASES.resolve("embeddings"))).containsExactly(Task.FEATURE_EXTRACTION, Task.EMBEDDINGS,
                Task.SIMILARITY);
        Path chat = CASES.resolve("chat");
        assertThat(Task.in(chat)).containsExactly(Task.TEXT_GENERATION, Task.CHAT);
        for (String name : List.of("config.json", "tokenizer.json")) {
            Files.copy(chat.resolve(name), folder.resolve(name));
        }
        assertThat(Task.in(folder)).containsExactly(Task.TEXT_GENERATION);
        assertThat(Task.values()).allSatisfy(task -> assertThat(Task.named(task.title())).contains(task));
        assertThat(Task.TEXT2TEXT_GENERATION.title()).isEqualTo("text2text-generation");
    }

    @Test
    void a_long_text_is_embedded_in_windows_or_cut_when_asked() {
        try (var embedder = Pipelines.embeddings(CASES.resolve("embeddings"))) {
            String endless = "wool ".repeat(300);
            SentenceEmbedder.Embedding cut = embedder.truncating().embed(List.of(endless)).getFirst();
            assertThat(cut.windows()).isEqualTo(1);
            assertThat(cut.tokens()).isEqualTo(128);
            assertThat(embedder.similarities("wool", List.of("wool", "the sea"))[0]).isCloseTo(1, within(1e-6));
            assertThatThrownBy(() -> embedder.embed("")).hasMessage("The text is empty; give at least one word");
        }
    }

    @Test
    void passages_are_ranked_by_their_score() {
        try (var reranker = Pipelines.rerank(CASES.resolve("text-classification-regression"))) {
            List<String> passages = List.of("wool", "the sea", "a great film");
            double[] scores = reranker.scores("what?", passages);
            List<Reranker.Ranked> ranked = reranker.rank("what?", passages);
            assertThat(ranked).isSortedAccordingTo((a, b) -> Double.compare(b.score(), a.score())).hasSize(3);
            assertThat(ranked).allSatisfy(each -> assertThat(each.score()).isEqualTo(scores[each.index()]));
        }
    }

    @Test
    void nothing_native_is_left_by_many_calls() {
        try (var classifier = Pipelines.textClassification(CASES.resolve("text-classification-single-label"))) {
            classifier.classify("the river");
            long before = TensorScope.liveTensors();
            for (int i = 0; i < 200; i++) {
                classifier.classify(List.of("the river", "wool " + i));
            }
            assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
        }
    }

    @Test
    void bad_input_gets_one_clear_message() {
        Path classification = CASES.resolve("text-classification-single-label");
        assertThatThrownBy(() -> Pipelines.questionAnswering(classification))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining(
                        "holds a BertForSequenceClassification, which can do: text-classification; asked for question-answering");
        assertThatThrownBy(() -> Pipelines.zeroShotClassification(classification))
                .hasMessageContaining("[bad, good, mixed]").hasMessageContaining("entailment");
        try (var classifier = Pipelines.textClassification(classification)) {
            String endless = "wool ".repeat(200);
            assertThatThrownBy(() -> classifier.classify(endless))
                    .hasMessageContaining("tokens and this model has room for 128; shorten it or ask for truncation");
            assertThat(classifier.truncating().classify(endless).score()).isPositive();
        }
        try (var filler = Pipelines.fillMask(CASES.resolve("fill-mask"))) {
            assertThatThrownBy(() -> filler.fill("no mask", 1))
                    .hasMessage("The text has no [MASK] to fill; write it where a word is wanted");
            assertThatThrownBy(() -> filler.fill("[MASK] [MASK]", 1)).hasMessageContaining("2 masks");
            assertThatThrownBy(() -> filler.fillAmong("[MASK]", List.of("shuttlecocks")))
                    .hasMessageContaining("is no single token");
        }
        try (var answerer = Pipelines.questionAnswering(CASES.resolve("question-answering"))) {
            assertThatThrownBy(() -> answerer.answer(" ", "text")).hasMessage("The text has an empty question");
        }
    }
}
