package dev.weft.cli;

import dev.weft.cli.parity.Case;
import dev.weft.cli.parity.Parity;
import dev.weft.tensor.Device;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `weft parity`: the same numbers as the reference.
@Command(name = "parity", mixinStandardHelpOptions = true, sortOptions = false, description = {
        "Run conformance cases: small checkpoints with what the reference implementation computed.",
        "Prints `ok NAME max-error` or `FAIL NAME CHECK reason` for each case; exit status 1 if any failed."}, footer = {
                "", "Example:  weft parity ../shared/conformance --checks forward,train"})
final class ParityCommand implements Callable<Integer> {
    @Parameters(paramLabel = "DIR", arity = "1..*", description = "Folders; every case in or below them is run.")
    List<Path> folders;

    @Option(names = "--checks", split = ",", paramLabel = "KIND", description = "Run checks of these kinds only: forward, train, generate, …")
    Set<String> kinds = Set.of();

    @Option(names = "--device", defaultValue = "cpu", description = "cpu, cuda, cuda:N, mps or auto. Default: ${DEFAULT-VALUE}.")
    String device;

    @Override
    public Integer call() {
        Device where = Device.parse(device);
        int passed = 0;
        int failed = 0;
        for (Path folder : folders.stream().flatMap(folder -> Case.below(folder).stream()).distinct().toList()) {
            Parity.Outcome outcome;
            try (Case one = Case.open(folder, where)) {
                if (!Parity.concerns(one, kinds)) {
                    continue;
                }
                outcome = Parity.run(one, kinds);
            } catch (RuntimeException e) {
                outcome = new Parity.Outcome(folder.getFileName().toString(), 0, "case " + e.getMessage());
            }
            System.out.println(outcome);
            if (outcome.failure() == null) {
                passed++;
            } else {
                failed++;
            }
        }
        System.out.printf("%d passed, %d failed%n", passed, failed);
        return failed == 0 ? 0 : 1;
    }
}
