package dev.weft.adapt;

import dev.weft.models.backbone.Inputs;
import dev.weft.models.backbone.Seq2Seq;
import dev.weft.models.backbone.Sizes;
import dev.weft.models.backbone.TextBackbone;
import dev.weft.nn.Embedding;
import dev.weft.nn.Encoded;
import dev.weft.nn.ForwardPass;
import dev.weft.nn.Init;
import dev.weft.nn.KvCache;
import dev.weft.nn.KvCache.Entry;
import dev.weft.nn.KvPrefix;
import dev.weft.nn.KvState;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/// A backbone before whose texts trained vectors stand.
///
/// Prompts are vectors before those of the tokens, and go through all blocks with them. Where
/// there is a cache, and of prefixes always, what stands before the text is keys and values, beside the cache
/// ([KvPrefix]). Positions of the text count from behind them.
interface VirtualTokens extends TextBackbone {
    TextBackbone plain();

    /// How many.
    int count();

    /// The text's alone: only [#forward] has what stands before it.
    @Override
    default Tensor embed(Inputs inputs, ForwardPass pass) {
        return plain().embed(inputs, pass);
    }

    @Override
    default Tensor blocks(Tensor embedded, ForwardPass pass) {
        return plain().blocks(embedded, pass);
    }

    @Override
    default Sizes sizes() {
        return plain().sizes();
    }

    @Override
    default Embedding tokens() {
        return plain().tokens();
    }

    @Override
    default int layers() {
        return plain().layers();
    }

    @Override
    default Init init() {
        return plain().init();
    }

    @Override
    default int hiddenSize() {
        return plain().hiddenSize();
    }

    @Override
    default int maxPositions() {
        return plain().maxPositions() == Integer.MAX_VALUE ? Integer.MAX_VALUE : plain().maxPositions() - count();
    }

    @Override
    default long recomputesBeyond() {
        return plain().recomputesBeyond() == Long.MAX_VALUE ? Long.MAX_VALUE : plain().recomputesBeyond() - count();
    }

    /// Keys and values of every layer before the text.
    sealed interface Prefix extends VirtualTokens {
        PromptConfig config();

        /// `[tokens, 2 · layers · width]`: keys and values of all layers.
        Supplier<Tensor> flat();

        @Override
        default int count() {
            return config().numVirtualTokens();
        }

        @Override
        default Tensor forward(Inputs inputs, ForwardPass pass) {
            return plain().forward(inputs, behind(pass, count(), entries()));
        }

        /// `[1, heads, tokens, headDim]`, keys and values of each layer. Of encoder-decoders PEFT lays out as many for cross
        /// attention, which does not use them, so that a layer has those of the layer of twice its number.
        private List<Entry> entries() {
            PromptConfig config = config();
            int heads = config.numAttentionHeads();
            int layers = config.numLayers();
            Tensor all = flat().get().view(count(), 2L * layers, heads, config.tokenDim() / heads)
                    .permute(1, 2, 0, 3).unsqueeze(1);
            return IntStream.range(0, layers).map(layer -> 2 * (config.numTransformerSubmodules() * layer % layers))
                    .mapToObj(at -> new Entry(all.select(0, at), all.select(0, at + 1L))).toList();
        }
    }

    /// Of a decoder.
    record Prefixed(TextBackbone plain, PromptConfig config, Supplier<Tensor> flat) implements Prefix {}

    /// Of the decoder of an encoder-decoder.
    record PrefixedDecoder(Seq2Seq plain, PromptConfig config, Supplier<Tensor> flat) implements Prefix, Both {
        @Override
        public Tensor forward(Inputs inputs, ForwardPass pass) {
            return Prefix.super.forward(inputs, pass);
        }

        @Override
        public Encoded encode(Inputs inputs, ForwardPass pass) {
            return plain.encode(inputs, pass);
        }
    }

    /// Vectors before the embeddings of what the encoder of an encoder-decoder reads.
    ///
    /// @param table `[rows, hidden]`, of which the first `count` stand before the text
    record PromptedEncoder(Seq2Seq plain, Tensor table, int count) implements Both {
        private Tensor vectors() {
            return table.narrow(0, 0, count);
        }

        @Override
        public Tensor forward(Inputs inputs, ForwardPass pass) {
            return plain.forward(inputs, pass);
        }

        @Override
        public Encoded encode(Inputs inputs, ForwardPass pass) {
            return plain.encode(behindPrompts(inputs, plain.encoderTokens(), vectors()), with(pass, count));
        }
    }

    /// Vectors before the embeddings of the text.
    ///
    /// @param table `[rows, hidden]`, of which the first `count` stand before the text
    record Prompted(TextBackbone plain, Tensor table, int count) implements VirtualTokens {
        private Tensor vectors() {
            return table.narrow(0, 0, count);
        }

