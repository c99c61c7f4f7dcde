package dev.weft.models;

import dev.weft.models.backbone.Backbone;
import dev.weft.models.backbone.Inputs;
import dev.weft.models.backbone.Seq2Seq;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.checkpoint.Json;
import dev.weft.models.heads.HeadContext;
import dev.weft.models.heads.HeadKind;
import dev.weft.models.heads.HeadLayout;
import dev.weft.nn.Embedding;
import dev.weft.nn.Encoded;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Linear;
import dev.weft.nn.Projection;
import dev.weft.nn.Weights;
import dev.weft.tensor.Tensor;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/// Any encoder with any decoder that can look at one. Rothe et al. 2019, <https://arxiv.org/abs/1907.12461>.
///
/// @param bridge from the encoder's hidden size to the decoder's
public record EncoderDecoder(Backbone encoder, TextBackbone decoder, Projection bridge,
        Shift shift) implements Seq2Seq {
    public static final String MODEL_TYPE = "encoder-decoder";
    static final Family FAMILY = Family
            .of("", HeadLayout.seq2seq(EncoderDecoder::vocabulary), (json, weights, kind) -> load(json, weights),
                    MODEL_TYPE)
            .named(HeadKind.SEQ2SEQ, "EncoderDecoderModel");

    static EncoderDecoder load(Json config, Weights weights) {
        Json encoderConfig = config.object("encoder");
        Json decoderConfig = decoderConfig(config);
        Backbone encoder = Families.of(encoderConfig).builder().build(encoderConfig, weights.at("encoder"),
                HeadKind.BASE);
        weights.at("encoder").at("pooler").at("dense").ignore("weight", "bias");
        var decoder = (TextBackbone) Families.of(decoderConfig).builder().build(decoderConfig,
                decoderWeights(decoderConfig, weights), HeadKind.CAUSAL_LANGUAGE);
        boolean bridged = encoder.hiddenSize() != decoder.hiddenSize()
                && !decoderConfig.has("cross_attention_hidden_size");
        Projection bridge = bridged
                ? Linear.load(weights.at("enc_to_dec_proj"), encoder.hiddenSize(), decoder.hiddenSize(), true,
                        decoder.init())
                : x -> x;
        int pad = config.integer(config.first("pad_token_id"), decoderConfig.integer("pad_token_id", 0));
        return new EncoderDecoder(encoder, decoder, bridge, new Shift(pad, config.integer("decoder_start_token_id",
                decoderConfig.integer("decoder_start_token_id", decoderConfig.integer("bos_token_id", pad))), true));
    }

    /// The decoder's config as that of a decoder that looks at an encoder.
    private static Json decoderConfig(Json config) {
        ObjectNode node = config.object("decoder").node().deepCopy();
        node.put("is_decoder", true).put("add_cross_attention", true);
        return Json.of(config + ": decoder", node);
    }

    private static Weights decoderWeights(Json decoderConfig, Weights weights) {
        return weights.at("decoder").at(Families.of(decoderConfig).prefix());
    }

    /// The scores of ids are the decoder's own head's.
    static Projection vocabulary(HeadContext context) {
        Json decoderConfig = decoderConfig(context.config());
        var seq2seq = (Seq2Seq) context.backbone();
        return Families.of(decoderConfig).heads().vocabulary().load(new HeadContext(decoderConfig, seq2seq.decoder(),
                context.weights().at("decoder"), decoderWeights(decoderConfig, context.weights()), null, List.of()));
    }

    @Override
    public Encoded encode(Inputs inputs, ForwardPass pass) {
        return new Encoded(encoder.forward(inputs, pass.at("encoder")), pass.mask());
    }

    @Override
    public Tensor blocks(Tensor embedded, ForwardPass pass) {
        Encoded seen = pass.encoded();
        return Seq2Seq.super.blocks(embedded, seen == null
                ? pass
                : pass.withEncoded(new Encoded(bridge.forward(seen.hidden()), seen.mask())));
    }

    @Override
    public Embedding encoderTokens() {
        return ((TextBackbone) encoder).tokens();
    }

    @Override
    public int encoderLayers() {
        return encoder.layers();
    }
}
