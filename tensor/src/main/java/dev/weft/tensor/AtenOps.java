package dev.weft.tensor;

import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.ListType;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.OptionalType;
import org.bytedeco.pytorch.TensorType;
import org.bytedeco.pytorch.Type;
import org.bytedeco.pytorch.global.torch;

/// Operators that the presets do not bind (all whose name begins with `_`), called by name through LibTorch's dispatcher.
///
/// A boxed call costs about 10 µs: right for fused work, wrong for small operations. [#schemas] lists every schema
/// used, so that a test can resolve them all and a change of version fails loudly.
final class AtenOps {
    /// A schema as LibTorch prints it, up to the arrow.
    enum Op {
        FUSED_ADAMW("aten::_fused_adamw_", "",
                "(Tensor(a!)[] self, Tensor(b!)[] grads, Tensor(c!)[] exp_avgs, Tensor(d!)[] exp_avg_sqs, "
                        + "Tensor(e!)[] max_exp_avg_sqs, Tensor[] state_steps, *, float lr, float beta1, float beta2, "
                        + "float weight_decay, float eps, bool amsgrad, bool maximize, Tensor? grad_scale=None, "
                        + "Tensor? found_inf=None)"), FOREACH_NORM("aten::_foreach_norm", "Scalar",
                                "(Tensor[] self, Scalar ord=2, ScalarType? dtype=None)"), FOREACH_MUL(
                                        "aten::_foreach_mul_", "Tensor",
                                        "(Tensor(a!)[] self, Tensor other)"), FOREACH_ADD("aten::_foreach_add_",
                                                "Scalar", "(Tensor(a!)[] self, Scalar scalar)"), SOFTMAX_OUT(
                                                        "aten::_softmax", "out",
                                                        "(Tensor self, int dim, bool half_to_float, *, Tensor(a!) out)"), SOFTMAX_BACKWARD_OUT(
                                                                "aten::_softmax_backward_data", "out",
                                                                "(Tensor grad_output, Tensor output, int dim, ScalarType input_dtype, *, Tensor(a!) grad_input)"), REORDER_LINEAR_WEIGHT(
                                                                        "mkldnn::_reorder_linear_weight", "",
                                                                        "(Tensor self, int? batch_size=None)"), LINEAR_POINTWISE(
                                                                                "mkldnn::_linear_pointwise", "",
                                                                                "(Tensor X, Tensor W, Tensor? B, str attr, Scalar?[] scalars, str? algorithm)"), LINEAR_PREPACK_FP16(
                                                                                        "quantized::linear_prepack_fp16",
                                                                                        "",
                                                                                        "(Tensor W, Tensor? B=None)"), LINEAR_DYNAMIC_FP16(
                                                                                                "quantized::linear_dynamic_fp16",
                                                                                                "",
                                                                                                "(Tensor X, __torch__.torch.classes.quantized.LinearPackedParamsBase W_prepack)");

        private final String name;
        private final String overload;
        private final String arguments;

        Op(String name, String overload, String arguments) {
            this.name = name;
            this.overload = overload;
            this.arguments = arguments;
        }

        String schemaStart() {
            return name + (overload.isEmpty() ? "" : "." + overload) + arguments;
        }
    }

    private static final Map<Op, OperatorHandle> HANDLES = new ConcurrentHashMap<>();

    private AtenOps() {}

    static List<Op> schemas() {
        return List.of(Op.values());
    }

    static OperatorHandle resolve(Op op) {
        Engine.start();
        return HANDLES.computeIfAbsent(op, missing -> {
            try {
                return Dispatcher.singleton().findSchemaOrThrow(missing.name, missing.overload);
            } catch (RuntimeException e) {
                throw new TensorException("This LibTorch has no operator " + missing.schemaStart(), e);
            }
        });
    }

    /// The schema as this LibTorch has it, written out.
    static String printed(Op op) {
        try (var schema = resolve(op).schema(); var text = torch.toString(schema)) {
            return text.getString();
        }
    }

    /// Calls with the arguments in the order of the schema. A `Tensor[]` array becomes a list, null becomes None.
    ///
    /// @return the stack of results, to be closed
    static IValueVector call(Op op, Object... arguments) {
        var stack = new IValueVector();
        for (Object argument : arguments) {
            try (IValue value = boxed(argument)) {
                stack.push_back(value);
            }
        }
        try {
            resolve(op).callBoxed(stack);
            return stack;
        } catch (RuntimeException e) {
            stack.close();
            throw TensorException.refused(op.name, new Tensor[0], e);
        }
    }

    /// The same for an operator with one result, which is the caller's.
    static org.bytedeco.pytorch.Tensor result(Op op, Object... arguments) {
        try (IValueVector stack = call(op, arguments); IValue first = stack.get(0); var borrowed = first.toTensor()) {
            return new org.bytedeco.pytorch.Tensor(borrowed);
        }
    }

    private static IValue boxed(Object argument) {
        return switch (argument) {
            case Tensor tensor -> new IValue(tensor.peer());
            case org.bytedeco.pytorch.Tensor peer -> new IValue(peer);
            case Tensor[] tensors -> list(tensors);
            case Double number -> new IValue(number);
            case Long number -> new IValue(number);
            case Boolean flag -> new IValue(flag);
            case DType dtype -> new IValue(dtype.scalarType());
            case None none -> new IValue();
            case IValue ready -> new IValue(ready);
            default -> throw new IllegalArgumentException("No IValue for " + argument.getClass());
        };
    }

    /// An optional argument not given.
    enum None {
        NONE
    }

    /// An empty list of optional numbers.
    static IValue noScalars() {
        try (var numbers = ListType.ofNumbers();
                var number = numbers.getElementType();
                var optional = OptionalType.get(number);
                var list = new GenericList(optional)) {
            return new IValue(list);
        }
    }

    private static IValue list(Tensor[] tensors) {
        // Without the Type.TypePtr the JVM crashes.
        try (var type = new Type.TypePtr(TensorType.get()); var list = new GenericList(type)) {
            for (Tensor tensor : tensors) {
                try (var value = new IValue(tensor.peer())) {
                    list.push_back(value);
                }
            }
            return new IValue(list);
        }
    }
}
