package dev.weft.models;

import dev.weft.checkpoint.Json;

/// Shares dropped in training: of embeddings, attention weights and what enters the residual stream.
public record Drops(double embeddings, double attention, double residual) {
    /// As GPT-2's config and some after it name them: `embd_pdrop`, `attn_pdrop`, `resid_pdrop`.
    ///
    /// @param otherwise where the config does not say
    static Drops read(Json json, double otherwise) {
        return new Drops(json.number("embd_pdrop", otherwise),
                json.number(json.first("attn_pdrop", "attention_dropout"), otherwise),
                json.number("resid_pdrop", otherwise));
    }
}
