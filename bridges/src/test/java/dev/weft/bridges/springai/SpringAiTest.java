package dev.weft.bridges.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.run.pipeline.Chat;
import dev.weft.run.pipeline.Pipelines;
import dev.weft.tensor.TensorScope;
import dev.weft.text.chat.Conversation;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.client.advisor.MessageChatMemoryAdvisor;
import org.springframework.ai.chat.memory.ChatMemory;
import org.springframework.ai.chat.memory.MessageWindowChatMemory;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.content.Media;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.tool.function.FunctionToolCallback;
import org.springframework.ai.vectorstore.SearchRequest;
import org.springframework.ai.vectorstore.SimpleVectorStore;
import org.springframework.util.MimeTypeUtils;
import reactor.core.scheduler.Schedulers;

/// As users of Spring AI have them: a chat client with memory, tools and streams; a vector store. The chat model knows a few
/// conversations by heart (`build/chat_case.py`), the other has random weights.
class SpringAiTest {
    private static final Path FOLDERS = Path.of("../run/src/test/resources/pipelines");
    private static final String STORY = "Once upon a time a weaver sat at her loom.";
    private static final String SCHEMA = "{\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}}, "
            + "\"required\": [\"city\"]}";

    private static Chat chat;

    record Place(String city) {}

    @BeforeAll
    static void open() {
        chat = Pipelines.chat(FOLDERS.resolve("chat"));
    }

    @AfterAll
    static void close() {
        chat.close();
    }

    @Test
    void a_client_answers_and_remembers() {
        var memory = MessageWindowChatMemory.builder().build();
        var client = ChatClient.builder(WeftChatModel.of(chat))
                .defaultAdvisors(MessageChatMemoryAdvisor.builder(memory).build()).build();

        assertThat(asked(client, "What is the capital of Norway?")).isEqualTo("Oslo.");
        assertThat(asked(client, "And of Spain?")).isEqualTo("Madrid.");
        assertThat(client.prompt().system("Answer in German.").user("Hello")
                .advisors(advisor -> advisor.param(ChatMemory.CONVERSATION_ID, "2")).call().content())
                .isEqualTo("Guten Tag!");
    }

    private static String asked(ChatClient client, String question) {
        return client.prompt(question).advisors(advisor -> advisor.param(ChatMemory.CONVERSATION_ID, "1")).call()
                .content();
    }

    @Test
    void a_response_says_what_it_took_and_why_it_ended() {
        ChatResponse response = WeftChatModel.of(chat)
                .call(new Prompt(new SystemMessage("Answer in German."), new UserMessage("Hello")));

        assertThat(response.getResult().getOutput().getText()).isEqualTo("Guten Tag!");
        assertThat(response.getResult().getMetadata().getFinishReason()).isEqualTo("STOP");
        assertThat(response.getMetadata().getUsage().getPromptTokens()).isEqualTo(39);
        assertThat(response.getMetadata().getUsage().getCompletionTokens()).isEqualTo(10);
        assertThat(response.getMetadata().getUsage().getTotalTokens()).isEqualTo(49);
    }

    @Test
    void options_say_how_to_generate() {
        var client = ChatClient.create(WeftChatModel.of(chat));
        ChatResponse cut = client.prompt("Tell me a story.").options(ChatOptions.builder().maxTokens(3)).call()
                .chatResponse();
        assertThat(cut.getResult().getOutput().getText()).isEqualTo("Once upon");
        assertThat(cut.getResult().getMetadata().getFinishReason()).isEqualTo("LENGTH");
        assertThat(client.prompt("Tell me a story.")
                .options(ChatOptions.builder().temperature(30.0).topK(1).stopSequences(List.of(" at her"))).call()
                .content()).endsWith("a weaver sat");

        var wild = new Prompt("Tell me a story.",
                ChatOptions.builder().temperature(30.0).topK(0).maxTokens(20).build());
        var seeded = WeftChatModel.of(chat, chat.defaults().withSeed(4));
        assertThat(seeded.call(wild).getResult()).isEqualTo(seeded.call(wild).getResult());
        assertThat(WeftChatModel.of(chat).call(wild).getResult().getOutput().getText())
                .isNotEqualTo(WeftChatModel.of(chat).call(wild).getResult().getOutput().getText());
    }

    @Test
    void a_client_calls_a_tool_and_answers_with_what_it_said() {
        var cities = new ArrayList<String>();
        var weather = FunctionToolCallback.builder("weather", (Place place) -> {
            cities.add(place.city());
            return "sunny";
        }).description("The weather of a city").inputType(Place.class).inputSchema(SCHEMA).build();
        var client = ChatClient.create(WeftChatModel.of(chat));

        assertThat(client.prompt("What is the weather in Oslo?").tools(weather).call().content())
                .isEqualTo("It is sunny in Oslo.");
        assertThat(cities).containsExactly("Oslo");
    }

