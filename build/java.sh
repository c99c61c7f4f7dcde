# Sourced by the scripts: which JDK Weft runs on and with which options.

# Native libraries without a warning. The heap holds little, tensors lie outside it: the serial collector keeps it small
# and leaves the cores to them.
java_options=(--enable-native-access=ALL-UNNAMED -XX:+UseSerialGC -Xms32m -XX:MaxRAMPercentage=40)
java_least=21

# Large tensors come and go with every step: glibc shall keep their pages instead of giving them back to the system and
# faulting them in again (a training step of the benchmark in 1.92 s instead of 2.18). One arena for all threads: it alone
# grows without limit, the others have heaps of 64 MiB that go back to the system when they are empty, and no room for
# logits (a training step of a translator: a fifth of the time in the kernel, instead of a twentieth).
export MALLOC_MMAP_THRESHOLD_=${MALLOC_MMAP_THRESHOLD_:-1073741824}
export MALLOC_TRIM_THRESHOLD_=${MALLOC_TRIM_THRESHOLD_:-4294967296}
export MALLOC_ARENA_MAX=${MALLOC_ARENA_MAX:-1}
export MALLOC_TOP_PAD_=${MALLOC_TOP_PAD_:-67108864}

# The feature version of the JDK in folder $1 (8 for 1.8), 0 if there is none.
java_version() {
    local line version=0
    if [[ -x $1/bin/java && -r $1/release ]]; then
        while IFS= read -r line || [[ -n $line ]]; do
            case $line in
                JAVA_VERSION=*)
                    version=${line#*=}
                    version=${version//[\"$'\r']/}
                    version=${version#1.}
                    version=${version%%[!0-9]*}
                    ;;
            esac
        done <"$1/release"
    fi
    echo "${version:-0}"
}

# The JDK folder of the `java` on the PATH, through all links.
java_on_path() {
    local file link
    file=$(command -v java) || return 0
    while [[ -L $file ]]; do
        link=$(readlink "$file")
        [[ $link == /* ]] && file=$link || file=${file%/*}/$link
    done
    echo "${file%/bin/java}"
}

# Sets `java` to the command of the first JDK that is new enough in JAVA_HOME and PATH, else of the newest in the usual
# places; ends with advice if there is none.
find_java() {
    local home version best=0 found=()
    java=
    for home in "${JAVA_HOME:-}" "$(java_on_path)"; do
        version=$(java_version "$home")
        if ((version >= java_least)); then
            java=$home/bin/java
            return
        fi
        ((version == 0)) || found+=("$version in $home")
    done
    for home in /usr/lib/jvm/* /usr/java/* ~/.sdkman/candidates/java/* ~/.jdks/* \
        /Library/Java/JavaVirtualMachines/*/Contents/Home ~/Library/Java/JavaVirtualMachines/*/Contents/Home \
        /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
        version=$(java_version "$home")
        if ((version > best)); then
            best=$version
            java=$home/bin/java
        fi
    done
    if ((best < java_least)); then
        {
            echo "Weft needs a JDK $java_least or newer and found none."
            ((${#found[@]} == 0)) || echo "Found: ${found[*]}."
            echo "Install one, for example with 'apt install openjdk-21-jdk', 'brew install openjdk' or from"
            echo "https://adoptium.net, or set JAVA_HOME to where it is."
        } >&2
        exit 1
    fi
}
