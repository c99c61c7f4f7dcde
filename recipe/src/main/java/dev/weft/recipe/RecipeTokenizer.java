package dev.weft.recipe;

import dev.weft.run.Tokenizers;
import dev.weft.text.BytePairTrainer;
import dev.weft.text.CharacterTrainer;
import dev.weft.text.Corpus;
import dev.weft.text.Tokenizer;
import dev.weft.text.TokenizerTrainer;
import dev.weft.text.TrainingPipeline;
import dev.weft.text.UnigramTrainer;
import dev.weft.text.WordPieceTrainer;
import java.nio.file.Path;
import java.util.List;

/// The tokenizer of a recipe: one that is there, or one learned from the data.
final class RecipeTokenizer {
    /// What can be learned.
    static final List<String> KINDS = List.of("char", "bpe", "wordpiece", "unigram", "marian");

    private RecipeTokenizer() {}

    static Tokenizer of(Recipe recipe, TrainingTask task, RecipeData data, RunListener listener) {
        Recipe.TokenizerPart part = recipe.tokenizer();
        String from = part.from() == null ? recipe.model().from() : part.from();
        Tokenizer tokenizer = from == null || KINDS.contains(from)
                ? learned(recipe, task, from == null ? "bpe" : from, data, listener)
                : Tokenizers.load(Path.of(from));
        String[] added = recipe.model().addedTokens().toArray(String[]::new);
        return added.length == 0 ? tokenizer : tokenizer.withAddedTokens(true, added);
    }

    private static Tokenizer learned(Recipe recipe, TrainingTask task, String kind, RecipeData data,
            RunListener listener) {
        Recipe.TokenizerPart part = recipe.tokenizer();
        TokenizerTrainer trainer = trainer(part, task, kind);
        boolean files = !part.text().isEmpty() || !data.hasRows();
        Corpus corpus = files ? data.text().corpus() : Corpus.of(data.texts());
        Tokenizer tokenizer = trainer.train(corpus,
                (step, done, total) -> listener.working("tokenizer: " + step, done, total));
        if (kind.equals("bpe")) {
            return tokenizer.withSpecialToken("eos_token", ends(task));
        }
        if (!kind.equals("marian")) {
            return tokenizer;
        }
        List<String> languages = part.languages();
        if (languages.size() != 2) {
            throw new IllegalArgumentException(
                    "A marian tokenizer is of two languages, such as --languages en,de; found " + languages);
        }
        return tokenizer.asMarian(languages.getFirst(), languages.getLast());
    }

    private static boolean talks(TrainingTask task) {
        return task == TrainingTask.CHAT || task == TrainingTask.PREFERENCE;
    }

    /// What a model of texts ends with.
    private static String ends(TrainingTask task) {
        return talks(task) ? ChatMarks.CHAT_ML.getLast() : RecipeData.END_OF_TEXT;
    }

    private static TokenizerTrainer trainer(Recipe.TokenizerPart part, TrainingTask task, String kind) {
        return switch (kind) {
            case "char" -> new CharacterTrainer();
            case "bpe" -> {
                var trainer = BytePairTrainer.ofVocabSize(part.vocabSize())
                        .withSpecialTokens(talks(task)
                                ? new String[]{RecipeData.END_OF_TEXT, ChatMarks.CHAT_ML.getFirst(),
                                        ChatMarks.CHAT_ML.getLast()}
                                : new String[]{RecipeData.END_OF_TEXT});
                yield part.lowercase() ? trainer.withPipeline(trainer.pipeline().withLowercase()) : trainer;
            }
            case "wordpiece" -> WordPieceTrainer.ofVocabSize(part.vocabSize())
                    .withPipeline(TrainingPipeline.bert(part.lowercase()));
            case "marian" -> UnigramTrainer.ofVocabSize(part.vocabSize())
                    .withPipeline(part.lowercase()
                            ? TrainingPipeline.sentencePiece().withLowercase()
                            : TrainingPipeline.sentencePiece())
                    .withSpecialTokens("</s>", "<unk>", "<pad>");
            default -> {
                var trainer = UnigramTrainer.ofVocabSize(part.vocabSize());
                yield part.lowercase() ? trainer.withPipeline(trainer.pipeline().withLowercase()) : trainer;
            }
        };
    }
}