        @Override
        public Tensor forward(Inputs inputs, ForwardPass pass) {
            KvState text = pass.cache();
            Tensor ids = inputs.ids();
            return text == null
                    ? whole(inputs, pass).narrow(1, count(), ids.size(1))
                    : plain.forward(inputs, behind(pass, count(), entries(text, ids.size(0), ids.device())));
        }

        @Override
        public Map<String, Tensor> outputs(Map<String, Tensor> inputs, ForwardPass pass) {
            var given = new Inputs(inputs);
            return Map.of("last_hidden_state", whole(given, given.in(pass)));
        }

        @Override
        public int prompts() {
            return count();
        }

        private Tensor whole(Inputs inputs, ForwardPass pass) {
            return plain.forward(behindPrompts(inputs, plain.tokens(), vectors()), with(pass, count));
        }

        /// The prompts' keys and values, computed with the first token of a text and kept beside its own.
        private List<Entry> entries(KvState text, long batch, Device device) {
            Entry all = text.encoded(this, () -> computed(batch, device));
            long heads = all.keys().size(1) / layers();
            return IntStream.range(0, layers()).mapToObj(layer -> new Entry(
                    all.keys().narrow(1, layer * heads, heads), all.values().narrow(1, layer * heads, heads)))
                    .toList();
        }

        /// Those of all layers beside each other, once for each row.
        private Entry computed(long batch, Device device) {
            try (var cache = KvCache.keepingAll()) {
                plain.forward(Inputs.ofVectors(vectors().unsqueeze(0)), ForwardPass.plain().withCache(cache));
                Map<String, Tensor> tensors = cache.tensors();
                return new Entry(beside(tensors, "keys", batch), beside(tensors, "values", batch));
            }
        }

        private Tensor beside(Map<String, Tensor> tensors, String what, long batch) {
            Tensor all = Tensor.cat(IntStream.range(0, layers())
                    .mapToObj(layer -> Objects.requireNonNull(tensors.get("layers." + layer + "." + what))).toList(),
                    1);
            return all.expand(batch, all.size(1), all.size(2), all.size(3));
        }
    }

    /// An encoder-decoder around another.
    interface Both extends VirtualTokens, Seq2Seq {
        @Override
        Seq2Seq plain();

        @Override
        default Tensor embed(Inputs inputs, ForwardPass pass) {
            return plain().embed(inputs, pass);
        }

        @Override
        default Tensor blocks(Tensor embedded, ForwardPass pass) {
            return plain().blocks(embedded, pass);
        }

        @Override
        default TextBackbone decoder() {
            return plain().decoder();
        }

        @Override
        default Embedding encoderTokens() {
            return plain().encoderTokens();
        }

        @Override
        default int encoderLayers() {
            return plain().encoderLayers();
        }

        @Override
        default Shift shift() {
            return plain().shift();
        }

        @Override
        default Sizes sizes() {
            return plain().sizes();
        }

        @Override
        default Embedding tokens() {
            return plain().tokens();
        }
    }

    /// The text's vectors `[batch, seq, hidden]` with the prompts' `[count, hidden]` before them.
    private static Inputs behindPrompts(Inputs inputs, Embedding tokens, Tensor prompts) {
        Tensor text = inputs.vectors(tokens, ForwardPass.plain());
        Tensor before = prompts.to(text.dtype()).unsqueeze(0).expand(text.size(0), prompts.size(0), prompts.size(1));
        return inputs.withVectors(Tensor.cat(List.of(before, text), 1));
    }

    /// For a text with keys and values before it: they are seen, and positions begin after them.
    private static ForwardPass behind(ForwardPass pass, int count, List<Entry> entries) {
        Tensor places = pass.positions();
        return pass.withCache(new KvPrefix(entries, pass.cache()))
                .withMask(pass.mask().map(keep -> wide(keep, count, 1)))
                .withPositions(places == null ? null : places.add(count));
    }

    /// For a text with prompts before it: they are seen, have the first positions and the first segment.
    private static ForwardPass with(ForwardPass pass, int count) {
        Tensor places = pass.positions();
        Tensor types = pass.tokenTypes();
        Tensor globals = pass.globals();
        return pass.withMask(pass.mask().map(keep -> wide(keep, count, 1)))
                .withTokenTypes(types == null ? null : wide(types, count, 0))
                .withGlobals(globals == null ? null : wide(globals, count, 0))
                .withPositions(places == null
                        ? null
                        : Tensor.cat(List.of(Tensor.arange(0, count).to(places.device()).to(places.dtype())
                                .unsqueeze(0).expand(places.size(0), count), places.add(count)), 1));
    }

    /// `[batch, seq]` with `count` columns of a number before it.
    private static Tensor wide(Tensor of, int count, int number) {
        if (of.dim() != 2) {
            throw new IllegalArgumentException(
                    "Prompts and prefixes need a mask of two axes, one number for each token; found one of " + of.dim()
                            + ", as packed examples have");
        }
        return Tensor.cat(List.of(Tensor.full(number, of.dtype(), of.size(0), count).to(of.device()), of), 1);
    }
}
