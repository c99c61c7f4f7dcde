package dev.weft.bridges.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.agent.tool.ToolSpecifications;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.CustomMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.request.json.JsonIntegerSchema;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonRawSchema;
import dev.langchain4j.model.chat.request.json.JsonReferenceSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.embedding.request.EmbeddingInputType;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.rag.DefaultRetrievalAugmentor;
import dev.langchain4j.rag.content.Content;
import dev.langchain4j.rag.content.aggregator.ReRankingContentAggregator;
import dev.langchain4j.rag.content.retriever.EmbeddingStoreContentRetriever;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.Result;
import dev.langchain4j.service.TokenStream;
import dev.langchain4j.store.embedding.EmbeddingSearchRequest;
import dev.langchain4j.store.embedding.inmemory.InMemoryEmbeddingStore;
import dev.weft.run.Generation;
import dev.weft.run.pipeline.Chat;
import dev.weft.run.pipeline.Pipelines;
import dev.weft.tensor.TensorScope;
import dev.weft.text.chat.Conversation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// As users of LangChain4j have them: AI services with memory, tools, retrieval and streams; stores; aggregators. The chat
/// model knows a few conversations by heart (`build/chat_case.py`), the others have random weights.
class LangChain4jTest {
    private static final Path FOLDERS = Path.of("../run/src/test/resources/pipelines");
    private static final String STORY = "Once upon a time a weaver sat at her loom.";

    private static Chat chat;

    @BeforeAll
    static void open() {
        chat = Pipelines.chat(FOLDERS.resolve("chat"));
    }

    @AfterAll
    static void close() {
        chat.close();
    }

    interface Assistant {
        String answer(String question);
    }

    interface Streaming {
        TokenStream answer(String question);
    }

    interface Exact {
        Result<String> answer(String question);
    }

    static final class Weather {
        final List<String> asked = new ArrayList<>();

        @Tool("The weather of a city")
        String weather(String city) {
            asked.add(city);
            return "sunny";
        }
    }

    @Test
    void a_service_answers_and_remembers() {
        var assistant = AiServices.builder(Assistant.class).chatModel(WeftChatModel.of(chat))
                .chatMemory(MessageWindowChatMemory.withMaxMessages(10)).build();

        assertThat(assistant.answer("What is the capital of Norway?")).isEqualTo("Oslo.");
        assertThat(assistant.answer("And of Spain?")).isEqualTo("Madrid.");
    }

    @Test
    void a_response_says_what_it_took_and_why_it_ended() {
        ChatResponse response = WeftChatModel.of(chat).chat(SystemMessage.from("Answer in German."),
                UserMessage.from("Hello"));

        assertThat(response.aiMessage()).isEqualTo(AiMessage.from("Guten Tag!"));
        assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(response.tokenUsage().inputTokenCount()).isEqualTo(39);
        assertThat(response.tokenUsage().outputTokenCount()).isEqualTo(10);
        Result<String> result = AiServices.create(Exact.class, WeftChatModel.of(chat)).answer("Hello");
        assertThat(result.tokenUsage().outputTokenCount()).isEqualTo(19);
    }

    @Test
    void a_request_says_how_to_generate() {
        var model = WeftChatModel.of(chat);
        var story = ChatRequest.builder().messages(UserMessage.from("Tell me a story."));
        ChatResponse cut = model.chat(story.maxOutputTokens(3).build());
        assertThat(cut.aiMessage().text()).isEqualTo("Once upon");
        assertThat(cut.finishReason()).isEqualTo(FinishReason.LENGTH);
        ChatResponse stopped = model.chat(story.maxOutputTokens(50).stopSequences(List.of(" at her")).build());
        assertThat(stopped.aiMessage().text()).endsWith("a weaver sat");
        assertThat(stopped.finishReason()).isEqualTo(FinishReason.STOP);

        ChatRequest wild = story.temperature(30.0).topK(0).maxOutputTokens(20).build();
        assertThat(model.chat(wild).aiMessage()).isNotEqualTo(model.chat(wild).aiMessage());
        var seeded = WeftChatModel.of(chat, chat.defaults().withSeed(4));
        assertThat(seeded.chat(wild).aiMessage()).isEqualTo(seeded.chat(wild).aiMessage());
        assertThat(model.chat(story.temperature(30.0).topK(1).build()).aiMessage().text())
                .isEqualTo("Once upon a time a weaver sat");
        assertThatThrownBy(() -> model.chat(story.topP(3.0).build())).hasMessageContaining("top_p")
                .hasMessageContaining("3.0");
    }

