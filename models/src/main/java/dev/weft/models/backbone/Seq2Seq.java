package dev.weft.models.backbone;

import dev.weft.nn.CrossEntropy;
import dev.weft.nn.Embedding;
import dev.weft.nn.Encoded;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.AttentionMask;
import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// An encoder and a decoder that looks at it. As a backbone it is its decoder, on a pass that carries what was encoded.
public interface Seq2Seq extends TextBackbone {
    /// What the encoder is given to what the decoder looks at.
    Encoded encode(Inputs inputs, ForwardPass pass);

    /// The half that answers.
    TextBackbone decoder();

    /// The encoder's input embedding.
    default Embedding encoderTokens() {
        return tokens();
    }

    /// How many blocks the encoder has.
    int encoderLayers();

    /// How decoder inputs are made of labels.
    Shift shift();

    /// Labels become decoder inputs one place to the right, so that each position predicts its own label.
    ///
    /// @param padId   in place of labels that are ignored (−100)
    /// @param startId comes first; null: each row's last token that is not padding does, as in mBART, where it names the
    ///                language
    /// @param hides   whether padding among them is hidden from the decoder
    record Shift(int padId, @Nullable Integer startId, boolean hides) {
        public Shift(int padId, @Nullable Integer startId) {
            this(padId, startId, false);
        }

        /// `[batch, seq]` to the same shape.
        public Tensor apply(Tensor labels) {
            Tensor ids = labels.maskedFill(labels.eq(CrossEntropy.IGNORED), padId);
            Tensor first = startId != null
                    ? ids.narrow(1, 0, 1).zerosLike().add(startId)
                    : ids.gather(1, ids.ne(padId).to(DType.INT64).sum(1, true).sub(1));
            return Tensor.cat(List.of(first, ids.narrow(1, 0, ids.size(1) - 1)), 1);
        }
    }

    @Override
    default Tensor embed(Inputs inputs, ForwardPass pass) {
        return decoder().embed(inputs, pass.at("decoder"));
    }

    @Override
    default Tensor blocks(Tensor embedded, ForwardPass pass) {
        return decoder().blocks(embedded, pass.at("decoder"));
    }

    @Override
    default Tensor forward(Inputs inputs, ForwardPass pass) {
        return blocks(embed(inputs, pass), pass);
    }

    /// Encodes what is given, then decodes `decoder_input_ids`, or where there are none the labels, shifted, or the input
    /// itself, shifted.
    @Override
    default Map<String, Tensor> outputs(Map<String, Tensor> named, ForwardPass pass) {
        Inputs inputs = new Inputs(named).knowing(Inputs.TEXT);
        Encoded encoded = encode(inputs, inputs.in(pass));
        Inputs given = inputs.ofDecoder();
        Tensor labels = inputs.get("labels");
        boolean perToken = labels != null && labels.dim() == 2 && !labels.dtype().isFloating();
        Inputs reads = given != null
                ? given
                : Inputs.ofIds(shift().apply(perToken ? labels : inputs.require("input_ids")));
        ForwardPass decoding = pass.withEncoded(encoded);
        if (given == null && shift().hides() && inputs.get("decoder_attention_mask") == null) {
            decoding = decoding.withMask(AttentionMask.padding(reads.ids().ne(shift().padId())));
        }
        decoding = inputs.masked(decoding, "decoder_attention_mask");
        return Map.of("last_hidden_state", forward(reads, decoding), "encoder_last_hidden_state",
                encoded.hidden());
    }

    @Override
    default Sizes sizes() {
        return decoder().sizes();
    }

    @Override
    default Embedding tokens() {
        return decoder().tokens();
    }
}
