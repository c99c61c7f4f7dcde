package dev.weft.eval.picture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.eval.Calibration;
import dev.weft.eval.ConfusionMatrix;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

class PictureTest {
    @Test
    void a_confusion_matrix_has_a_field_for_each_pair_and_all_counts() throws Exception {
        var matrix = new ConfusionMatrix(List.of("z", "a<b>&\u0007"));
        matrix.add("z", "z");
        matrix.add("a<b>&\u0007", "z");
        matrix.add("other", "other");
        assertThat(matrix.labels()).containsExactly("z", "a<b>&\u0007", "other");
        Document svg = parsed(matrix.svg());
        assertThat(texts(svg)).contains("expected ↓   predicted →", "a<b>&\uFFFD", "other", "z");
        assertThat(svg.getElementsByTagName("rect").getLength()).isEqualTo(1 + 9);
        assertThat(texts(svg).stream().filter(text -> text.matches("\\d+"))).containsExactly("1", "1", "0", "0", "0",
                "0", "0", "0", "1");
    }

    @Test
    void a_reliability_curve_has_a_bar_for_each_bin_and_its_error() throws Exception {
        var calibration = new Calibration(10);
        calibration.add(0.95, true);
        calibration.add(0.15, false);
        Document svg = parsed(calibration.svg());
        assertThat(svg.getElementsByTagName("rect").getLength()).isEqualTo(1 + 2);
        assertThat(svg.getElementsByTagName("polyline").getLength()).isEqualTo(2);
        assertThat(texts(svg)).contains("accuracy; expected calibration error 0.1000", "confidence");
    }

    @Test
    void a_long_curve_is_thinned_to_the_width_of_the_picture() throws Exception {
        List<Chart.Point> points = IntStream.range(0, 100_000).mapToObj(i -> new Chart.Point(i, i % 2)).toList();
        Document svg = parsed(new Chart("step", new Chart.Range(0, 100_000), "%.0f", new Chart.Range(0, 1), "%.2f")
                .line(points, "red", 1).svg());
        String drawn = ((Element) svg.getElementsByTagName("polyline").item(0)).getAttribute("points");
        assertThat(drawn.split(" ").length).isBetween(400, 1600);
    }

    @Test
    void dots_stand_over_ticks_of_ones_own() throws Exception {
        Document svg = parsed(new Chart("optimizer", new Chart.Range(-0.5, 1.5),
                List.of(new Chart.Tick(0, "adamw"), new Chart.Tick(1, "lion")), new Chart.Range(0, 1), "%.1f")
                .dots(List.of(new Chart.Point(0, 0.5), new Chart.Point(1, 1)), "red").svg());
        assertThat(texts(svg)).contains("adamw", "lion", "1.0").hasSize(5 + 2 + 1);
        var dots = svg.getElementsByTagName("circle");
        assertThat(dots.getLength()).isEqualTo(2);
        Element high = (Element) dots.item(1);
        assertThat(high.getAttribute("cy")).isEqualTo("12.0");
    }

    @Test
    void what_cannot_be_drawn_is_refused() {
        assertThatThrownBy(() -> new Chart.Range(1, 1)).hasMessageContaining("upwards");
        assertThatThrownBy(() -> new HeatMap("r", List.of("a"), "c", List.of("b", "c"), new double[][]{{1}},
                new String[][]{{"1"}})).hasMessageContaining("Row a: expected 2 columns, found 1");
    }

    private static List<String> texts(Document svg) {
        var texts = svg.getElementsByTagName("text");
        return IntStream.range(0, texts.getLength()).mapToObj(i -> texts.item(i).getTextContent()).toList();
    }

    private static Document parsed(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)));
    }
}
