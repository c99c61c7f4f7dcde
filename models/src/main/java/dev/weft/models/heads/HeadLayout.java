package dev.weft.models.heads;

import dev.weft.checkpoint.Json;
import dev.weft.models.heads.PooledHead.ByConfig;
import dev.weft.models.heads.PooledHead.Dense;
import dev.weft.models.heads.PooledHead.Pick;
import dev.weft.models.heads.PooledHead.Style;
import dev.weft.nn.Activation;
import dev.weft.nn.Dropout;
import dev.weft.nn.Init;
import dev.weft.nn.Linear;
import dev.weft.nn.Projection;
import dev.weft.nn.Weights;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What heads a family has and how its checkpoints name their weights.
///
/// @param vocabulary scores of ids: masked, causal, and of encoder-decoders
/// @param sequence   sequence classification
/// @param problem    what its labels are where the config does not say: see [SequenceClassification.Problem#of]
/// @param choice     multiple choice
/// @param pooling    what the base model pools with, or null
/// @param pretext    what pretraining asks beside or in place of masked tokens, or null
/// @param tokens     token classification
/// @param answers    question answering: where an answer begins and ends
/// @param choices    which kinds the family has
public record HeadLayout(VocabularyHead.Style vocabulary, ByConfig sequence, String problem, ByConfig choice,
        @Nullable Style pooling,
        @Nullable Pretext pretext, ByConfig tokens, Scores.Style answers, Set<HeadKind> choices) {
    /// What pretraining asks beside, or in place of, masked tokens.
    public sealed interface Pretext {
        /// Something about two sentences.
        ///
        /// @param names of what is computed and asked
        record Pair(Style question, Pretraining.Names names) implements Pretext {}

        /// Which tokens were replaced.
        ///
        /// @param dense  the projection before the last
        /// @param output the last one
        record Replaced(String dense, String output) implements Pretext {}
    }

    private static final Scores.Style ANSWERS = context -> Style.each("qa_outputs").withoutDropout().load(context,
            2)::forward;
    private static final Set<HeadKind> ENCODER_KINDS = Set.of(HeadKind.BASE, HeadKind.MASKED_LANGUAGE,
            HeadKind.CAUSAL_LANGUAGE, HeadKind.SEQUENCE_CLASSIFICATION, HeadKind.TOKEN_CLASSIFICATION,
            HeadKind.QUESTION_ANSWERING, HeadKind.MULTIPLE_CHOICE);
    private static final Set<HeadKind> DECODER_KINDS = Set.of(HeadKind.BASE, HeadKind.CAUSAL_LANGUAGE,
            HeadKind.SEQUENCE_CLASSIFICATION, HeadKind.TOKEN_CLASSIFICATION, HeadKind.QUESTION_ANSWERING);
    private static final Set<HeadKind> SEQ2SEQ_KINDS = Set.of(HeadKind.BASE, HeadKind.SEQ2SEQ,
            HeadKind.CAUSAL_LANGUAGE, HeadKind.ENCODER, HeadKind.SEQUENCE_CLASSIFICATION, HeadKind.TOKEN_CLASSIFICATION,
            HeadKind.QUESTION_ANSWERING);

    /// First parts of names that belong to heads, whichever family's.
    public static final Set<String> ROOTS = Set.of("cls", "lm_head", "classifier", "qa_outputs", "score",
            "pre_classifier", "vocab_transform", "vocab_layer_norm", "vocab_projector", "predictions",
            "sop_classifier", "generator_predictions", "generator_lm_head", "discriminator_predictions",
            "classification_head", "sequence_summary", "final_logits_bias", "head", "pooler", "qa_classifier",
            "lm_predictions", "mask_predictions", "embed_out");

    /// On the first token a projection and tanh, BERT's pooler, then `classifier`.
    public static Style pooled(String name) {
        return new Style(Pick.FIRST, List.of(Dense.pooler(name)), "classifier");
    }

    /// A vector by the settings `summary_type`, `summary_use_proj` and `summary_activation`, then `classifier`.
    public static ByConfig summary(String type, boolean projects, String activation) {
        return config -> {
            Pick pick = switch (config.text("summary_type", type)) {
                case "first" -> Pick.FIRST;
                case "last", "cls_index" -> Pick.VERY_LAST;
                default -> throw config.mustBe("summary_type", "first, last or cls_index");
            };
            String name = config.flag("summary_use_proj", projects) ? "sequence_summary.summary" : "";
            String after = config.text("summary_activation", activation);
            return new Style(pick,
                    List.of(Dense.of(name, after.isEmpty() ? Activation.IDENTITY : Activation.parse(after))),
                    "classifier");
        };
    }

    /// An encoder that pools for every head.
    public static HeadLayout encoder(VocabularyHead.Style vocabulary, Style pooled) {
        return new HeadLayout(vocabulary, pooled, "", pooled, pooled, null, Style.each("classifier"), ANSWERS,
                ENCODER_KINDS);
    }

    /// On the first token `classifier.dense`, an activation, `classifier.out_proj`.
    ///
    /// @param activation null: the family's own
    public static Style denseThenOut(@Nullable Activation activation) {
        return new Style(Pick.FIRST, List.of(Dense.of("classifier.dense", activation)), "classifier.out_proj");
    }

    /// A decoder's: `lm_head`, and `score` on the last token.
    ///
    /// @param tied whether the head is the input embedding where the config is silent
    public static HeadLayout decoder(boolean tied) {
        return decoder(VocabularyHead.plain("lm_head", false, tied));
    }

    /// A decoder's with other scores of ids.
    public static HeadLayout decoder(VocabularyHead.Style vocabulary) {
        var last = new Style(Pick.LAST, List.of(), "score", false, false);
        return new HeadLayout(vocabulary, last, "", last, null, null, Style.each("score"), ANSWERS, DECODER_KINDS);
    }

    /// An encoder-decoder's: `classification_head` on the decoder's last end token.
    public static HeadLayout seq2seq(VocabularyHead.Style vocabulary) {
        var last = new Style(Pick.LAST_END, List.of(Dense.of("classification_head.dense", Activation.TANH)),
                "classification_head.out_proj");
        return new HeadLayout(vocabulary, last, "", last, null, null, Style.each("classifier"), ANSWERS, SEQ2SEQ_KINDS);
    }

    /// With another way to one answer for a text.
    public HeadLayout withSequence(ByConfig other) {
        return new HeadLayout(vocabulary, other, problem, choice, pooling, pretext, tokens, answers, choices);
    }

    /// With what labels are where the config does not say: see [SequenceClassification.Problem#of].
    public HeadLayout withProblem(String other) {
        return new HeadLayout(vocabulary, sequence, other, choice, pooling, pretext, tokens, answers, choices);
    }

    /// With another way to choose among texts.
    public HeadLayout withChoice(ByConfig other) {
        return new HeadLayout(vocabulary, sequence, problem, other, pooling, pretext, tokens, answers, choices);
    }

    /// Without a pooler on the base model.
    public HeadLayout withoutPooling() {
        return new HeadLayout(vocabulary, sequence, problem, choice, null, pretext, tokens, answers, choices);
    }

    /// With another name of the projection to classes of tokens.
    public HeadLayout withTokens(String name) {
        return new HeadLayout(vocabulary, sequence, problem, choice, pooling, pretext, Style.each(name), answers,
                choices);
    }

    /// With other scores of single positions: classes, and where an answer begins and ends.
    public HeadLayout withEach(ByConfig tokenClasses, Scores.Style answerEnds) {
        return new HeadLayout(vocabulary, sequence, problem, choice, pooling, pretext, tokenClasses, answerEnds,
                choices);
    }

    /// With what pretraining asks.
    public HeadLayout withPretext(Pretext other) {
        return new HeadLayout(vocabulary, sequence, problem, choice, pooling, other, tokens, answers, choices)
                .with(HeadKind.PRETRAINING);
    }

    /// With one kind of head more.
    public HeadLayout with(HeadKind kind) {
        var all = EnumSet.copyOf(choices);
        all.add(kind);
        return new HeadLayout(vocabulary, sequence, problem, choice, pooling, pretext, tokens, answers,
                Set.copyOf(all));
    }

    /// Without a kind of head.
    public HeadLayout without(HeadKind kind) {
        var all = EnumSet.copyOf(choices);
        all.remove(kind);
        return new HeadLayout(vocabulary, sequence, problem, choice, pooling, pretext, tokens, answers,
                Set.copyOf(all));
    }

    /// What a folder holds most often that does not say: an encoder's base model, an encoder-decoder, a language model.
    public HeadKind usual() {
        return choices.contains(HeadKind.MASKED_LANGUAGE)
                ? HeadKind.BASE
                : choices.contains(HeadKind.SEQ2SEQ) ? HeadKind.SEQ2SEQ : HeadKind.CAUSAL_LANGUAGE;
    }

    /// The head of a kind, with weights read, or made new where the context's weights allow it.
    ///
    /// @throws IllegalArgumentException if the family has no such head
    public PretrainedModel load(HeadKind kind, HeadContext context) {
        if (!choices.contains(kind)) {
            throw new IllegalArgumentException("%s has no head %s; it has %s".formatted(
                    context.config().text("model_type"), kind.ending(),
                    choices.stream().sorted().map(HeadKind::ending).toList()));
        }
        int labels = context.labels();
        return switch (kind) {
            case BASE, ENCODER -> new BareModel(context,
                    pooling != null && pooling.present(context) ? pooling.load(context) : null);
            case SEQ2SEQ -> new ConditionalLanguageModel(context, vocabulary.load(context));
            case MASKED_LANGUAGE -> {
                Projection scores = vocabulary.load(context);
                yield new TokenModel(context, (hidden, inputs, drop) -> scores.forward(hidden));
            }
            case CAUSAL_LANGUAGE -> new CausalLanguageModel(context, vocabulary.load(context),
                    !choices.contains(HeadKind.SEQ2SEQ));
            case PRETRAINING -> switch (Objects.requireNonNull(pretext)) {
                case Pretext.Pair(Style question, Pretraining.Names names) ->
                    new Pretraining(context, vocabulary.load(context), question.load(context, 2), names);
                case Pretext.Replaced replaced -> new ReplacedTokens(context, scores(context, replaced));
            };
            case NEXT_SENTENCE -> new SequenceClassification(context,
                    ((Pretext.Pair) Objects.requireNonNull(pretext)).question().load(context, 2),
                    "single_label_classification");
            case SEQUENCE_CLASSIFICATION -> new SequenceClassification(context,
                    sequence.style(context.config()).load(context, labels),
                    context.config().text("problem_type", problem));
            case MULTIPLE_CHOICE -> new MultipleChoice(context, choice.style(context.config()).load(context, 1));
            case TOKEN_CLASSIFICATION ->
                new TokenModel(context, tokens.style(context.config()).load(context, labels)::forward);
            case QUESTION_ANSWERING -> new QuestionAnswering(context, answers.load(context));
        };
    }

    private static Projection scores(HeadContext context, Pretext.Replaced replaced) {
        Projection dense = projection(context, replaced.dense(), context.hidden());
        Projection output = projection(context, replaced.output(), 1);
        return x -> output.forward(context.activation().forward(dense.forward(x)));
    }

    private static Projection projection(HeadContext context, String name, int outputs) {
        Weights place = context.weights().at(name);
        Init init = context.backbone().init();
        return Linear.load(place, context.hidden(), outputs, true, init);
    }
}