    @Test
    void a_client_streams() {
        List<ChatResponse> responses = ChatClient.create(WeftChatModel.of(chat)).prompt("Tell me a story.").stream()
                .chatResponse().subscribeOn(Schedulers.boundedElastic()).collectList().block();

        assertThat(responses).hasSizeGreaterThan(20);
        var text = new StringBuilder();
        responses.forEach(each -> text.append(each.getResult().getOutput().getText()));
        assertThat(text.toString()).isEqualTo(chat.reply("Tell me a story.")).startsWith(STORY);
        ChatResponse last = responses.getLast();
        assertThat(last.getResult().getMetadata().getFinishReason()).isEqualTo("STOP");
        assertThat(last.getMetadata().getUsage().getCompletionTokens()).isEqualTo(106);
    }

    @Test
    void a_stream_that_is_cancelled_computes_no_more_and_frees_its_memory() {
        long before = TensorScope.liveTensors();
        List<String> some = WeftChatModel.of(chat).stream(new Prompt("Tell me a story."))
                .map(each -> each.getResult().getOutput().getText()).take(3).collectList().block();

        assertThat(some).hasSize(3);
        assertThat(TensorScope.liveTensors()).isLessThanOrEqualTo(before);
    }

    record Person(String name, long age) {}

    @Test
    void an_entity_is_held_to_its_schema_whatever_the_model_likes() {
        for (int seed = 0; seed < 5; seed++) {
            var client = ChatClient.create(WeftChatModel.of(chat, chat.defaults().withDoSample(true).withTopK(0)
                    .withTemperature(5).withSeed(seed).withMaxNewTokens(120)));
            Person person = client.prompt("Ada is 36.").call().entity(Person.class,
                    ChatClient.EntityParamSpec::useProviderStructuredOutput);
            assertThat(person.name()).isNotNull();
            String streamed = String.join("", client.prompt("Where?")
                    .options(WeftChatOptions.builder().outputSchema(SCHEMA)).stream().content().collectList().block());
            assertThat(Conversation.tree(streamed, "the answer").get("city").isString()).isTrue();
        }
        var tool = FunctionToolCallback.builder("weather", (Place place) -> "sunny")
                .description("The weather of a city")
                .inputType(Place.class).inputSchema(SCHEMA).build();
        var client = ChatClient.create(WeftChatModel.of(chat));
        assertThatThrownBy(() -> client.prompt("Where?").tools(tool)
                .options(WeftChatOptions.builder().outputSchema(SCHEMA)).call().content())
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("leave out the tools");
        assertThatThrownBy(() -> client.prompt("Where?")
                .options(WeftChatOptions.builder().outputSchema("{\"not\": {}}")).call().content())
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("the keyword not is not supported");
    }

    @Test
    void options_are_changed_and_combined_without_loss() {
        WeftChatOptions one = WeftChatOptions.builder().temperature(0.5).outputSchema(SCHEMA).build();
        assertThat(one.mutate().build()).isEqualTo(one).hasSameHashCodeAs(one);
        assertThat(one.mutate().outputSchema("{}").build()).isNotEqualTo(one);
        WeftChatOptions both = WeftChatOptions.builder().topK(3).combineWith(one.mutate()).build();
        assertThat(both.getOutputSchema()).isEqualTo(SCHEMA);
        assertThat(both.getTopK()).isEqualTo(3);
        assertThat(both.getTemperature()).isEqualTo(0.5);
    }

    @Test
    void what_cannot_be_done_is_refused_by_name() {
        var model = WeftChatModel.of(chat);
        var picture = UserMessage.builder().text("What is it?")
                .media(new Media(MimeTypeUtils.IMAGE_PNG, URI.create("file:a.png"))).build();
        assertThatThrownBy(() -> model.call(picture)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("image/png");
        assertThatThrownBy(() -> model.call("weave ".repeat(300))).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("room for 512");
        assertThatThrownBy(() -> model.stream(new Prompt("weave ".repeat(300))).blockLast())
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("room for 512");
    }

    @Test
    void documents_are_stored_and_found_by_meaning() {
        try (var embedder = Pipelines.embeddings(FOLDERS.resolve("embeddings"))) {
            var model = WeftEmbeddingModel.of(embedder);
            var store = SimpleVectorStore.builder(model).build();
            store.add(List.of(new Document("The loom weaves wool."), new Document("Paris is the capital of France."),
                    new Document("The river is long.")));

            List<Document> found = store
                    .similaritySearch(SearchRequest.builder().query("The river is long.").topK(1).build());

            assertThat(found).singleElement().satisfies(document -> {
                assertThat(document.getText()).isEqualTo("The river is long.");
                assertThat(document.getScore()).isGreaterThan(0.999);
            });
            var few = model.call(new EmbeddingRequest(List.of("wool", "river"),
                    EmbeddingOptions.builder().dimensions(4).build()));
            assertThat(few.getResults()).extracting(each -> each.getOutput().length).containsExactly(4, 4);
            assertThat(few.getMetadata().getUsage().getPromptTokens()).isPositive();
            assertThat(model.dimensions()).isEqualTo(16);
            assertThat(model.embed("wool")).isEqualTo(embedder.embed("wool"));
        }
    }
}
