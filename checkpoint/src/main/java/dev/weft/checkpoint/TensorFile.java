package dev.weft.checkpoint;

import dev.weft.tensor.DType;
import dev.weft.tensor.Tensor;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;

/// A file of named tensors.
public interface TensorFile extends AutoCloseable {
    /// Opens a `.safetensors` or `.gguf` file, or a PyTorch archive under any other name.
    ///
    /// @throws IllegalArgumentException if it is missing or not what its name says
    static TensorFile open(Path file) {
        String name = file.toString().toLowerCase(Locale.ROOT);
        if (name.endsWith(Gguf.SUFFIX)) {
            return Gguf.open(file);
        }
        return name.endsWith(".safetensors") ? Safetensors.open(file) : TorchArchive.open(file);
    }

    Path file();

    /// The names, in the order of the file.
    Set<String> names();

    /// @throws IllegalArgumentException if there is no tensor of this name
    DType dtype(String name);

    /// @throws IllegalArgumentException if there is no tensor of this name
    long[] shape(String name);

    /// The tensor, born in the current scope: a view of the mapped file where type and place allow, else a copy. The file
    /// stays mapped as long as one of its tensors lives, closed or not; writing to a tensor never changes the file.
    ///
    /// @throws IllegalArgumentException if there is no tensor of this name
    Tensor tensor(String name);

    /// Lets go of the file; tensors handed out stay valid.
    @Override
    void close();
}