    @Test
    void a_service_calls_a_tool_and_answers_with_what_it_said() {
        var weather = new Weather();
        var assistant = AiServices.builder(Assistant.class).chatModel(WeftChatModel.of(chat)).tools(weather).build();

        assertThat(assistant.answer("What is the weather in Oslo?")).isEqualTo("It is sunny in Oslo.");
        assertThat(weather.asked).containsExactly("Oslo");
    }

    @Test
    void a_service_streams_and_its_reader_may_leave() throws Exception {
        var assistant = AiServices.create(Streaming.class, WeftStreamingChatModel.of(chat));
        var pieces = new ArrayList<String>();
        var done = new CompletableFuture<ChatResponse>();
        assistant.answer("Tell me a story.").onPartialResponse(pieces::add).onCompleteResponse(done::complete)
                .onError(done::completeExceptionally).start();
        ChatResponse whole = done.get(5, TimeUnit.MINUTES);

        assertThat(pieces).hasSizeGreaterThan(20);
        assertThat(String.join("", pieces)).isEqualTo(whole.aiMessage().text()).startsWith(STORY);
        assertThat(whole.tokenUsage().outputTokenCount()).isEqualTo(106);
    }

    /// Tells a test what a handler was told.
    private record Heard(Consumer<PartialResponseContext> atPiece, CompletableFuture<ChatResponse> done)
            implements
                StreamingChatResponseHandler {
        @Override
        public void onPartialResponse(PartialResponse piece, PartialResponseContext context) {
            atPiece.accept(context);
        }

        @Override
        public void onCompleteResponse(ChatResponse response) {
            done.complete(response);
        }

        @Override
        public void onError(Throwable error) {
            done.completeExceptionally(error);
        }
    }

