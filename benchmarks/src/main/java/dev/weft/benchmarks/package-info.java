/// How fast and how large, against a peer in the same run.
///
/// Start with [dev.weft.benchmarks.Compare], which runs [dev.weft.benchmarks.TrainStep] and PyTorch in turn;
/// [dev.weft.benchmarks.Soak] watches memory over a long run, [dev.weft.benchmarks.Loading] opens large checkpoints,
/// [dev.weft.benchmarks.TrainTokenizer] learns a vocabulary, [dev.weft.benchmarks.Encode] uses one.
/// `benchmarks/run.sh` starts them.
@NullMarked
package dev.weft.benchmarks;

import org.jspecify.annotations.NullMarked;
