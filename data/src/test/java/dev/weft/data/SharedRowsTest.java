package dev.weft.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// The public data sets have as many examples as their authors say.
class SharedRowsTest {
    private static Rows sst2(String part) {
        return Rows.of(List.of(SharedData.path("sst2/" + part)),
                new Format.Delimited('\t', false, List.of("sentence", "label")));
    }

    @Test
    void sst2_has_its_sentences() {
        assertThat(sst2("train.tsv").count()).isEqualTo(6920);
        assertThat(sst2("dev.tsv").count()).isEqualTo(872);
        assertThat(sst2("dev.tsv").where(row -> row.label("label").equals("1")).count()).isEqualTo(444);
        assertThat(sst2("dev.tsv").alsoIn(sst2("train.tsv"), Set.of("sentence"))).isBetween(0L, 20L);
    }

    @Test
    void multi30k_has_its_pairs() {
        Rows pairs = Rows.parallel("en", Rows.of(List.of(SharedData.path("multi30k/train.en.gz")), new Format.Lines()),
                "de", Rows.of(List.of(SharedData.path("multi30k/train.de.gz")), new Format.Lines()));

        assertThat(pairs.count()).isEqualTo(29_000);
    }

    @Test
    void the_entity_sets_have_their_sentences_and_mentions() {
        Rows disease = Rows.of(List.of(SharedData.path("ncbi-disease/train.tsv.gz")), new Format.Conll());
        Rows tweets = Rows.of(SharedData.path("wnut17/train.conll"));

        assertThat(disease.count()).isEqualTo(5432);
        assertThat(RowsTest.all(disease).stream().flatMap(row -> row.labels("tags").stream())
                .filter("B-Disease"::equals)).hasSize(5145);
        assertThat(tweets.count()).isEqualTo(3394);
    }

    @Test
    void every_answer_of_squad_stands_where_it_should() {
        Rows squad = Rows.of(SharedData.path("squad/train.json.gz"));

        assertThat(squad.count()).isEqualTo(6306);
        squad.forEach(row -> {
            Row.Answers answers = row.answers("answers");
            String context = row.text("context");
            for (int i = 0; i < answers.texts().size(); i++) {
                int start = context.offsetByCodePoints(0, answers.starts().get(i).intValue());
                assertThat(context.startsWith(answers.texts().get(i), start)).as(row.place()).isTrue();
            }
        });
    }

    @Test
    void summaries_and_instructions_have_their_columns() {
        Rows summaries = Rows.of(SharedData.path("scitldr/train.jsonl.gz"));
        Rows instructions = Rows.of(SharedData.path("instruct/llms-from-scratch.json"));

        assertThat(summaries.count()).isEqualTo(1992);
        assertThat(summaries.columns()).contains("source", "target", "title");
        assertThat(instructions.count()).isEqualTo(990);
        assertThat(instructions.columns()).containsExactly("instruction", "input", "output");
        assertThat(Rows.of(SharedData.path("instruct/seed-tasks.jsonl")).count()).isEqualTo(175);
    }
}
