package dev.weft.tensor;

/// What LibTorch refused, said in one line with the shapes that were given.
public final class TensorException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TensorException(String message) {
        super(message);
    }

    TensorException(String message, Throwable cause) {
        super(message, cause);
    }

    /// LibTorch's message ends where its native backtrace begins.
    static TensorException refused(String operation, Tensor[] arguments, RuntimeException cause) {
        var text = new StringBuilder(operation).append('(');
        for (int i = 0; i < arguments.length; i++) {
            text.append(i == 0 ? "" : ", ").append(arguments[i].signature());
        }
        String message = String.valueOf(cause.getMessage());
        int backtrace = message.indexOf("\nException raised from");
        String reason = (backtrace < 0 ? message : message.substring(0, backtrace)).strip().replace('\n', ' ');
        return new TensorException(text.append("): ").append(reason).toString(), cause);
    }
}
