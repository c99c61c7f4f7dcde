package dev.weft.recipe;

import dev.weft.checkpoint.Json;
import dev.weft.eval.UsualMetrics;
import dev.weft.models.Models;
import dev.weft.models.heads.PretrainedModel;
import dev.weft.models.heads.HeadKind;
import dev.weft.run.Generation;
import dev.weft.run.Task;
import dev.weft.run.pipeline.SentenceEmbedder.Pooling;
import dev.weft.tensor.DType;
import dev.weft.tensor.Device;
import dev.weft.text.Tokenizer;

/// How a model is scored. Start from [#usual].
///
/// @param task        what it is asked to do
/// @param maxLength   tokens of an example at most, special ones included; longer ones are cut, texts to questions read in
///                    windows
/// @param stride      tokens that such windows share
/// @param maxAnswer   tokens of an answer to a question at most
/// @param batchTokens tokens of a batch at most, padding included; an example that is longer has a batch of its own
/// @param precision   what is computed in under autocast: float32 for none
/// @param generation  how translations and summaries are made
/// @param prefix      what stands before each text that is translated or summarized
/// @param from        language of the texts, `""` where the model has one; as [dev.weft.run.pipeline.TextToText#from]
/// @param to          language of the translations
/// @param pooling     how sentences become vectors
/// @param maskShare   which part of the tokens a masked language model is asked for
/// @param seed        decides which
/// @param device      where the model is
public record AssessmentSettings(UsualMetrics task, int maxLength, int stride, int maxAnswer, long batchTokens,
        DType precision, Generation generation, String prefix, String from, String to, Pooling pooling,
        double maskShare, long seed, Device device) {
    private static final int LONGEST = 512;
    private static final int LONGEST_LANGUAGE = 1024;
    /// As in the reference's script.
    private static final int WINDOW = 384;
    private static final int STRIDE = 128;
    private static final int MAX_ANSWER = 30;
    private static final long BATCH_TOKENS = 4096;
    private static final double MASK_SHARE = 0.15;

    public AssessmentSettings {
        if (maxLength < 2 || stride < 0 || maxAnswer < 1 || batchTokens < 1) {
            throw new IllegalArgumentException(
                    "Needed are texts of 2 tokens, answers of 1 and batches of 1 at least, found %d, %d and %d, with a stride of %d"
                            .formatted(maxLength, maxAnswer, batchTokens, stride));
        }
        if (stride > maxLength / 2) {
            stride = maxLength / 2;
        }
    }

    /// The usual settings for the task that the model is made for.
    ///
    /// @throws IllegalArgumentException if the model does not tell
    public static AssessmentSettings usual(PretrainedModel model, Tokenizer tokenizer) {
        return usual(task(model, tokenizer), model, tokenizer);
    }

    /// The usual settings for a task.
    ///
    /// @throws IllegalArgumentException if the model has no head for it
    public static AssessmentSettings usual(UsualMetrics task, PretrainedModel model, Tokenizer tokenizer) {
        requireFits(task, model);
        Json config = model.context().config();
        int room = Math.min(model.textBackbone().maxPositions(), tokenizer.modelMaxLength().orElse(Integer.MAX_VALUE));
        int wanted = switch (task) {
            case QUESTION_ANSWERING -> WINDOW;
            case TEXT_GENERATION -> LONGEST_LANGUAGE;
            default -> LONGEST;
        };
        Json generation = model.context().generation();
        boolean told = config.has("task_specific_params") && config.object("task_specific_params").has(task.id());
        String prefix = config.text("prefix", "");
        Generation folder = generation == null
                ? Generation.greedy().with(config)
                : Generation.fromJson(generation, config);
        if (told) {
            Json own = config.object("task_specific_params").object(task.id());
            prefix = own.text("prefix", prefix);
            folder = folder.with(own);
        }
        return new AssessmentSettings(task, Math.min(room, wanted), STRIDE, MAX_ANSWER, BATCH_TOKENS, DType.FLOAT32,
                folder, prefix, "", "", Pooling.MEAN, MASK_SHARE, 0,
                model.parameters().values().iterator().next().device());
    }

    /// What a model is made for, by its head and its config.
    ///
    /// @throws IllegalArgumentException if that is several things
    public static UsualMetrics task(PretrainedModel model, Tokenizer tokenizer) {
        Json config = model.context().config();
        return switch (kind(model)) {
            case SEQUENCE_CLASSIFICATION -> switch (config.text("problem_type", "")) {
                case "regression" -> UsualMetrics.REGRESSION;
                case "multi_label_classification" -> UsualMetrics.MULTI_LABEL_CLASSIFICATION;
                default -> model.context().labels() == 1 ? UsualMetrics.REGRESSION : UsualMetrics.TEXT_CLASSIFICATION;
            };
            case TOKEN_CLASSIFICATION -> UsualMetrics.TOKEN_CLASSIFICATION;
            case QUESTION_ANSWERING -> UsualMetrics.QUESTION_ANSWERING;
            case MULTIPLE_CHOICE -> UsualMetrics.MULTIPLE_CHOICE;
            case MASKED_LANGUAGE, PRETRAINING -> UsualMetrics.FILL_MASK;
            case CAUSAL_LANGUAGE -> UsualMetrics.TEXT_GENERATION;
            case BASE, ENCODER -> UsualMetrics.SENTENCE_SIMILARITY;
            case SEQ2SEQ -> {
                if (Task.translates(config) || !tokenizer.languages().isEmpty()) {
                    yield UsualMetrics.TRANSLATION;
                }
                if (config.text("model_type", "").equals("pegasus")) {
                    yield UsualMetrics.SUMMARIZATION;
                }
                throw new IllegalArgumentException(
                        "A %s may translate or summarize; say which: translation or summarization"
                                .formatted(Models.architecture(config)));
            }
            case NEXT_SENTENCE -> throw new IllegalArgumentException(
                    "There is no usual metric for a " + Models.architecture(config));
        };
    }

    private static HeadKind kind(PretrainedModel model) {
        return HeadKind.of(Models.architecture(model.context().config()));
    }

    private static void requireFits(UsualMetrics task, PretrainedModel model) {
        HeadKind kind = kind(model);
        int labels = model.context().labels();
        boolean fits = switch (task) {
            case TEXT_CLASSIFICATION, MULTI_LABEL_CLASSIFICATION, REGRESSION ->
                kind == HeadKind.SEQUENCE_CLASSIFICATION;
            case TOKEN_CLASSIFICATION -> kind == HeadKind.TOKEN_CLASSIFICATION;
            case QUESTION_ANSWERING -> kind == HeadKind.QUESTION_ANSWERING;
            case MULTIPLE_CHOICE -> kind == HeadKind.MULTIPLE_CHOICE;
            case FILL_MASK -> kind == HeadKind.MASKED_LANGUAGE || kind == HeadKind.PRETRAINING;
            case TEXT_GENERATION -> kind == HeadKind.CAUSAL_LANGUAGE;
            case SENTENCE_SIMILARITY -> kind == HeadKind.BASE || kind == HeadKind.ENCODER;
            case TRANSLATION, SUMMARIZATION -> kind == HeadKind.SEQ2SEQ;
            case AUTOMATIC_SPEECH_RECOGNITION -> false;
        };
        if (!fits) {
            throw new IllegalArgumentException("The model is a %s, which cannot be scored at %s; it has no head for it"
                    .formatted(Models.architecture(model.context().config()), task.id()));
        }
        if (task == UsualMetrics.REGRESSION && labels != 1 || task == UsualMetrics.TEXT_CLASSIFICATION && labels < 2) {
            throw new IllegalArgumentException("%s needs a model with %s, this one has %d"
                    .formatted(task.id(), task == UsualMetrics.REGRESSION ? "one number" : "two labels or more",
                            labels));
        }
    }

    public AssessmentSettings withMaxLength(int tokens) {
        return new AssessmentSettings(task, tokens, stride, maxAnswer, batchTokens, precision, generation, prefix, from,
                to, pooling, maskShare, seed, device);
    }

    public AssessmentSettings withBatchTokens(long tokens) {
        return new AssessmentSettings(task, maxLength, stride, maxAnswer, tokens, precision, generation, prefix, from,
                to, pooling, maskShare, seed, device);
    }

    public AssessmentSettings withAnswers(int sharedTokens, int longest) {
        return new AssessmentSettings(task, maxLength, sharedTokens, longest, batchTokens, precision, generation,
                prefix, from, to, pooling, maskShare, seed, device);
    }

    public AssessmentSettings withPrecision(DType type) {
        return new AssessmentSettings(task, maxLength, stride, maxAnswer, batchTokens, type, generation, prefix, from,
                to, pooling, maskShare, seed, device);
    }

    public AssessmentSettings withGeneration(Generation how) {
        return new AssessmentSettings(task, maxLength, stride, maxAnswer, batchTokens, precision, how, prefix, from, to,
                pooling, maskShare, seed, device);
    }

    public AssessmentSettings withPrefix(String text) {
        return new AssessmentSettings(task, maxLength, stride, maxAnswer, batchTokens, precision, generation, text,
                from, to, pooling, maskShare, seed, device);
    }

    public AssessmentSettings withLanguages(String source, String target) {
        return new AssessmentSettings(task, maxLength, stride, maxAnswer, batchTokens, precision, generation, prefix,
                source, target, pooling, maskShare, seed, device);
    }

    public AssessmentSettings withPooling(Pooling how) {
        return new AssessmentSettings(task, maxLength, stride, maxAnswer, batchTokens, precision, generation, prefix,
                from, to, how, maskShare, seed, device);
    }

    public AssessmentSettings withMasks(double share, long which) {
        return new AssessmentSettings(task, maxLength, stride, maxAnswer, batchTokens, precision, generation, prefix,
                from, to, pooling, share, which, device);
    }
}
