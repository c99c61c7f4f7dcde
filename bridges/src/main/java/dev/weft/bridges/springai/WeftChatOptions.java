package dev.weft.bridges.springai;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.model.tool.DefaultToolCallingChatOptions;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;
import org.springframework.ai.model.tool.ToolCallingChatOptions;

/// What a prompt may ask of [WeftChatModel]: what Spring AI has for all models, tools, and a JSON schema that the answer
/// holds to.
public final class WeftChatOptions extends DefaultToolCallingChatOptions implements StructuredOutputChatOptions {
    private final @Nullable String outputSchema;

    private WeftChatOptions(ToolCallingChatOptions other, @Nullable String outputSchema) {
        super(other.getToolCallbacks(), other.getToolContext(), other.getModel(), other.getFrequencyPenalty(),
                other.getMaxTokens(), other.getPresencePenalty(), other.getStopSequences(), other.getTemperature(),
                other.getTopK(), other.getTopP());
        this.outputSchema = outputSchema;
    }

    /// Options that say nothing yet.
    public static Builder builder() {
        return new Builder();
    }

    @Override
    public @Nullable String getOutputSchema() {
        return outputSchema;
    }

    @Override
    public Builder mutate() {
        return builder().combineWith(super.mutate()).outputSchema(outputSchema);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return super.equals(other) && other instanceof WeftChatOptions options
                && Objects.equals(outputSchema, options.outputSchema);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), outputSchema);
    }

    /// As Spring AI's own.
    public static final class Builder extends DefaultToolCallingChatOptions.Builder<Builder>
            implements
                StructuredOutputChatOptions.Builder<Builder> {
        private @Nullable String outputSchema;

        private Builder() {}

        @Override
        public Builder outputSchema(@Nullable String schema) {
            outputSchema = schema;
            return this;
        }

        @Override
        public Builder combineWith(ChatOptions.Builder<?> other) {
            super.combineWith(other);
            if (other.build() instanceof StructuredOutputChatOptions options && options.getOutputSchema() != null) {
                outputSchema = options.getOutputSchema();
            }
            return this;
        }

        @Override
        public WeftChatOptions build() {
            return new WeftChatOptions(super.build(), outputSchema);
        }
    }
}
