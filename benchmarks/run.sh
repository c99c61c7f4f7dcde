#!/usr/bin/env bash
# Measures Weft against PyTorch and adds lines to RESULTS.md: run.sh [ROUNDS] [--layers 6 --hidden 384 ...]
# Other programs: run.sh TrainStep --dtype f32, run.sh Soak, run.sh SoakDecode, run.sh Loading [MB], run.sh Passes encode|prefill|train f32|bf16
# run.sh Decode|Beams f32|bf16 [ROWS], run.sh Sentences f32|bf16 [COUNT] (peers: decode_gpt2.py, peers/beams.py, peers/sentences.py)
# run.sh Constrained TOKENIZER f32|bf16, run.sh Encode DATA, run.sh Adapters full|lora|rows and run.sh TrainTokenizer ENTRIES FILE
# (the peer of Passes: python benchmarks/peers/passes.py with the same arguments)
#
# WEFT_PEERS   folder of the peers' programs (default ../shared/peers beside the root)
# WEFT_PYTHON  a Python that has PyTorch (default python3), for TrainTokenizer one that has tokenizers
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
source "$root/build/java.sh"
find_java

(cd "$root" && mvn -q -B -Dstyle.color=never -Dmaven.test.skip=true -pl benchmarks -am package) >&2

program=Compare
case ${1:-} in
    TrainStep | Soak | Loading | Passes | Decode | Beams | Sentences | SoakDecode | Encode | TrainTokenizer | Constrained | Adapters)
        program=$1
        shift
        # What is counted shall be tensors: a Java heap of one size, and no second compiler, whose own memory grows by
        # some 20 MB when it gets to work.
        [[ $program != Soak* ]] || java_options+=(-Xms64m -Xmx64m -Xmn32m -XX:+AlwaysPreTouch -XX:TieredStopAtLevel=1)
        ;;
    *) set -- "$root" "$@" ;;
esac
exec "$java" "${java_options[@]}" ${WEFT_JAVA_OPTS:-} \
    -cp "$root/benchmarks/target/classes:$(<"$root/benchmarks/target/classpath")" "dev.weft.benchmarks.$program" "$@"
