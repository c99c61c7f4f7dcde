package dev.weft.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.weft.tensor.DType;
import dev.weft.tensor.TensorScope;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TorchArchiveTest {
    private static final String STORAGE = "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpuK\6tQ";

    /// An OrderedDict of `w`, a parameter of 2 × 3, and `t`, the same numbers turned, with the state that modules have.
    static final String PICKLE = "\u0080\2ccollections\nOrderedDict\n)R("
            + "X\1\0\0\0wctorch._utils\n_rebuild_parameter\n(ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE
            + "K\0K\2K\3\u0086K\3K\1\u0086\u0089ccollections\nOrderedDict\n)RtR\u0088ccollections\nOrderedDict\n)RtR"
            + "X\1\0\0\0tctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE
            + "K\0K\3K\2\u0086K\1K\3\u0086\u0089ccollections\nOrderedDict\n)RtRu"
            + "}X\u0009\0\0\0_metadataccollections\nOrderedDict\n)Rsb.";

    @TempDir
    Path folder;
    private TensorScope scope;

    @BeforeEach
    void open() {
        scope = TensorScope.open();
    }

    @AfterEach
    void close() {
        scope.close();
    }

    static byte[] archive(Path file, String pickle) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var zip = new ZipOutputStream(bytes)) {
            put(zip, "archive/data.pkl", pickle.getBytes(StandardCharsets.ISO_8859_1));
            put(zip, "archive/byteorder", "little".getBytes(StandardCharsets.ISO_8859_1));
            ByteBuffer numbers = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 1; i <= 6; i++) {
                numbers.putFloat(i);
            }
            put(zip, "archive/data/0", numbers.array());
        }
        Files.write(file, bytes.toByteArray());
        return bytes.toByteArray();
    }

    private static void put(ZipOutputStream zip, String name, byte[] content) throws IOException {
        var entry = new ZipEntry(name);
        var sum = new CRC32();
        sum.update(content);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(content.length);
        entry.setCrc(sum.getValue());
        zip.putNextEntry(entry);
        zip.write(content);
    }

    private Path archive(String pickle) throws IOException {
        Path file = folder.resolve("pytorch_model.bin");
        archive(file, pickle);
        return file;
    }

    @Test
    void parameters_and_turned_views_are_read() throws IOException {
        try (TensorFile file = TensorFile.open(archive(PICKLE))) {
            assertThat(file.names()).containsExactly("w", "t");
            assertThat(file.dtype("w")).isEqualTo(DType.FLOAT32);
            assertThat(file.shape("t")).containsExactly(3, 2);
            assertThat(file.tensor("w").toFloats()).containsExactly(1, 2, 3, 4, 5, 6);
            assertThat(file.tensor("t").toFloats()).containsExactly(1, 4, 2, 5, 3, 6);
            assertThatThrownBy(() -> file.tensor("x")).hasMessageEndingWith(".bin: has no tensor `x`");
        }
    }

    @Test
    void a_pickle_that_wants_to_run_something_is_refused_by_name() throws IOException {
        Path marker = folder.resolve("ran");
        String command = "touch " + marker;
        refused("\u0080\2cposix\nsystem\nX" + (char) command.length() + "\0\0\0" + command + "\u0085R.",
                "the pickle asks for \"posix.system\", which is no tensor; Weft runs no code from files");
        refused("\u0080\4\u008c\10builtins\u008c\4eval\u0093.", "the pickle asks for \"builtins.eval\"");
        refused("\u0080\2ctorch._utils\n_rebuild_tensor_v2\nimarker\nx\n.", "the pickle has the operation 0x69");
        assertThat(marker).doesNotExist();
    }

    @Test
    void what_lies_outside_its_numbers_is_refused() throws IOException {
        String good = "\u0080\2}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE
                + "K\0K\2K\3\u0086K\3K\1\u0086\u0089}tRs.";
        try (var file = TorchArchive.open(archive(good))) {
            assertThat(file.tensor("w").toFloats()).hasSize(6);
        }
        refused(good.replace("K\0K\2", "K\1K\2"), "a tensor of shape \\[2, 3\\], strides \\[3, 1\\] and offset 1 lies");
        refused(good.replace("K\6tQ", "K\7tQ"), "`archive/data/0` has 24 bytes for 7 numbers of float32");
        refused(good.replace("\0\0\0000X", "\0\0\0001X"), "the numbers of `archive/data/1` are missing");
        refused(good.replace("K\3K\1\u0086", "J\377\377\377\377K\1\u0086"), "a tensor of shape .* strides \\[-1, 1\\]");
        refused("\u0080\2}X\1\0\0\0wK\1s.", "`w` is no tensor; save the state_dict");
        refused("\u0080\2K\1.", "holds no dict of tensors");
        refused("\u0080\2}", "the pickle is broken");
        refused(good.replace("K\2K\3\u0086", "(" + "K\1".repeat(65) + "t"),
                "a tensor of 65 axes; PyTorch knows at most 64");
        refused("\u0080\2" + "}".repeat(5_000_000), "the pickle has more than 5000000 operations");
    }

    @Test
    void a_file_that_is_no_archive_is_refused() throws IOException {
        Path file = Files.write(folder.resolve("old.bin"), new byte[300]);
        assertThatThrownBy(() -> TorchArchive.open(file)).hasMessageStartingWith(file + ": neither a zip file");
        byte[] good = archive(folder.resolve("good.bin"), PICKLE);
        Files.write(file, java.util.Arrays.copyOf(good, good.length - 30));
        assertThatThrownBy(() -> TorchArchive.open(file)).hasMessageStartingWith(file + ": neither a zip file");
        try (var zip = new ZipOutputStream(Files.newOutputStream(file))) {
            zip.putNextEntry(new ZipEntry("archive/data.pkl"));
            zip.write(new byte[100]);
        }
        assertThatThrownBy(() -> TorchArchive.open(file))
                .hasMessageStartingWith(file + ": `archive/data.pkl` is compressed");
    }

    private void refused(String pickle, String reason) throws IOException {
        Path file = archive(pickle);
        assertThatThrownBy(() -> TorchArchive.open(file)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(file + ": ")
                .hasMessageMatching(".*: " + reason + ".*")
                .hasMessageNotContaining("\n");
    }
}