    @Test
    void a_stream_that_is_cancelled_computes_no_more_and_frees_its_memory() throws Exception {
        long before = TensorScope.liveTensors();
        var thread = new CompletableFuture<Thread>();
        var heard = new Heard(context -> {
            context.streamingHandle().cancel();
            thread.complete(Thread.currentThread());
        }, new CompletableFuture<>());

        WeftStreamingChatModel.of(chat).chat("Tell me a story.", heard);
        thread.get(5, TimeUnit.MINUTES).join();

        assertThat(heard.done()).isNotDone();
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    @Test
    void a_handler_that_fails_is_told_so() {
        var heard = new Heard(context -> {
            throw new IllegalStateException("full");
        }, new CompletableFuture<>());
        WeftStreamingChatModel.of(chat).chat("Hello", heard);

        assertThatThrownBy(() -> heard.done().get(5, TimeUnit.MINUTES)).hasRootCauseMessage("full");
    }

    enum Mood {
        GOOD, BAD
    }

    record Person(@JsonProperty(required = true) String name, @JsonProperty(required = true) long age,
            @JsonProperty(required = true) List<Mood> moods) {}

    interface Extractor {
        Person extract(String text);

        Mood mood(String text);
    }

    /// Chances of which a model of a few conversations thinks little: only the format holds it.
    private static Generation wild(int seed) {
        return chat.defaults().withDoSample(true).withTopK(0).withTemperature(5).withSeed(seed).withMaxNewTokens(120);
    }

    @Test
    void a_service_returns_a_record_whatever_the_model_likes() {
        for (int seed = 0; seed < 5; seed++) {
            var extractor = AiServices.create(Extractor.class, WeftChatModel.of(chat, wild(seed)));
            Person person = extractor.extract("Ada is 36.");

            assertThat(person.name()).isNotNull();
            assertThat(person.moods()).isSubsetOf(Mood.values());
            assertThat(extractor.mood("What a day!")).isIn((Object[]) Mood.values());
        }
    }

    @Test
    void a_request_has_any_json_or_what_holds_to_its_schema() {
        var format = ResponseFormat.builder().type(ResponseFormatType.JSON);
        var inner = JsonObjectSchema.builder().addIntegerProperty("n").addProperty("next",
                JsonReferenceSchema.builder().reference("node").build()).required("n").build();
        for (JsonSchemaElement root : List.of(
                JsonRawSchema.from(
                        "{\"type\": \"object\", \"properties\": {\"n\": {\"type\": \"integer\"}}, \"required\": [\"n\"]}"),
                JsonObjectSchema.builder().addProperty("n", JsonIntegerSchema.builder().build())
                        .addProperty("next", JsonReferenceSchema.builder().reference("node").build()).required("n")
                        .definitions(Map.of("node", inner)).build())) {
            String text = answer(
                    format.jsonSchema(JsonSchema.builder().name("node").rootElement(root).build()).build());
            assertThat(Conversation.tree(text, "the answer").get("n").isIntegralNumber()).isTrue();
        }
        assertThat(Conversation.tree(answer(ResponseFormat.JSON), "the answer")).isNotNull();
        var refused = JsonSchema.builder().name("no").rootElement(JsonRawSchema.from("{\"not\": {}}")).build();
        assertThatThrownBy(() -> answer(format.jsonSchema(refused).build()))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("the keyword not is not supported");
    }

    private static String answer(ResponseFormat format) {
        return WeftChatModel.of(chat, wild(1)).chat(ChatRequest.builder().messages(UserMessage.from("Hello"))
                .responseFormat(format).build()).aiMessage().text();
    }

    @Test
    void a_stream_holds_to_a_schema_too() throws Exception {
        var schema = JsonSchema.builder().name("n").rootElement(JsonObjectSchema.builder()
                .addEnumProperty("mood", List.of("good", "bad")).required("mood").build()).build();
        var heard = new Heard(context -> {}, new CompletableFuture<>());
        WeftStreamingChatModel.of(chat, wild(2)).chat(ChatRequest.builder().messages(UserMessage.from("Hello"))
                .responseFormat(ResponseFormat.builder().type(ResponseFormatType.JSON).jsonSchema(schema).build())
                .build(), heard);

        assertThat(heard.done().get(5, TimeUnit.MINUTES).aiMessage().text())
                .matches("\\{\"mood\": ?\"(good|bad)\"}");
    }

    @Test
    void what_cannot_be_done_is_refused_by_name() {
        var model = WeftChatModel.of(chat);
        var hello = ChatRequest.builder().messages(UserMessage.from("Hello"));
        assertThatThrownBy(() -> model.chat(hello.responseFormat(ResponseFormat.JSON)
                .toolSpecifications(ToolSpecifications.toolSpecificationsFrom(new Weather())).build()))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("leave out the tools");
        assertThatThrownBy(() -> model.chat(ChatRequest.builder().messages(UserMessage.from("Hello"))
                .toolChoice(ToolChoice.REQUIRED)
                .toolSpecifications(ToolSpecifications.toolSpecificationsFrom(new Weather()))
                .build())).isInstanceOf(UnsupportedFeatureException.class).hasMessageContaining("REQUIRED");
        assertThatThrownBy(
                () -> model.chat(UserMessage.from(TextContent.from("What is it?"), ImageContent.from("file:a.png"))))
                .isInstanceOf(UnsupportedFeatureException.class).hasMessageContaining("IMAGE");
        assertThatThrownBy(() -> model.chat("weave ".repeat(300))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("room for 512");
        // Roles of one's own are the template's affair, here to refuse.
        assertThatThrownBy(() -> model.chat(CustomMessage.from(Map.of("role", "pilot", "content", "Hi"))))
                .hasMessageContaining("Unknown role: pilot");
    }

    @Test
    void passages_are_stored_found_by_meaning_ranked_anew_and_answered_from() {
        try (var embedder = Pipelines.embeddings(FOLDERS.resolve("embeddings")).normalizing();
                var reranker = Pipelines.rerank(FOLDERS.resolve("text-classification-regression"))) {
            var embeddings = WeftEmbeddingModel.of(embedder);
            var scoring = WeftScoringModel.of(reranker);
            var store = new InMemoryEmbeddingStore<TextSegment>();
            List<TextSegment> passages = List.of(TextSegment.from("The loom weaves wool."),
                    TextSegment.from("Paris is the capital of France."), TextSegment.from("The river is long."));
            var stored = embeddings.embedAll(passages);
            store.addAll(stored.content(), passages);

            assertThat(stored.tokenUsage().inputTokenCount()).isPositive();
            assertThat(embeddings.dimension()).isEqualTo(16);
            var found = store.search(EmbeddingSearchRequest.builder()
                    .queryEmbedding(embeddings.embed("The river is long.").content()).maxResults(1).build()).matches();
            assertThat(found.getFirst().embedded().text()).isEqualTo("The river is long.");
            assertThat(found.getFirst().score()).isGreaterThan(0.999);

            double[] scores = reranker.scores("How long is it?", passages.stream().map(TextSegment::text).toList());
            assertThat(scoring.scoreAll(passages, "How long is it?").content()).containsExactly(scores[0], scores[1],
                    scores[2]);
            String best = reranker.rank("Who?", passages.stream().map(TextSegment::text).toList()).getFirst().passage();
            var sources = new ArrayList<Content>();
            var augmentor = DefaultRetrievalAugmentor.builder()
                    .contentRetriever(EmbeddingStoreContentRetriever.builder().embeddingStore(store)
                            .embeddingModel(embeddings).maxResults(3).build())
                    .contentAggregator(ReRankingContentAggregator.builder().scoringModel(scoring).maxResults(1).build())
                    .build();
            Result<String> answer = AiServices.builder(Exact.class)
                    .chatModel(WeftChatModel.of(chat, Generation.greedy())).retrievalAugmentor(augmentor).build()
                    .answer("Who?");
            sources.addAll(answer.sources());
            assertThat(sources).singleElement()
                    .satisfies(source -> assertThat(source.textSegment().text()).isEqualTo(best));
            assertThat(answer.tokenUsage().outputTokenCount()).isPositive();
        }
    }

    @Test
    void queries_and_documents_get_the_prompts_of_the_folder(@TempDir Path folder) throws IOException {
        try (var files = Files.list(FOLDERS.resolve("embeddings"))) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Files.writeString(folder.resolve("config_sentence_transformers.json"),
                "{\"prompts\": {\"query\": \"who \", \"passage\": \"wool \"}}");
        try (var embedder = Pipelines.embeddings(folder)) {
            var model = WeftEmbeddingModel.of(embedder);
            assertThat(embedded(model, EmbeddingInputType.QUERY)).isEqualTo(embedder.embed("who river"));
            assertThat(embedded(model, EmbeddingInputType.DOCUMENT)).isEqualTo(embedder.embed("wool river"));
            assertThat(embedded(model, null)).isEqualTo(embedder.embed("river"));
            assertThat(model.embed(EmbeddingRequest.builder().input("river").dimensions(4).build()).embeddings()
                    .getFirst().dimension()).isEqualTo(4);
        }
    }

    private static float[] embedded(WeftEmbeddingModel model, EmbeddingInputType type) {
        return model.embed(EmbeddingRequest.builder().input("river").inputType(type).build()).embeddings().getFirst()
                .vector();
    }
}
