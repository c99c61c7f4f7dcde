package dev.weft.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonTest {
    private static Json config(String text) {
        return Json.parse("config.json", text);
    }

    @Test
    void values_are_read_by_name_and_type() {
        Json config = config("""
                {"n_embd": 8, "eps": 1e-5, "tied": true, "act": "gelu", "eos": [1, 2], "pad": -1, "none": null,
                 "rope": {"factor": 2}, "limit": [0.0, Infinity], "layers": [{"a": 1}, {"a": 2}]}""");
        assertThat(config.positive("hidden_size", "n_embd")).isEqualTo(8);
        assertThat(config.positive(config.first("hidden_size", "d_model"), 7)).isEqualTo(7);
        assertThat(config.number("eps")).isEqualTo(1e-5);
        assertThat(config.number("n_embd")).isEqualTo(8);
        assertThat(config.flag("tied")).isTrue();
        assertThat(config.flag("none", true)).isTrue();
        assertThat(config.text("act")).isEqualTo("gelu");
        assertThat(config.integer("pad")).isEqualTo(-1);
        assertThat(config.integers("eos")).containsExactly(1, 2);
        assertThat(config.integers("pad")).containsExactly(-1);
        assertThat(config.has("none")).isFalse();
        assertThat(config.object("rope").number("factor")).isEqualTo(2);
        assertThat(config.numbers("limit")).containsExactly(0.0, Double.POSITIVE_INFINITY);
        assertThat(config.objects("layers")).extracting(layer -> layer.integer("a")).containsExactly(1, 2);
        assertThat(config.names()).startsWith("n_embd", "eps");
    }

    @Test
    void a_wrong_value_is_named_with_what_was_found() {
        Json config = config("{\"n_head\": \"four\", \"zero\": 0, \"big\": 3000000000, \"rope\": {\"factor\": []}, "
                + "\"ids\": [1, \"x\"], \"none\": null}");
        assertThatThrownBy(() -> config.positive("n_head"))
                .hasMessage("config.json: \"n_head\" must be a positive integer, found \"four\"");
        assertThatThrownBy(() -> config.positive("zero"))
                .hasMessage("config.json: \"zero\" must be a positive integer, found 0");
        assertThatThrownBy(() -> config.integer("big"))
                .hasMessage("config.json: \"big\" must be an integer, found 3000000000");
        assertThatThrownBy(() -> config.object("rope").number("factor"))
                .hasMessage("config.json: \"rope.factor\" must be a number, found []");
        assertThatThrownBy(() -> config.integers("ids"))
                .hasMessage("config.json: \"ids\" must be a list of integers, found [1,\"x\"]");
        assertThatThrownBy(() -> config.integer("hidden_size", "n_embd"))
                .hasMessage("config.json: \"hidden_size\" or \"n_embd\" is missing; it must be an integer");
        assertThatThrownBy(() -> config.text("none")).hasMessage("config.json: \"none\" is missing; it must be a text");
        assertThat(config.mustBe("n_head", "4").getMessage())
                .isEqualTo("config.json: \"n_head\" must be 4, found \"four\"");
    }

    @Test
    void a_number_that_fits_no_double_is_refused() {
        Json config = config("{\"a\": 1%s, \"b\": [1, 1%s], \"c\": 1e999}".formatted("0".repeat(400), "0".repeat(400)));
        assertThatThrownBy(() -> config.number("a")).isExactlyInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("config.json: \"a\" must be a number, found 1000");
        assertThatThrownBy(() -> config.numbers("b")).isExactlyInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("config.json: \"b\" must be a list of numbers, found [1,1000");
        assertThatThrownBy(() -> config.positive("a")).hasMessageStartingWith("config.json: \"a\" must be a positive");
        assertThat(config.number("c")).isEqualTo(Double.POSITIVE_INFINITY);
    }

    @Test
    void more_text_than_settings_need_is_refused(@TempDir Path folder) throws IOException {
        assertThatThrownBy(() -> config("{\"a\": [" + "{},".repeat(5_000_000) + "0]}"))
                .isExactlyInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("config.json: not valid JSON");
        Path large = folder.resolve("config.json");
        try (var file = new RandomAccessFile(large.toFile(), "rw")) {
            file.setLength(200_000_000);
        }
        assertThatThrownBy(() -> Json.read(large))
                .hasMessage(large + ": 200000000 bytes are no settings; the limit is 100000000");
    }

    @Test
    void what_is_no_json_object_is_refused_with_its_place() {
        assertThatThrownBy(() -> config("{\"a\": 1,\n \"a\": 2}")).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("config.json: not valid JSON at line 2, column ")
                .hasMessageContaining("\"a\"");
        assertThatThrownBy(() -> config("{\"a\": ")).hasMessageStartingWith("config.json: not valid JSON at line 1");
        assertThatThrownBy(() -> config("{} x")).hasMessageStartingWith("config.json: not valid JSON");
        assertThatThrownBy(() -> config("[1]")).hasMessage("config.json: must be a JSON object, found [1]");
        assertThatThrownBy(() -> config("")).hasMessageStartingWith("config.json: ");
    }

    @Test
    void an_object_is_written_in_its_order(@TempDir Path folder) throws IOException {
        var node = Json.object().put("b", 1);
        node.put("a", 1e-5).putArray("list").add(1).add(2);
        Json.write(folder.resolve("x.json"), node);
        assertThat(Files.readString(folder.resolve("x.json"))).isEqualTo("""
                {
                  "b": 1,
                  "a": 1.0E-5,
                  "list": [
                    1,
                    2
                  ]
                }
                """);
        assertThat(Json.read(folder.resolve("x.json")).node()).isEqualTo(node);
        assertThatThrownBy(() -> Json.read(folder.resolve("y.json")))
                .hasMessageEndingWith("y.json: there is no such file");
    }
}
