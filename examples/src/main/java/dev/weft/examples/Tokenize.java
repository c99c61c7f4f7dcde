package dev.weft.examples;

import dev.weft.text.BytePairTrainer;
import dev.weft.text.Encoding;
import dev.weft.text.Padding;
import dev.weft.text.Tokenizer;
import dev.weft.text.TrainingPipeline;
import dev.weft.text.Truncation;
import dev.weft.text.UnigramTrainer;
import java.nio.file.Path;
import java.util.List;

/// Texts to ids, with any tokenizer of the Hub or one's own.
public final class Tokenize {
    private Tokenize() {}

    /// `Tokenize models/bert-base-uncased "Paris is the [MASK] of France."`
    public static void main(String... args) {
        show(Path.of(args[0]), args[1]);
    }

    static void show(Path folder, String text) {
        Tokenizer tokenizer = Tokenizer.load(folder);
        Encoding encoding = tokenizer.encode(text); // ids, tokens, places, word ids, type ids, special mask
        for (int i = 0; i < encoding.size(); i++) {
            String part = text.substring(encoding.starts()[i], encoding.ends()[i]);
            System.out.println(encoding.ids()[i] + " " + encoding.tokens()[i] + " \"" + part + "\"");
        }
    }

    static List<Encoding> windows(Tokenizer tokenizer, String question, String page) {
        return tokenizer.with(Truncation.windows(384, 128)).encodePair(question, page);
    }

    static List<Encoding> batch(Tokenizer tokenizer, List<String> texts) {
        return tokenizer.with(Truncation.to(512)).with(Padding.longest().multipleOf(8)).encodeAll(texts);
    }

    static Tokenizer train(List<Path> files, Path out) {
        var trainer = BytePairTrainer.ofVocabSize(16_000).withSpecialTokens("<|endoftext|>");
        Tokenizer tokenizer = trainer.train(files);
        tokenizer.save(out); // tokenizer.json, for Weft and for Python
        return tokenizer;
    }

    static void trainPieces(List<Path> files, Path out) {
        var trainer = UnigramTrainer.ofVocabSize(8_000).withPipeline(TrainingPipeline.sentencePiece());
        Tokenizer tokenizer = trainer.train(files);
        tokenizer.saveSentencePiece(out.resolve("spiece.model"));
        tokenizer.asMarian("en", "de").save(out.resolve("marian"));
    }
}
