package dev.weft.examples;

import dev.weft.eval.Bleu;
import dev.weft.eval.Chrf;
import dev.weft.eval.Classification;
import dev.weft.eval.Report;
import dev.weft.eval.UsualMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Scores answers that lie in files already: `Score translations.txt references.txt`, one sentence a line.
public final class Score {
    private Score() {}

    public static void main(String[] args) throws IOException {
        List<String> translations = Files.readAllLines(Path.of(args[0]));
        List<String> references = Files.readAllLines(Path.of(args[1]));
        System.out.print(translation(translations, references).table());
    }

    static Report translation(List<String> translations, List<String> references) {
        var bleu = new Bleu();
        var chrf = new Chrf();
        for (int i = 0; i < translations.size(); i++) {
            bleu.add(translations.get(i), List.of(references.get(i)));
            chrf.add(translations.get(i), List.of(references.get(i)));
        }
        return UsualMetrics.TRANSLATION.report(bleu, chrf);
    }

    static void confusion(List<String> predicted, List<String> expected, Path picture) throws IOException {
        var metric = new Classification();
        for (int i = 0; i < predicted.size(); i++) {
            metric.add(predicted.get(i), expected.get(i));
        }
        Files.writeString(picture, metric.matrix().svg());
    }
}
