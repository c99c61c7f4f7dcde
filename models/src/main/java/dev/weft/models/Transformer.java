package dev.weft.models;

import dev.weft.models.backbone.Sizes;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.ConditionalLanguageModel;
import dev.weft.tensor.Device;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// The Transformer of “Attention Is All You Need” (Vaswani et al. 2017, <https://arxiv.org/abs/1706.03762>), to be trained
/// from nothing: sinusoidal positions, a norm behind each part, ReLU, one table of embeddings for source, target and
/// output. Its files are those of [Marian], so that the Python library's `MarianMTModel` translates with it.
///
/// Ids are laid out as `Tokenizer.asMarian` of room text does: `</s>` is 0, `<pad>` is the last and begins each
/// translation.
///
/// @param vocabSize        ids of both languages
/// @param intermediateSize inner width of the feed-forward parts, d_ff in the paper
/// @param layers           of the encoder and of the decoder each
/// @param maxPositions     longest text; positions are computed, so that this is a limit and no size
/// @param dropout          of what enters the residual stream (§5.4)
/// @param start            what weights are before training; the paper does not say, its code takes [Bart.Config.Start#XAVIER]
public record Transformer(int vocabSize, int hiddenSize, int intermediateSize, int layers, int heads, int maxPositions,
        double dropout, Bart.Config.Start start) {

    public Transformer {
        Sizes.requireMultiple("d_model", hiddenSize, "encoder_attention_heads", heads);
        if (vocabSize < 3) {
            throw new IllegalArgumentException(
                    "a translator's vocabulary holds </s>, <unk> and <pad> and pieces, found %d ids"
                            .formatted(vocabSize));
        }
    }

    /// The paper's base model (table 3).
    public static Transformer base(int vocabSize) {
        return new Transformer(vocabSize, 512, 2048, 6, 8, 512, 0.1, Bart.Config.Start.XAVIER);
    }

    /// With another depth and width; a position's vector is split among `heads`.
    public Transformer withSizes(int layers, int heads, int hiddenSize, int intermediateSize) {
        return new Transformer(vocabSize, hiddenSize, intermediateSize, layers, heads, maxPositions, dropout, start);
    }

    /// For texts of so many tokens.
    public Transformer withMaxPositions(int positions) {
        return new Transformer(vocabSize, hiddenSize, intermediateSize, layers, heads, positions, dropout, start);
    }

    /// With this share of what enters the residual stream dropped in training.
    public Transformer withDropout(double share) {
        return new Transformer(vocabSize, hiddenSize, intermediateSize, layers, heads, maxPositions, share, start);
    }

    /// With new weights that begin otherwise.
    public Transformer withStart(Bart.Config.Start other) {
        return new Transformer(vocabSize, hiddenSize, intermediateSize, layers, heads, maxPositions, dropout, other);
    }

    /// The id of `<pad>`.
    public int padId() {
        return vocabSize - 1;
    }

    /// `config.json`.
    public ObjectNode config() {
        ObjectNode config = ids(Json.object().put("model_type", "marian"));
        config.putArray("architectures").add("MarianMTModel");
        config.put("vocab_size", vocabSize).put("decoder_vocab_size", vocabSize).put("d_model", hiddenSize)
                .put("num_hidden_layers", layers).put("max_position_embeddings", maxPositions);
        for (String side : new String[]{"encoder", "decoder"}) {
            config.put(side + "_layers", layers).put(side + "_attention_heads", heads)
                    .put(side + "_ffn_dim", intermediateSize).put(side + "_layerdrop", 0.0);
        }
        return config.put("activation_function", "relu").put("dropout", dropout).put("attention_dropout", 0.0)
                .put("activation_dropout", 0.0).put("init_std", 0.02)
                .put("weight_init", start.toString().toLowerCase(Locale.ROOT)).put("scale_embedding", true)
                .put("static_position_embeddings", true).put("normalize_before", false)
                .put("normalize_embedding", false).put("share_encoder_decoder_embeddings", true)
                .put("tie_word_embeddings", true).put("is_encoder_decoder", true).put("use_cache", true);
    }

    /// `generation_config.json`: beams of 4 and a length penalty of 0.6 (§6.1), which here is the Python library's, the
    /// length to that power.
    public ObjectNode generation() {
        ObjectNode generation = ids(Json.object()).put("max_length", maxPositions).put("num_beams", 4)
                .put("length_penalty", 0.6);
        generation.putArray("bad_words_ids").addArray().add(padId());
        return generation;
    }

    private ObjectNode ids(ObjectNode node) {
        return node.put("bos_token_id", 0).put("eos_token_id", 0).put("forced_eos_token_id", 0)
                .put("pad_token_id", padId()).put("decoder_start_token_id", padId());
    }

    /// A model with new weights, ready to train; saved, it has both files.
    public ConditionalLanguageModel create(long seed) {
        return (ConditionalLanguageModel) Models.create(config(), Optional.of(generation()), seed, Device.CPU);
    }
}
