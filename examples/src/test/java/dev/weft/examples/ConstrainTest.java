package dev.weft.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.weft.models.Gpt2;
import dev.weft.models.Models;
import dev.weft.run.Generation;
import dev.weft.run.TextGenerator;
import dev.weft.text.BytePairTrainer;
import java.util.List;
import org.junit.jupiter.api.Test;

class ConstrainTest {
    @Test
    void a_model_that_knows_nothing_writes_what_can_be_read() {
        var tokenizer = BytePairTrainer.ofVocabSize(270).withSpecialTokens("<|end|>").withThreads(1)
                .train(List.of("Ada is 36. </think>good"));
        var config = Gpt2.Config.tiny().withSizes(2, 2, 16, 300).withVocabSize(tokenizer.vocabSize());
        try (var model = Models.create(config, 1)) {
            var writer = TextGenerator.of(model, tokenizer, Generation.greedy().withEndIds(List.of(0)));
            Generation options = Generation.sampled(3).withMaxNewTokens(60);

            assertThat(Constrain.person(writer, "Ada is 36.", options)).startsWith("{\"name\":").endsWith("}");
            assertThat(Constrain.mood(writer, "Ada is 36.", options)).matches("(?s).*</think>\\s*(good|bad)");
        }
    }
}
